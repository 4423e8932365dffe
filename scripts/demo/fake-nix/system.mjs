// @ts-check
/**
 * The simulated system of one host: a store, numbered generations, a profile link that points at the boot default,
 * and links to the system that runs and to the one that booted (NixOS). A hash of the files that a host reads names what its configuration builds, so only a change of those needs a rebuild.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asObject, readJsonObject } from '../../setup/json.mjs';
import { writeContents } from './system-contents.mjs';

const MAIN = fileURLToPath(new URL('./main.mjs', import.meta.url));
const STORE_ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';
const HASH_LENGTH = 32;
const FIRST_GENERATION = 41;
const DAY_MS = 24 * 60 * 60_000;
/** How old the generations are that a host has when the demo starts. */
const EARLIER_DAYS = [34, 20, 6];

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
 * A system of the same host that was built from an earlier configuration.
 * @param {string} name in the store
 */
export const earlierName = (name) => `${storeHash(`${name}\0earlier`)}${name.slice(HASH_LENGTH)}`;

/**
 * Generations of a NixOS host from before the demo, the oldest first.
 * @param {string} name in the store, of what it builds now
 * @param {Date} now
 */
export function earlierGenerations(name, now) {
  return EARLIER_DAYS.map((days) => {
    const madeAt = new Date(now.getTime() - days * DAY_MS);
    const seed = `${name}\0${days} days earlier`;
    const day = madeAt.toISOString().slice(0, 10).replaceAll('-', '');
    const revision = createHash('sha1').update(seed).digest('hex');
    const version = `25.11.${day}.${revision.slice(0, 7)}`;
    return { name: `${storeHash(seed)}-nixos-system-${hostOf(name)}-${version}`, revision, madeAt };
  });
}

/**
 * The host that a NixOS system is for; '' for another path.
 * @param {string} path
 */
export const hostOf = (path) => /^(.+?)-\d\d\.\d\d/.exec(path.split('-nixos-system-')[1] ?? '')?.[1] ?? '';

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
  const runningLink = join(root, 'current-system');
  const bootedLink = join(root, 'booted-system');

  /** @returns {Generation[]} the newest last */
  function generations() {
    return readdirSync(root)
      .flatMap((name) => {
        const number = Number(/^profile-(\d+)-link$/.exec(name)?.[1]);
        const link = join(root, name);
        return Number.isNaN(number) ? [] : [{ number, path: realpathSync(link), madeAt: lstatSync(link).mtime }];
      })
      .sort((a, b) => a.number - b.number);
  }

  /**
   * @param {string} link
   * @param {string} target
   */
  function point(link, target) {
    // By rename, so that the link is never missing.
    const next = `${link}.${process.pid}.next`;
    rmSync(next, { force: true });
    symlinkSync(target, next);
    renameSync(next, link);
  }

  /** @param {string} link */
  const pathAt = (link) => (existsSync(link) ? realpathSync(link) : null);

  /** @param {number} number */
  const linkOf = (number) => `profile-${number}-link`;

  /**
   * Adds a system to the store.
   * @param {string} name in the store
   * @param {string} [revision] the commit that it was built from
   */
  function add(name, revision = '') {
    const path = join(store, name);
    mkdirSync(path, { recursive: true });
    writeContents(path, name, revision);
    // A Home Manager generation is activated by the program in it.
    const activate = join(path, 'activate');
    writeFileSync(activate, `#!/bin/sh\nexec node ${shellWord(MAIN)} activate ${shellWord(path)}\n`);
    chmodSync(activate, 0o755);
    return path;
  }

  /**
   * Makes a path of the store the boot default: the generation that has it, or a new one.
   * @param {string} path
   */
  function setProfile(path) {
    if (pathAt(profile) === path) return;
    const all = generations();
    const number = all.findLast((one) => one.path === path)?.number ?? (all.at(-1)?.number ?? FIRST_GENERATION - 1) + 1;
    if (!existsSync(join(root, linkOf(number)))) symlinkSync(path, join(root, linkOf(number)));
    point(profile, linkOf(number));
  }

  /** @param {string} path of the store */
  const run = (path) => point(runningLink, path);

  return {
    profile,
    runningLink,
    generations,
    add,
    setProfile,
    run,
    /** @param {string} name in the store */
    pathOf: (name) => join(store, name),
    /** @param {string} path */
    has: (path) => dirname(path) === store && existsSync(path),
    /** @returns {string | null} the path of the active generation */
    current: () => pathAt(profile),
    /** @returns {string | null} the path of the system that runs */
    running: () => pathAt(runningLink),
    /** The number of the active generation; null without one. */
    generation: () => generations().findLast(({ path }) => path === pathAt(profile))?.number ?? null,
    /**
     * @param {number} number
     * @returns {string | null}
     */
    pathOfGeneration: (number) => pathAt(join(root, linkOf(number))),
    /**
     * Adds generations from before the first one, which neither run nor are active.
     * @param {readonly { name: string, revision: string, madeAt: Date }[]} earlier the oldest first
     */
    addEarlier(earlier) {
      for (const [index, { name, revision, madeAt }] of earlier.entries()) {
        const link = join(root, linkOf(FIRST_GENERATION - earlier.length + index));
        symlinkSync(add(name, revision), link);
        lutimesSync(link, madeAt, madeAt);
      }
    },
    /**
     * Adds a system to the store and makes it the active generation, which runs.
     * @param {string} name in the store
     * @param {string} [revision] the commit that it was built from
     */
    activate(name, revision) {
      const path = add(name, revision);
      setProfile(path);
      run(path);
    },
    /** The host starts: what the profile points at runs. */
    boot() {
      const path = pathAt(profile);
      if (path === null) return;
      run(path);
      point(bootedLink, path);
    },
    /** Points the profile at the previous generation, which then runs; null when there is none. */
    rollBack() {
      const active = pathAt(profile);
      const all = generations();
      const index = all.findLastIndex(({ path }) => path === active);
      const before = all[index - 1];
      if (before === undefined) return null;
      point(profile, linkOf(before.number));
      run(before.path);
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
