/**
 * Reading a flake.lock (nix.dev, "nix flake", section "Lock files"): which state of which input a configuration is
 * pinned to. Pure. The file comes from a pull request, so nothing in it is trusted.
 */
import { z } from 'zod';
import { boundedArray, boundedEntries } from '@/lib/protocol/bounded';
import { jsonExcess } from '@/lib/protocol/json-limits';
import { plainText } from '@/lib/text/plain-text';
import { shownAddress } from '@/lib/git/repository-address';

/** Most nodes of a lock file; a large configuration has about a hundred. */
export const MAX_LOCK_NODES = 2_000;
/** Longest path of inputs that is followed. */
const MAX_DEPTH = 32;
const MAX_NAME = 200;
/** A lock file nests 5 levels deep, and a node has some 20 values. */
const LOCK_JSON_LIMITS = { maxDepth: 16, maxValues: 40 * MAX_LOCK_NODES };
/** Inputs of one node. */
const MAX_NODE_INPUTS = 1_000;

/** What an input is pinned to. */
export interface LockedInput {
  /** Everything that identifies the state: equal text means equal state. */
  identity: string;
  /** Commit id; the hash of the contents where the input is no git repository. */
  rev: string;
  ref: string;
  /** Epoch milliseconds. */
  lastModified: number | null;
  /** An http(s) page or an address, without credentials. */
  url: string;
  /** True when it follows another input. */
  follows: boolean;
}

/** The inputs by their path, `home-manager/nixpkgs`, nearest first. */
export type LockedInputs = ReadonlyMap<string, LockedInput>;

export type LockReading = { ok: true; inputs: LockedInputs } | { ok: false; problem: string };

const text = z.string().max(4_096).optional();
/** `locked` and `original` of a node; the fields depend on the type of the input. */
const referenceSchema = z.object({
  type: text,
  owner: text,
  repo: text,
  host: text,
  url: text,
  path: text,
  dir: text,
  id: text,
  ref: text,
  rev: text,
  narHash: text,
  lastModified: z.number().int().nonnegative().max(253_402_300_799).optional(),
});
type Reference = z.infer<typeof referenceSchema>;

const nodeSchema = z.object({
  inputs: boundedEntries(MAX_NODE_INPUTS, 'inputs')
    .pipe(z.record(z.string(), z.union([z.string(), boundedArray(z.string(), { max: MAX_DEPTH })])))
    .optional(),
  locked: referenceSchema.optional(),
  original: referenceSchema.optional(),
});
type Node = z.infer<typeof nodeSchema>;

const lockSchema = z.object({
  version: z.number(),
  root: z.string(),
  nodes: boundedEntries(MAX_LOCK_NODES, 'inputs').pipe(z.record(z.string(), nodeSchema)),
});

/** Versions whose `follows` are paths and whose nodes carry `lastModified`: all since Nix 2.4. */
const VERSIONS = new Set([5, 6, 7]);

/** Reads the text of a flake.lock. Never throws; a problem is a clause for "… can't be compared: <problem>". */
export function readFlakeLock(content: string): LockReading {
  switch (jsonExcess(Buffer.from(content), LOCK_JSON_LIMITS)) {
    case 'too-deep':
      return { ok: false, problem: `it nests deeper than ${LOCK_JSON_LIMITS.maxDepth} levels` };
    case 'too-many-values':
      return { ok: false, problem: `it has more than ${MAX_LOCK_NODES} inputs` };
    case null:
  }
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    return { ok: false, problem: 'it is not JSON' };
  }
  const parsed = lockSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    if (issue?.code === 'custom' && issue.path.join('.') === 'nodes')
      return { ok: false, problem: `it has more than ${MAX_LOCK_NODES} inputs` };
    const place = plainText(issue?.path.map(String).join('.') ?? '', MAX_NAME);
    return { ok: false, problem: `it is not a lock file${place === '' ? '' : ` (at ${place})`}` };
  }
  const { version, root, nodes } = parsed.data;
  if (!VERSIONS.has(version))
    return { ok: false, problem: `its version is ${version}; versions 5, 6 and 7 are supported` };
  const byName = new Map(Object.entries(nodes));
  if (!byName.has(root)) return { ok: false, problem: `it has no root "${plainText(root, 80)}"` };
  return walk(byName, root);
}

type InputTarget = string | readonly string[];

/** Breadth first, each node once: a hostile file may join its nodes in a circle or in exponentially many ways. */
function walk(nodes: ReadonlyMap<string, Node>, root: string): LockReading {
  const inputs = new Map<string, LockedInput>();
  const seen = new Set([root]);
  const queue: { path: string; key: string; depth: number }[] = [{ path: '', key: root, depth: 0 }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { path, key, depth } = next;
    if (depth > MAX_DEPTH) return { ok: false, problem: `its inputs are nested deeper than ${MAX_DEPTH}` };
    for (const [name, target] of Object.entries(nodes.get(key)?.inputs ?? {}).sort(byKey)) {
      const inputPath = path === '' ? plainText(name, MAX_NAME) : `${path}/${plainText(name, MAX_NAME)}`;
      const found = resolve(nodes, root, target);
      const node = found === null ? undefined : nodes.get(found);
      if (found === null || node === undefined) {
        return { ok: false, problem: `its input "${inputPath}" does not exist` };
      }
      // An input that follows the root itself has no lock.
      if (node.locked !== undefined) inputs.set(inputPath, locked(node, typeof target !== 'string'));
      if (inputs.size > MAX_LOCK_NODES) return { ok: false, problem: `it has more than ${MAX_LOCK_NODES} inputs` };
      if (typeof target === 'string' && !seen.has(found)) {
        seen.add(found);
        queue.push({ path: inputPath, key: found, depth: depth + 1 });
      }
    }
  }
  return { ok: true, inputs };
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The node that an input leads to. A path ("follows") is walked from the root, and may meet further paths on its way:
 * the steps are counted, for these may run in a circle.
 */
function resolve(nodes: ReadonlyMap<string, Node>, root: string, target: InputTarget): string | null {
  let steps = 0;
  const follow = (one: InputTarget): string | null => {
    if (typeof one === 'string') return one;
    let key: string | null = root;
    for (const name of one) {
      steps += 1;
      if (steps > MAX_DEPTH * 4) return null;
      const inputs: Node['inputs'] = nodes.get(key)?.inputs;
      const next: InputTarget | undefined = inputs && Object.hasOwn(inputs, name) ? inputs[name] : undefined;
      key = next === undefined ? null : follow(next);
      if (key === null) return null;
    }
    return key;
  };
  return follow(target);
}

function locked(node: Node, follows: boolean): LockedInput {
  const { locked = {}, original = {} } = node;
  const { lastModified } = locked;
  const rev = plainText(locked.rev ?? locked.narHash ?? '', 128);
  return {
    identity: JSON.stringify([locked.type, placeOf(locked), locked.dir, locked.rev, locked.narHash]),
    rev,
    ref: plainText(locked.ref ?? original.ref ?? '', MAX_NAME),
    lastModified: lastModified === undefined ? null : lastModified * 1_000,
    url: addressOf(locked),
    follows,
  };
}

const placeOf = ({ type, owner, repo, host, url, path, id }: Reference): string =>
  JSON.stringify([type, host, owner, repo, url, path, id]);

const HOSTS: Readonly<Record<string, string>> = { github: 'github.com', gitlab: 'gitlab.com', sourcehut: 'git.sr.ht' };
const NAME = /^[~A-Za-z0-9._-]{1,100}$/;
const HOST = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/;

function addressOf(reference: Reference): string {
  const { type = '', owner = '', repo = '', url, path } = reference;
  const host = reference.host ?? HOSTS[type];
  if (host !== undefined && Object.hasOwn(HOSTS, type)) {
    // Other names could produce a misleading address.
    const known = HOST.test(host) && NAME.test(owner) && NAME.test(repo) && repo !== '..' && owner !== '..';
    return known ? `https://${host}/${owner}/${repo}` : '';
  }
  if (url !== undefined) return plainText(shownAddress(url), 500);
  return path === undefined ? '' : plainText(path, 500);
}
