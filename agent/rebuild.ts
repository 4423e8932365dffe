/** Builds and activates a system, and judges by what runs afterwards whether a failed run activated it all the same. */
import { realpathSync } from 'node:fs';
import type { AgentConfig } from './config';
import { ok, outliving, type OperationEnd, type OperationHost } from './operation';
import { exitCodeOf, failureOf, type RunEnd, type Shell } from './shell';

/** switch-to-configuration: the new system is active, but a unit failed to start, stop or reload. */
const EXIT_UNITS_FAILED = 4;

/** `partial`: the new system runs, but its activation reported failures. */
export type RebuildEnd =
  | { kind: 'done'; run: RunEnd }
  | { kind: 'partial'; run: RunEnd; failure: string }
  | { kind: 'failed'; run: RunEnd; failure: string };

/** Store paths; '' where a link can't be read. */
interface SystemPaths {
  running: string;
  /** What the profile points at: the system that was built last. */
  built: string;
}

/** nixos-rebuild through sudo, or home-manager as the user. `extra`: options. */
export async function rebuild(host: OperationHost, shell: Shell, extra: readonly string[] = []): Promise<RebuildEnd> {
  const flake = host.flake.installable(await host.flake.attribute(shell));
  return host.config.hostType === 'nixos'
    ? nixosRebuild(host, shell, 'nixos-rebuild', ['switch', '--flake', flake, ...extra])
    : judged('home-manager', () => shell.run('home-manager', ['switch', '--flake', flake, ...extra], outliving(host)));
}

/** Runs nixos-rebuild with these arguments. `name`: what a failure calls it. */
export async function nixosRebuild(
  host: OperationHost,
  shell: Shell,
  name: string,
  args: readonly string[],
): Promise<RebuildEnd> {
  const before = readPaths(host.config);
  const end = await judged(name, () => shell.run('sudo', ['nixos-rebuild', ...args]));
  if (end.kind !== 'failed' || !isActivated(before, readPaths(host.config), end.run)) return end;
  const units = end.run.cause?.units ?? [];
  // The cause names the units; without them, what the program reported is all that is known.
  return { ...end, kind: 'partial', failure: units.length > 0 ? (end.run.cause?.text ?? end.failure) : end.failure };
}

/** The end of an operation whose system runs now. `done`: what was done, as in "Switched, but unit x failed". */
export function activated(end: Exclude<RebuildEnd, { kind: 'failed' }>, done: string): OperationEnd {
  if (end.kind === 'done') return ok();
  return { status: 'warning', exitCode: exitCodeOf(end.run.end), message: `${done}, but ${end.failure}` };
}

/** Runs a program; a failure names it as `name`. */
export async function judged(name: string, run: () => Promise<RunEnd>): Promise<RebuildEnd> {
  const end = await run();
  return end.ok ? { kind: 'done', run: end } : { kind: 'failed', run: end, failure: failureOf(name, end) };
}

/** Whether the system that was built runs now, although the run failed. */
function isActivated(before: SystemPaths, after: SystemPaths, { end, cause }: RunEnd): boolean {
  if (after.running !== '' && after.running !== before.running) return true;
  // The system that ran before was activated again, or what runs can't be read. nixos-rebuild-ng turns every code into 1.
  const endedWith4 = end.kind === 'exited' && end.code === EXIT_UNITS_FAILED;
  const hasFailedUnits = endedWith4 || (cause?.units.length ?? 0) > 0;
  return hasFailedUnits && (after.running === '' || after.built === '' || after.running === after.built);
}

function readPaths({ systemLink, systemProfile }: AgentConfig): SystemPaths {
  return { running: target(systemLink), built: target(systemProfile) };
}

function target(link: string): string {
  try {
    return realpathSync(link);
  } catch {
    return '';
  }
}
