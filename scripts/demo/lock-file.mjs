// @ts-check
/** A flake.lock: its first contents, and what an update makes of it. */
import { createHash } from 'node:crypto';
import { asObject } from '../setup/json.mjs';
import { SetupProblem } from '../setup/problem.mjs';

/** Where each input comes from. */
const INPUTS = [
  { name: 'home-manager', owner: 'nix-community', repo: 'home-manager' },
  { name: 'nixfleet', owner: 'example', repo: 'nixfleet' },
  { name: 'nixpkgs', owner: 'NixOS', repo: 'nixpkgs' },
];

/** @typedef {{ name: string, from: string, to: string }} Update */

/**
 * The lock file of a new configuration, with inputs as they were at `date`.
 * @param {Date} date
 */
export function firstLock(date) {
  const nodes = Object.fromEntries(
    INPUTS.map(({ name, owner, repo }) => [
      name,
      {
        locked: { ...pin(`${name} first`, date), owner, repo, type: 'github' },
        original: { owner, repo, type: 'github' },
      },
    ]),
  );
  const root = { inputs: Object.fromEntries(INPUTS.map(({ name }) => [name, name])) };
  return write({ nodes: { ...nodes, root }, root: 'root', version: 7 });
}

/**
 * Moves one input (null: all of them) to what it is at `date`. Throws a SetupProblem when the text is no lock file or
 * has no such input.
 * @param {string} text
 * @param {string | null} input
 * @param {Date} date
 * @returns {{ text: string, updated: Update[] }}
 */
export function bumpLock(text, input, date) {
  const lock = parse(text);
  const nodes = asObject(lock?.['nodes']);
  if (lock === null || nodes === null) throw new SetupProblem('flake.lock is not a lock file.');
  /** @type {Update[]} */
  const updated = [];
  for (const [name, value] of Object.entries(nodes)) {
    const node = asObject(value);
    const locked = asObject(node?.['locked']);
    if (node === null || locked === null || (input !== null && input !== name)) continue;
    const next = { ...locked, ...pin(`${name} ${String(locked['rev'])} ${date.toISOString()}`, date) };
    nodes[name] = { ...node, locked: next };
    updated.push({ name, from: describe(locked), to: describe(next) });
  }
  if (updated.length === 0) throw new SetupProblem(`flake.lock has no input "${input ?? ''}".`);
  return { text: write({ ...lock, nodes }), updated };
}

/**
 * @param {string} seed
 * @param {Date} date
 */
function pin(seed, date) {
  const hash = (/** @type {string} */ algorithm) => createHash(algorithm).update(seed);
  return {
    lastModified: Math.floor(date.getTime() / 1_000),
    narHash: `sha256-${hash('sha256').digest('base64')}`,
    rev: hash('sha1').digest('hex'),
  };
}

/** @param {Record<string, unknown>} locked */
function describe(locked) {
  const { owner, repo, rev, lastModified } = locked;
  const day = typeof lastModified === 'number' ? new Date(lastModified * 1_000).toISOString().slice(0, 10) : 'unknown';
  return `github:${String(owner)}/${String(repo)}/${String(rev)} (${day})`;
}

/** @param {string} text */
function parse(text) {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

/** @param {unknown} lock */
function write(lock) {
  return `${JSON.stringify(lock, null, 2)}\n`;
}
