/** Builds the system of a NixOS host as the agent's user. Root could not: the clone belongs to that user. */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationContext, OperationHost } from '../operation';
import { exitCodeOf, failureOf } from '../shell';
import { createBuildLog, NO_PROGRESS, type BuildProgress } from './build-log';

/** The link in the state folder that keeps the garbage collector from the system until the next one is built. */
export const SYSTEM_LINK = 'next-system';
const FEATURES = ['--extra-experimental-features', 'nix-command flakes'];
const MIB = 2 ** 20;
/** Progress is sent at most this often. */
const PROGRESS_MS = 250;

/** `path`: the store path of the system. */
export type BuildEnd = { ok: true; path: string } | { ok: false; exitCode: number; failure: string };

/** `extra`: further options of Nix. */
export async function buildSystem(
  host: OperationHost,
  { shell, progress }: OperationContext,
  extra: readonly string[] = [],
): Promise<BuildEnd> {
  const { config, flake } = host;
  const attribute = JSON.stringify(await flake.attribute(shell));
  const system = flake.installable(`${flake.outputs}.${attribute}.config.system.build.toplevel`);
  const link = join(config.stateDir, SYSTEM_LINK);
  let sentAt = -Infinity;
  let last: BuildProgress = NO_PROGRESS;
  const send = (counts: BuildProgress, status: 'in_progress' | 'complete' | 'error'): void => {
    if (counts.toFetch > 0) progress('fetch', counts.fetched, counts.toFetch, status);
    if (counts.toBuild > 0) progress('build', counts.built, counts.toBuild, status);
  };
  const log = createBuildLog((counts) => {
    last = counts;
    const now = performance.now();
    if (now - sentAt < PROGRESS_MS) return;
    sentAt = now;
    send(counts, 'in_progress');
  });
  const args = [...FEATURES, 'build', '--log-format', 'internal-json', '--out-link', link, ...extra, system];
  const cgroup = host.buildCgroup;
  const killsBefore = cgroup?.kills() ?? 0;
  const command = cgroup?.wrap('nix', args) ?? { program: 'nix', args };
  const run = await shell.run(command.program, command.args, {
    translate: (line, stream) => (stream === 'stderr' ? log.read(line) : [line]),
  });
  send(last, run.ok ? 'complete' : 'error');
  if (!run.ok) {
    const needsMore = cgroup !== null && cgroup.kills() > killsBefore;
    const failure = needsMore
      ? `nix build was killed: it needed more than ${Math.floor(cgroup.limit / MIB)} MiB of memory (NIXFLEET_BUILD_MEMORY)`
      : failureOf('nix build', run);
    return { ok: false, exitCode: exitCodeOf(run.end), failure };
  }
  try {
    return { ok: true, path: readlinkSync(link) };
  } catch {
    return { ok: false, exitCode: 1, failure: `nix build did not make the link ${link}` };
  }
}
