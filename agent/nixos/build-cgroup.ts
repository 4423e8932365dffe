/**
 * Limits the memory of a build by a child cgroup of the agent's service, whose unit says Delegate=yes (systemd,
 * "Control Group APIs and Delegation"). cgroup v2 allows processes in leaves only, so the agent moves itself into a
 * child first. What the Nix daemon builds runs in the daemon's own cgroup: the limit is for the evaluation, which takes
 * most of the memory, and for builds without a daemon.
 */
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { basename, join } from 'node:path';

/** Only the service's own cgroup is changed, never that of a shell or a container. */
const SERVICE = 'nixfleet-agent.service';
const AGENT_LEAF = 'agent';
const BUILD_LEAF = 'build';

export interface BuildCgroup {
  /** The command line that runs a program inside the limit. */
  wrap: (program: string, args: readonly string[]) => { program: string; args: readonly string[] };
  /** How often a process of it was killed because it needed more, since the machine started. */
  kills: () => number;
  /** Bytes. */
  limit: number;
}

export interface BuildCgroupOptions {
  /** A share of the memory ("80%") or a size in bytes with K, M, G or T ("6G"). */
  memory: string;
  /** Where cgroup v2 is mounted, and the file that says which cgroup this process is in. */
  mount?: string;
  membership?: string;
  pid?: number;
}

/** Makes the cgroup; else the reason why there is none, as a clause. */
export function createBuildCgroup(options: BuildCgroupOptions): BuildCgroup | { problem: string } {
  const { memory, mount = '/sys/fs/cgroup', membership = '/proc/self/cgroup', pid = process.pid } = options;
  const limit = bytesOf(memory);
  if (limit === null)
    return { problem: `"${memory}" is neither a share of the memory such as 80% nor a size such as 6G` };
  const path = serviceCgroup(membership);
  if (path === null) return { problem: `this process is not in the cgroup of ${SERVICE} (cgroup v2)` };
  const service = join(mount, path);
  const build = join(service, BUILD_LEAF);
  try {
    accessSync(join(service, 'cgroup.subtree_control'), constants.W_OK);
    for (const leaf of [AGENT_LEAF, BUILD_LEAF]) mkdirSync(join(service, leaf), { recursive: true });
    writeFileSync(join(service, AGENT_LEAF, 'cgroup.procs'), String(pid));
    writeFileSync(join(service, 'cgroup.subtree_control'), '+memory');
    writeFileSync(join(build, 'memory.max'), String(limit));
    // The whole build ends, not one compiler of it.
    writeFileSync(join(build, 'memory.oom.group'), '1');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    return { problem: `the cgroup ${path} can't be changed (${why}): the unit needs Delegate=yes` };
  }
  return {
    wrap: (program, args) => ({
      program: '/bin/sh',
      args: ['-c', 'echo $$ >"$0"; exec "$@"', join(build, 'cgroup.procs'), program, ...args],
    }),
    kills: () => oomKills(join(build, 'memory.events')),
    limit,
  };
}

/** The cgroup of the service, also when an earlier start has moved this process into a leaf of it; null elsewhere. */
function serviceCgroup(membership: string): string | null {
  let path: string | undefined;
  try {
    path = /^0::(\/.*)$/m.exec(readFileSync(membership, 'utf8'))?.[1];
  } catch {
    return null;
  }
  if (path === undefined) return null;
  if (basename(path) === AGENT_LEAF) path = path.slice(0, -AGENT_LEAF.length - 1);
  return basename(path) === SERVICE ? path : null;
}

function oomKills(path: string): number {
  try {
    return Number(/^oom_kill (\d{1,15})$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const MIN_BYTES = 64 * 2 ** 20;

/** Bytes; null for a text that is no limit, or for less than 64 MiB. */
export function bytesOf(memory: string, total: number = totalmem()): number | null {
  const share = /^(\d{1,3})%$/.exec(memory)?.[1];
  const [, number, unit] = /^(\d{1,15})([KMGT]?)$/.exec(memory) ?? [];
  const bytes =
    share !== undefined && Number(share) <= 100
      ? Math.floor((total * Number(share)) / 100)
      : number === undefined
        ? null
        : Number(number) * (UNITS[unit ?? ''] ?? 1);
  return bytes !== null && bytes >= MIN_BYTES ? bytes : null;
}
