/** Builds the system of a NixOS host as the agent's user. Root could not: the clone belongs to that user. */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '@/lib/text/counted';
import { killedFirst } from '../oom-score';
import { PROGRESS_MS, type OperationContext, type OperationHost } from '../operation';
import { NIX_FEATURES, type FlakeSource } from '../flake';
import { exitCodeOf, failureOf } from '../shell';
import { createThrottled } from '../throttled';
import { createBuildLog, isBuilderLine, NO_PROGRESS, type BuildProgress } from './build-log';

/** The link in the state folder that keeps the garbage collector from the system until the next one is built. */
export const SYSTEM_LINK = 'next-system';
const MIB = 2 ** 20;

/** `path`: the store path of the system. */
export type BuildEnd = { ok: true; path: string } | { ok: false; exitCode: number; failure: string };

/** `flake`: what it is built from. `extra`: further options of Nix. */
export async function buildSystem(
  host: OperationHost,
  { shell, progress }: OperationContext,
  flake: FlakeSource,
  extra: readonly string[] = [],
): Promise<BuildEnd> {
  const { config, env } = host;
  const attribute = JSON.stringify(await flake.attribute(shell));
  const system = flake.installable(`${host.flake.outputs}.${attribute}.config.system.build.toplevel`);
  const link = join(config.stateDir, SYSTEM_LINK);
  let last: BuildProgress = NO_PROGRESS;
  progress('evaluate', 0, 0, 'in_progress');
  // Builds start before the last download ends. From then on, they are what takes the time.
  const reports = createThrottled<BuildProgress>(PROGRESS_MS, (counts) => {
    if (counts.building) progress('build', counts.built, counts.toBuild, 'in_progress');
    else if (counts.toFetch > 0) progress('fetch', counts.fetched, counts.toFetch, 'in_progress');
  });
  const log = createBuildLog((counts) => {
    last = counts;
    reports.push(counts);
  });
  const args = [
    ...NIX_FEATURES,
    'build',
    '--log-format',
    'internal-json',
    '--out-link',
    link,
    ...flake.options,
    ...extra,
    system,
  ];
  const cgroup = host.buildCgroup;
  const killsBefore = cgroup?.kills() ?? 0;
  const nix = killedFirst('nix', args, env['PATH'] ?? '');
  const command = cgroup?.wrap(nix.program, nix.args) ?? nix;
  const run = await shell.run(command.program, command.args, {
    translate: (line, stream) => (stream === 'stderr' ? log.read(line) : [line]),
    mayBeCause: (line) => !isBuilderLine(line),
  });
  reports.end();
  const { fetched, toFetch, built, toBuild } = last;
  if (toFetch > 0) {
    progress('fetch', fetched, toFetch, run.ok ? 'complete' : 'error');
    shell.say(`Fetched ${fetched} of ${counted(toFetch, 'path')}`);
  }
  if (toBuild > 0) {
    progress('build', built, toBuild, run.ok ? 'complete' : 'error');
    shell.say(`Built ${built} of ${counted(toBuild, 'derivation')}`);
  }
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
    return { ok: false, exitCode: 1, failure: `nix build did not create the link ${link}` };
  }
}
