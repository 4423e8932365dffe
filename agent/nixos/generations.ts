/** The generations of the system profile, read from its links and from the systems they point at. Runs no program. */
import { closeSync, lstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AgentConfig } from '../config';
import { generationOf, pathOf, runs } from './system-facts';
import {
  MAX_SYSTEM_GENERATIONS,
  SYSTEM_GENERATION_TEXT,
  type SystemGenerationsReport,
} from '@/lib/protocol/agent/system-generations';
import { plainText } from '@/lib/text/plain-text';

/** The script `nixos-version` is about 2 KiB. */
const MAX_READ_BYTES = 16 * 1024;

type Links = Pick<AgentConfig, 'systemLink' | 'systemProfile'>;
/** What never changes: a path in the store does not. */
interface Contents {
  nixosVersion: string;
  kernelVersion: string;
  revision: string;
}

/** Reads the list. What is read of a system is remembered as long as it is listed. */
export function createGenerationsReader(links: Links): () => SystemGenerationsReport {
  let known = new Map<string, Contents>();
  return () => {
    const { systemLink, systemProfile: profile } = links;
    const running = pathOf(systemLink);
    const booted = pathOf(join(dirname(systemLink), 'booted-system'));
    const nextBoot = generationOf(profile);
    const numbers = generationNumbers(profile).sort((a, b) => b - a);
    const next = new Map<string, Contents>();
    const generations = listed(numbers, nextBoot).flatMap((number) => {
      const link = linkOf(profile, number);
      const path = pathOf(link);
      const createdAt = madeAt(link);
      // Deleted meanwhile, or its system is missing.
      if (path === '' || createdAt === null) return [];
      const contents = next.get(path) ?? known.get(path) ?? readContents(path);
      next.set(path, contents);
      return [
        {
          number,
          created_at: createdAt,
          nixos_version: contents.nixosVersion,
          kernel_version: contents.kernelVersion,
          configuration_revision: contents.revision,
          runs: runs(running, path),
          next_boot: number === nextBoot,
          booted: runs(booted, path),
        },
      ];
    });
    known = next;
    return { generations, total: numbers.length };
  };
}

/** The numbers of all generations, in no order; none where the folder can't be read. */
export function generationNumbers(profile: string): number[] {
  const prefix = `${basename(profile)}-`;
  try {
    return readdirSync(dirname(profile)).flatMap((entry) => {
      if (!entry.startsWith(prefix)) return [];
      const number = /^([1-9]\d{0,8})-link$/.exec(entry.slice(prefix.length))?.[1];
      return number === undefined ? [] : [Number(number)];
    });
  } catch {
    return [];
  }
}

/** Store path of a generation's system; null where the generation or its system does not exist. */
export function pathOfGeneration({ systemProfile }: Pick<AgentConfig, 'systemProfile'>, number: number): string | null {
  return pathOf(linkOf(systemProfile, number)) || null;
}

/** Why a generation of the dashboard's list can't be switched to. */
export const noGeneration = (number: number): string => `Generation ${number} does not exist any more on this host`;

/** The commit that a system says it was built from; '' where its configuration does not set it. */
export const revisionOf = (system: string): string => readContents(system).revision;

const linkOf = (profile: string, number: number): string => `${profile}-${number}-link`;

/** The newest ones, and always the boot default. */
function listed(numbers: readonly number[], nextBoot: number | null): readonly number[] {
  const newest = numbers.slice(0, MAX_SYSTEM_GENERATIONS);
  if (nextBoot === null || newest.includes(nextBoot) || !numbers.includes(nextBoot)) return newest;
  return [...newest.slice(0, MAX_SYSTEM_GENERATIONS - 1), nextBoot];
}

/** By the link, as `nix-env --list-generations`: milliseconds since 1970. */
function madeAt(link: string): number | null {
  try {
    return Math.max(0, Math.floor(lstatSync(link).mtimeMs));
  } catch {
    return null;
  }
}

function readContents(system: string): Contents {
  return {
    nixosVersion: plainText(readStart(join(system, 'nixos-version')), SYSTEM_GENERATION_TEXT.nixos_version),
    kernelVersion: plainText(kernelVersionOf(system), SYSTEM_GENERATION_TEXT.kernel_version),
    // The script prints this JSON, which is in its text as one line: running it takes 10 ms for each system.
    revision:
      /"configurationRevision":"([^"\\]{1,80})"/.exec(readStart(join(system, 'sw/bin/nixos-version')))?.[1] ?? '',
  };
}

function kernelVersionOf(system: string): string {
  try {
    return readdirSync(join(system, 'kernel-modules/lib/modules')).sort()[0] ?? '';
  } catch {
    // A container has no kernel.
    return '';
  }
}

/** The first bytes of a file; '' where it can't be read. */
function readStart(path: string): string {
  try {
    const file = openSync(realpathSync(path), 'r');
    try {
      const buffer = Buffer.alloc(MAX_READ_BYTES);
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, MAX_READ_BYTES, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
