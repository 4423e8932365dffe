// @ts-check
/**
 * The simulated system of one host: a store, numbered generations, and a profile link that points at the active one.
 * A hash of the files that a host reads names what its configuration builds, so only a change of those needs a rebuild.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asObject, readJsonObject } from '../../setup/json.mjs';

const MAIN = fileURLToPath(new URL('./main.mjs', import.meta.url));
const STORE_ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';
const FIRST_GENERATION = 41;

/** @typedef {'nixos' | 'macos'} HostType */
/** @typedef {{ number: number, path: string, madeAt: Date }} Generation */

/**
 * A hash in the form of Nix store names: 32 characters of the store's alphabet.
 * @param {string} seed
 */
export function storeHash(seed) {
  return [...createHash('sha256').update(seed).digest()].map((byte) => STORE_ALPHABET.charAt(byte % 32)).join('');
}

/**
 * The version of nixpkgs that a lock file pins, in the form NixOS uses: `25.11.20260118.3497aa5`.
 * @param {string} flake folder
 */
export function nixpkgsVersion(flake) {
  const nodes = asObject(readJsonObject(join(flake, 'flake.lock'))?.['nodes']);
  const locked = asObject(asObject(nodes?.['nixpkgs'])?.['locked']);
  const { lastModified, rev } = locked ?? {};
  if (typeof lastModified !== 'number' || typeof rev !== 'string') return '25.11pre-git';
  const day = new Date(lastModified * 1_000).toISOString().slice(0, 10).replaceAll('-', '');
  return `25.11.${day}.${rev.slice(0, 7)}`;
}

/**
 * The store name of what a configuration builds for a host, or null when it has no such host.
 * @param {string} flake folder
 * @param {string} host
 * @param {HostType} type
 */
export function wantedName(flake, host, type) {
  if (!existsSync(join(flake, 'hosts', host, 'configuration.nix'))) return null;
  const shared = type === 'nixos' ? ['modules/common.nix'] : [];
  const files = ['flake.nix', 'flake.lock', ...shared, `hosts/${host}/configuration.nix`];
  const seed = files.map((file) => `${file}\0${readText(join(flake, file))}`).join('\0');
  const kind = type === 'nixos' ? `nixos-system-${host}-${nixpkgsVersion(flake)}` : 'home-manager-generation';
  return `${storeHash(`${host}\0${seed}`)}-${kind}`;
}

/**
 * Opens the system in a folder, which is created when missing.
 * @param {string} folder
 */
export function openSystem(folder) {
  mkdirSync(join(folder, 'store'), { recursive: true });
  // Real paths throughout: the target of the profile is compared with the paths that a build prints.
  const root = realpathSync(folder);
  const store = join(root, 'store');
  const profile = join(root, 'profile');

  /** @returns {Generation[]} the newest last */
  function generations() {
    return readdirSync(root)
      .flatMap((name) => {
        const number = Number(/^profile-(\d+)-link$/.exec(name)?.[1]);
        const link = join(root, name);
        return Number.isNaN(number) ? [] : [{ number, path: realpathSync(link), madeAt: statSync(link).mtime }];
      })
      .sort((a, b) => a.number - b.number);
  }

  /** @param {string} link name of a generation's link */
  function point(link) {
    // By rename, so that the profile is never missing.
    const next = join(root, `profile.${process.pid}.next`);
    symlinkSync(link, next);
    renameSync(next, profile);
  }

  return {
    profile,
    generations,
    /** @param {string} name in the store */
    pathOf: (name) => join(store, name),
    /** @returns {string | null} the path of the active generation */
    current: () => (existsSync(profile) ? realpathSync(profile) : null),
    /**
     * Adds a system to the store and makes it the active generation: a new one unless it is active already.
     * @param {string} name in the store
     */
    activate(name) {
      const path = join(store, name);
      mkdirSync(path, { recursive: true });
      // A Home Manager generation is activated by the program in it.
      const activate = join(path, 'activate');
      writeFileSync(activate, `#!/bin/sh\nexec node ${shellWord(MAIN)} activate ${shellWord(path)}\n`);
      chmodSync(activate, 0o755);
      if (existsSync(profile) && realpathSync(profile) === path) return;
      const link = `profile-${(generations().at(-1)?.number ?? FIRST_GENERATION - 1) + 1}-link`;
      symlinkSync(path, join(root, link));
      point(link);
    },
    /** Points the profile at the previous generation; null when there is none. */
    rollBack() {
      const active = existsSync(profile) ? realpathSync(profile) : null;
      const all = generations();
      const index = all.findLastIndex(({ path }) => path === active);
      const before = all[index - 1];
      if (before === undefined) return null;
      point(`profile-${before.number}-link`);
      return { number: before.number, name: basename(before.path) };
    },
  };
}

/** @param {string} path */
function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** @param {string} text */
function shellWord(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
