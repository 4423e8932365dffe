/**
 * The policy of the running system: what this host accepts from a dashboard. Its file belongs to the system, so that no
 * dashboard can write it. A file that can't be used refuses everything that changes the host.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { z } from 'zod';
import { isZone, minutesOf, WEEK_DAYS } from '@/lib/hours/hours';
import { plainText } from '@/lib/text/plain-text';
import { MAX_POLICY_BRANCHES, MAX_POLICY_WINDOWS } from '@/lib/protocol/agent/frame-limits';
import { POLICY_OPERATIONS, POLICY_TEXT, type PolicyOperation } from '@/lib/protocol/agent/host-policy';
import type { Hours } from '@/lib/hours/hours';
import { MAX_SIGNERS_BYTES, parseSigners, type Signer } from './signers';

/** Larger files are refused. */
export const MAX_POLICY_BYTES = 128 * 1024;
const BRANCH = /^(?![-/.])[^\s~^:?*[\\\p{Cc}]{1,200}$/u;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

const time = z
  .string()
  .refine((value) => minutesOf(value) !== null, 'is not a time from 00:00 to 24:00')
  .transform((value) => minutesOf(value) ?? 0);
const windowSchema = z
  .strictObject({ days: z.array(z.enum(WEEK_DAYS)).min(1).max(7), from: time, to: time })
  .refine(({ from, to }) => from !== to, 'begins when it ends: write 00:00 to 24:00 for a whole day')
  .refine(({ from }) => from < 24 * 60, 'begins at 24:00: write 00:00 of the next day');

const policySchema = z.strictObject({
  /** Absent: all. */
  operations: z.array(z.enum(POLICY_OPERATIONS)).max(POLICY_OPERATIONS.length).optional(),
  /** Absent: always. */
  hours: z
    .strictObject({
      zone: z
        .string()
        .min(1)
        .max(POLICY_TEXT.zone)
        .refine(isZone, 'is not the name of a time zone, such as Europe/Berlin'),
      windows: z.array(windowSchema).min(1).max(MAX_POLICY_WINDOWS),
    })
    .optional(),
  /** The commit has to be on one of them, as the remote has it now. Absent: on any. */
  branches: z
    .array(
      z
        .string()
        .regex(BRANCH, 'is not the name of a branch')
        .refine((name) => !name.includes('..'), 'is not the name of a branch'),
    )
    .min(1)
    .max(MAX_POLICY_BRANCHES)
    .optional(),
  /** The content of an allowed-signers file. */
  signers: z.string().max(MAX_SIGNERS_BYTES).optional(),
  /** The path of such a file. */
  signersFile: z.string().max(4_096).regex(/^\//, 'is not an absolute path').optional(),
  oldestCommit: z.string().regex(COMMIT, 'is not the full hash of a commit').optional(),
  confirmed: z.boolean().default(false),
});

export interface Policy {
  /** Null: all. */
  operations: readonly PolicyOperation[] | null;
  /** Null: always. */
  hours: Hours | null;
  /** Null: any. */
  branches: readonly string[] | null;
  /** Null: no signature is needed. `content`: an allowed-signers file. */
  signers: { content: string; keys: readonly Signer[]; file: string } | null;
  /** '' for any. */
  oldestCommit: string;
  confirmed: boolean;
}

/** `source`: the file. `problem`: what is wrong with it and where, as a clause. */
export type PolicyState =
  | { kind: 'none'; source: string }
  | { kind: 'set'; source: string; policy: Policy }
  | { kind: 'unreadable'; source: string; problem: string };

/** Where the list of signers with this path is read. */
export type LocateList = (file: string) => string;

/**
 * `writable`: folders that the agent itself writes, in which no list of signers may be. `locate`: for the policy of a
 * system that does not run, whose list is not the one at its path now.
 */
export function readPolicy(
  source: string,
  writable: readonly string[],
  locate: LocateList = (file) => file,
): PolicyState {
  try {
    lstatSync(source);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return code === 'ENOENT' ? { kind: 'none', source } : unreadable(source, `can't be read (${String(code)})`);
  }
  try {
    const parsed = parsePolicy(readBounded(source, MAX_POLICY_BYTES), writable, locate);
    return 'problem' in parsed ? unreadable(source, parsed.problem) : { kind: 'set', source, policy: parsed.policy };
  } catch (error) {
    return unreadable(source, `can't be read (${messageOf(error)})`);
  }
}

/** `problem`: a clause that follows the name of the file. */
export function parsePolicy(
  text: string,
  writable: readonly string[],
  locate: LocateList = (file) => file,
): { policy: Policy } | { problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  const parsed = policySchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    const what = plainText(issue?.message ?? '', 200);
    return { problem: `has a mistake at ${place === '' ? 'the top level' : plainText(place, 100)}: ${what}` };
  }
  const { operations, hours, branches, signers, signersFile, oldestCommit, confirmed } = parsed.data;
  const keys =
    signers === undefined && signersFile === undefined
      ? null
      : readSigners(signers, signersFile, (file) => readOutside(locate(file), writable));
  if (keys !== null && 'problem' in keys) return keys;
  return {
    policy: {
      operations: operations ?? null,
      hours: hours ?? null,
      branches: branches ?? null,
      signers: keys,
      oldestCommit: oldestCommit ?? '',
      confirmed,
    },
  };
}

function readSigners(
  inline: string | undefined,
  file: string | undefined,
  readList: (file: string) => string,
): NonNullable<Policy['signers']> | { problem: string } {
  const parts: string[] = [];
  const keys: Signer[] = [];
  for (const [place, read] of [
    ['signers', inline === undefined ? null : () => inline],
    ['signersFile', file === undefined ? null : () => readList(file)],
  ] as const) {
    if (read === null) continue;
    let content: string;
    try {
      content = read();
    } catch (error) {
      return { problem: `has a mistake at ${place}: ${file ?? ''} can't be read (${messageOf(error)})` };
    }
    const parsed = parseSigners(content);
    if (!parsed.ok) return { problem: `has a mistake at ${place}: ${parsed.problem}` };
    parts.push(content);
    keys.push(...parsed.signers);
  }
  return { content: `${parts.join('\n')}\n`, keys, file: file ?? '' };
}

/** A list in the clone would be chosen by the commit that it judges. */
function readOutside(file: string, writable: readonly string[]): string {
  const real = realpathSync(file);
  for (const folder of writable) {
    const root = realOf(folder);
    if (folder !== '' && (real === root || real.startsWith(root + sep)))
      throw new Error(`it is in ${folder}, which the agent writes`);
  }
  return readBounded(real, MAX_SIGNERS_BYTES);
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Of the file that is open, so that none can grow or be replaced in between. A pipe is not waited for. */
function readBounded(path: string, max: number): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error('it is not a file');
    if (stat.size > max) throw new Error(`it has more than ${max / 1024} KiB`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

const unreadable = (source: string, problem: string): PolicyState => ({ kind: 'unreadable', source, problem });

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  return 'code' in error ? String(error.code) : error.message;
}
