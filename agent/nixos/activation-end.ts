/**
 * How an activation ended, judged by what runs now and not by an exit code alone. The exit codes are those of
 * switch-to-configuration: 0 done, 1 a check, the boot loader or something else failed, 2 the activation script failed, 4
 * units failed, 11 another one holds the lock, 100 only a restart can activate it. Pure.
 */
import { sayFailedUnits } from '@/lib/causes/failed-units';
import type { SystemFacts } from './system-facts';
import type { Cause } from '@/lib/causes/find-cause';
import type { ActivationAction } from './root-helper';

const EXIT_LOCKED = 11;
const EXIT_UNITS_FAILED = 4;
const EXIT_AT_NEXT_BOOT = 100;
/** What a result that is missing counts as: as of a program that was killed. */
export const EXIT_KILLED = 137;

/** The file that the unit writes at its end. */
export interface ActivationResult {
  exitCode: number;
  /** The unit was stopped. */
  stopped: boolean;
  /** What happened to the system profile: kept, set, restored (after a failure), failed (it could not be changed). */
  profile: string;
}

export interface ActivationFacts {
  action: ActivationAction;
  /** Store paths of the system to activate and of its specialisations: a restart may boot one of these. */
  targets: readonly string[];
  before: Pick<SystemFacts, 'running'>;
  after: Pick<SystemFacts, 'running'>;
  /** Units that failed before; null where that is not known. */
  failedBefore: readonly string[] | null;
  failedAfter: readonly string[] | null;
  /** Null: the unit ended without one. */
  result: ActivationResult | null;
  /** The machine was started again since the activation began. */
  restarted: boolean;
  /** Why it failed, by its output. */
  cause: Cause | null;
}

/**
 * `done`: the system is active. `partial`: it is, and something failed. `deferred`: it takes effect at the next boot.
 * `failed`: the previous system is active, unless `halfWay`.
 */
export type ActivationEnd =
  | { kind: 'done' }
  | { kind: 'partial'; exitCode: number; failure: string; newUnits: readonly string[] }
  | { kind: 'deferred'; exitCode: number; message: string }
  | { kind: 'failed'; exitCode: number; failure: string; halfWay: boolean };

export function judgeActivation(facts: ActivationFacts): ActivationEnd {
  const { result, targets, after } = facts;
  const isActive = targets.includes(after.running);
  if (result === null) return withoutResult(facts, isActive);
  const { exitCode } = result;
  if (result.stopped)
    return failed(exitCode, 'the activation was stopped half-way: parts of the system may have changed', true);
  if (exitCode === EXIT_AT_NEXT_BOOT) return deferred(facts);
  if (exitCode === EXIT_LOCKED) return failed(exitCode, 'another switch is running on this host', false);
  if (facts.action === 'boot') {
    return exitCode === 0 ? { kind: 'done' } : failed(exitCode, reasonOf(facts, exitCode), false);
  }
  if (!isActive) {
    if (exitCode === 0)
      return failed(1, `the activation succeeded, but ${after.running || 'another system'} runs`, false);
    const changed = after.running !== facts.before.running;
    return failed(exitCode, `${reasonOf(facts, exitCode)}${profileNote(result)}`, changed);
  }
  // Before the activation this system ran already, and it failed before it began.
  if (exitCode === 1 && targets.includes(facts.before.running))
    return failed(exitCode, reasonOf(facts, exitCode), false);
  const newUnits = newFailures(facts);
  if (newUnits.length > 0) return partial(exitCode, unitsFailed(newUnits, facts.cause), newUnits);
  if (exitCode === 0 || isOldFailure(facts, exitCode)) return { kind: 'done' };
  return partial(exitCode, reasonOf(facts, exitCode), []);
}

function withoutResult({ restarted, after, action }: ActivationFacts, isActive: boolean): ActivationEnd {
  if (!restarted)
    return failed(EXIT_KILLED, 'the activation was killed half-way: parts of the system may have changed', true);
  if (isActive && action !== 'boot')
    return partial(0, 'the host restarted during the activation and booted the new system', []);
  return failed(
    EXIT_KILLED,
    `the host restarted during the activation; ${after.running || 'another system'} runs`,
    false,
  );
}

function deferred({ action }: ActivationFacts): ActivationEnd {
  const message =
    action === 'test'
      ? 'Only a restart can activate this system. Nothing has changed'
      : 'Only a restart can activate this system. It takes effect at the next boot';
  return { kind: 'deferred', exitCode: EXIT_AT_NEXT_BOOT, message };
}

/** Units that fail now and did not before. */
function newFailures({ failedBefore, failedAfter, cause }: ActivationFacts): readonly string[] {
  if (failedAfter === null) return [];
  const before = new Set(failedBefore ?? []);
  const reported = new Set(cause?.units ?? []);
  // Where it is not known what failed before, only what the activation itself reported counts.
  return failedAfter.filter((unit) => !before.has(unit) && (failedBefore !== null || reported.has(unit)));
}

/** It reports only units that failed before: that is not this activation's doing. */
function isOldFailure({ failedBefore, cause }: ActivationFacts, exitCode: number): boolean {
  const units = cause?.units ?? [];
  const before = new Set(failedBefore ?? []);
  return exitCode === EXIT_UNITS_FAILED && units.length > 0 && units.every((unit) => before.has(unit));
}

function reasonOf({ cause }: ActivationFacts, exitCode: number): string {
  if (cause?.isKnown === true) return cause.text;
  const failure = `switch-to-configuration failed with exit code ${exitCode}`;
  // A last line such as "activating the configuration..." is no reason.
  return cause === null || cause.text.endsWith('...') ? failure : `${failure}: ${cause.text}`;
}

function profileNote({ profile }: ActivationResult): string {
  return profile === 'failed'
    ? '; the system profile could not be set back, so the next boot may start the new system'
    : '';
}

function unitsFailed(units: readonly string[], cause: Cause | null): string {
  const isAll =
    cause !== null && cause.units.length === units.length && cause.units.every((unit) => units.includes(unit));
  // The cause also says how each of them failed.
  return isAll ? cause.text : sayFailedUnits(new Map(units.map((unit) => [unit, ''])));
}

const failed = (exitCode: number, failure: string, halfWay: boolean): ActivationEnd => ({
  kind: 'failed',
  exitCode,
  failure,
  halfWay,
});
const partial = (exitCode: number, failure: string, newUnits: readonly string[]): ActivationEnd => ({
  kind: 'partial',
  exitCode,
  failure,
  newUnits,
});
