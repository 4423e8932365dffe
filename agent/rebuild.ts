/** Builds and activates a system, and judges by what runs afterwards whether a failed run activated it all the same. */
import { realpathSync } from 'node:fs';
import type { AgentConfig } from './config';
import type { FlakeSource } from './flake';
import { switchHome } from './home/switch-home';
import type { ActivationPurpose } from './nixos/activation-record';
import { switchNixos } from './nixos/switch-system';
import {
  error,
  ok,
  outliving,
  PROGRESS_MS,
  type OperationContext,
  type OperationEnd,
  type OperationHost,
} from './operation';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import { exitCodeOf, failureOf, type RunEnd, type RunOptions } from './shell';
import { refusalMessage, refusedEnd, type Refusal } from './policy/refusal';
import { createThrottled } from './throttled';
import { nixProgress, NO_NIX_PROGRESS, type NixProgress } from '@/lib/text/nix-progress';
import { withoutEscapes } from '@/lib/text/plain-text';

/** switch-to-configuration: the new system is active, but a unit failed to start, stop or reload. */
const EXIT_UNITS_FAILED = 4;

/**
 * `unchanged`: the system ran already. `partial`: the new system runs, but its activation reported failures. `deferred`:
 * it takes effect at the next boot. `rolled-back`: the previous system runs again. `handover`: the agent of the new
 * system goes on with it. `refused`: by the policy of the host, before anything was activated. `settle` is called once the result is saved.
 */
/** `agentIsNew`: the agent of the new system runs already. */
export type RebuildEnd = { settle?: () => Promise<void>; agentIsNew?: true } & (
  | { kind: 'done' }
  | { kind: 'unchanged'; message?: string }
  | { kind: 'partial'; exitCode: number; failure: string }
  | { kind: 'deferred'; exitCode: number; message: string }
  | { kind: 'failed'; exitCode: number; failure: string }
  | { kind: 'rolled-back'; exitCode: number; failure: string; reason: RolledBackReason }
  | { kind: 'handover' }
  | { kind: 'refused'; refusal: Refusal }
);
/** The end of a switch that was not taken back and does not go on in another process. */
export type FinalEnd = Exclude<RebuildEnd, { kind: 'rolled-back' | 'handover' | 'refused' }>;
type EndWithoutFailure = Exclude<FinalEnd, { kind: 'failed' }>;
type FailedEnd = Extract<RebuildEnd, { kind: 'partial' | 'failed' }>;

/** Store paths; '' where a link can't be read. */
interface SystemPaths {
  running: string;
  /** What the profile points at: the system that was built last. */
  built: string;
}

/** `flake`: what is built, at `commit`. `extra`: options of Nix. */
export interface RebuildPlan {
  purpose: ActivationPurpose;
  commit: string;
  flake: FlakeSource;
  extra?: readonly string[];
}

/** By nixfleet-root or nixos-rebuild, as root; or home-manager as the user. */
export async function rebuild(host: OperationHost, context: OperationContext, plan: RebuildPlan): Promise<RebuildEnd> {
  const helper = host.rootHelper();
  if (helper !== null) return switchNixos(host, context, helper, plan);
  const { shell } = context;
  const { flake, extra = [] } = plan;
  const installable = flake.installable(await flake.attribute(shell));
  const args = ['switch', '--flake', installable, ...flake.options, ...extra];
  if (host.config.hostType === 'nixos') return nixosRebuild(host, context, 'nixos-rebuild', args);
  return switchHome(host, () => runWithProgress(context, 'home-manager', args, outliving(host)));
}

/** Runs a program and reports the progress that its output shows. */
async function runWithProgress(
  { shell, progress }: OperationContext,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunEnd> {
  let last = NO_NIX_PROGRESS;
  const reports = createThrottled<NixProgress>(PROGRESS_MS, ({ phase, fetched, toFetch, built, toBuild }) => {
    if (phase === null) return;
    const [current, total] = phase === 'fetch' ? [fetched, toFetch] : phase === 'build' ? [built, toBuild] : [0, 0];
    progress(phase, current, total, 'in_progress');
  });
  const translate = (line: string): readonly string[] => {
    const next = nixProgress(last, withoutEscapes(line));
    if (next !== last) reports.push(next);
    last = next;
    return [line];
  };
  const run = await shell.run(program, args, { ...options, translate });
  reports.end();
  return run;
}

/** Runs nixos-rebuild with these arguments. `name`: what a failure calls it. */
export async function nixosRebuild(
  host: OperationHost,
  context: OperationContext,
  name: string,
  args: readonly string[],
): Promise<FinalEnd> {
  const before = readPaths(host.config);
  const run = await runWithProgress(context, 'sudo', ['-n', 'nixos-rebuild', ...args]);
  const end = endOf(name, run);
  if (end.kind !== 'failed' || !isActivated(before, readPaths(host.config), run)) return end;
  const units = run.cause?.units ?? [];
  // The cause names the units; without them, what the program reported is all that is known.
  return { ...end, kind: 'partial', failure: units.length > 0 ? (run.cause?.text ?? end.failure) : end.failure };
}

/** What follows from an end that only switches have. */
export function withoutFinalEnd(
  { compartments }: OperationHost,
  { shell }: OperationContext,
  end: Exclude<RebuildEnd, FinalEnd>,
  commit: string,
): OperationEnd {
  if (end.kind === 'handover') return { ...ok(), handover: true };
  if (end.kind === 'refused') {
    compartments.set('system', 'unknown', refusalMessage(end.refusal), commit);
    return refusedEnd(end.refusal);
  }
  const message = `Rolled back: ${end.failure}`;
  compartments.set('system', 'error', message, commit);
  shell.say('');
  shell.say(`↩ ${message}. The previous system runs again.`, 'stderr');
  return { ...error(end.exitCode, end.failure), rolledBack: end.reason, settle: end.settle };
}

/** The end of an operation that did not fail. `done`: what was done, as in "Switched, but unit x failed". */
export function activated(end: EndWithoutFailure, done: string): OperationEnd {
  switch (end.kind) {
    case 'done':
      return ok();
    case 'unchanged':
      return ok(end.message ?? 'Nothing to do: this system is already running');
    case 'partial':
      return { status: 'warning', exitCode: end.exitCode, message: `${done}, but ${end.failure}` };
    case 'deferred':
      return { status: 'warning', exitCode: end.exitCode, message: end.message };
  }
}

function endOf(name: string, run: RunEnd): { kind: 'done' } | FailedEnd {
  return run.ok ? { kind: 'done' } : { kind: 'failed', exitCode: exitCodeOf(run.end), failure: failureOf(name, run) };
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
