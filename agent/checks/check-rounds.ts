/** Runs the checks of a system until each has passed or failed, and reports what becomes of them. */
import type { CheckReport } from '@/lib/protocol/agent/confirmation';
import type { Shell } from '../shell';
import type { CheckConfig, DeclaredCheck } from './check-config';
import type { ObservedTests } from '../host-tests';
import { runCheck, type Attempt } from './run-check';
import { judgeUnits, readUnits, unitsBefore, type UnitsBefore, type UnitState } from './unit-check';

const UNIT_POLL_MS = 2_000;
/** Units that are starting are waited for this long: a backup may take hours. */
const MAX_UNSETTLED_MS = 30_000;
/** Names of units in a reason. */
const MAX_NAMED_UNITS = 5;

type CheckStatus = CheckReport['status'];

/** What was found before the switch. */
export interface ChecksBefore {
  units: UnitsBefore | null;
  /** By name. */
  declared: Record<string, CheckStatus>;
}

/** One attempt of each check, all at once. */
export async function checksBefore({ checks }: CheckConfig, shell: Shell): Promise<ChecksBefore> {
  const [units, ...attempts] = await Promise.all([readUnits(shell), ...checks.map((check) => runCheck(check, shell))]);
  const declared = checks.map(({ name }, index) => [name, statusOf(attempts[index])] as const);
  return { units: units === null ? null : unitsBefore(units), declared: Object.fromEntries(declared) };
}

const statusOf = (attempt: Attempt | undefined): CheckStatus =>
  attempt === undefined ? 'unknown' : attempt.passed ? 'passed' : 'failed';

/** `pending`: an enforced check has not ended yet. `failed`: the first enforced one that failed. */
export type ChecksVerdict =
  | { kind: 'pending' }
  | { kind: 'passed' }
  | { kind: 'failed'; check: CheckReport; units: readonly string[]; lines: readonly string[] };

export interface CheckRounds {
  reports(): readonly CheckReport[];
  verdict(): ChecksVerdict;
  /** Every check has ended, also those that are only observed. */
  isComplete(): boolean;
  /** Nothing is started and reported after this. */
  end(): void;
}

/** The name that is shown for the check of units. */
export const UNITS_CHECK = 'units';
export const TESTS_CHECK = 'tests';

export function startChecks({
  config,
  before,
  shell,
  runTests,
  onChange,
}: {
  config: CheckConfig;
  before: ChecksBefore;
  shell: Shell;
  /** Runs the tests of the repository. */
  runTests: (signal: AbortSignal) => Promise<ObservedTests>;
  onChange: () => void;
}): CheckRounds {
  const reports = new Map<string, CheckReport>();
  const timers = new Set<NodeJS.Timeout>();
  let failure: Extract<ChecksVerdict, { kind: 'failed' }> | null = null;
  let isEnded = false;
  const lifetime = new AbortController();

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  }

  function report(next: CheckReport, found: { units?: readonly string[]; lines?: readonly string[] } = {}): void {
    if (isEnded) return;
    reports.set(next.name, next);
    if (next.status === 'failed' && next.enforced)
      failure ??= { kind: 'failed', check: next, units: found.units ?? [], lines: found.lines ?? [] };
    onChange();
  }

  async function attempt(check: DeclaredCheck, triesLeft: number): Promise<void> {
    const end = await runCheck(check, shell);
    if (isEnded) return;
    const isLast = triesLeft <= 1;
    const status = end.passed ? 'passed' : isLast ? 'failed' : 'pending';
    report({ ...blank(check), status, reason: end.reason, took_ms: end.tookMs }, { lines: end.lines });
    if (status === 'pending') later(check.interval * 1_000, () => void attempt(check, triesLeft - 1));
  }

  const blank = ({ name, kind, enforced }: DeclaredCheck): CheckReport => ({
    name,
    kind,
    enforced,
    status: 'pending',
    before: before.declared[name] ?? 'unknown',
    reason: '',
    took_ms: null,
  });

  async function watchUnits(first: readonly UnitState[] | null, startedAt: number): Promise<void> {
    const { enforced, ignore, settle } = config.units;
    const units = await readUnits(shell);
    if (isEnded) return;
    const took = performance.now() - startedAt;
    const base = { name: UNITS_CHECK, kind: 'units', enforced, took_ms: Math.round(took) } as const;
    if (units === null || before.units === null) {
      const reason = 'systemd does not say which units failed';
      // What can't be known must not take every switch back.
      const status = took >= settle * 1_000 ? 'unknown' : 'pending';
      report({ ...base, before: 'unknown', status, enforced: enforced && status === 'pending', reason });
      if (took < settle * 1_000) later(UNIT_POLL_MS, () => void watchUnits(first, startedAt));
      return;
    }
    const beforeStatus: CheckStatus = before.units.failed.length === 0 ? 'passed' : 'failed';
    const { failed, unsettled } = judgeUnits(units, before.units, first ?? units, ignore);
    if (failed.length > 0) {
      report({ ...base, before: beforeStatus, status: 'failed', reason: named(failed) }, { units: failed });
      return;
    }
    const isSettled = took >= settle * 1_000 && (unsettled.length === 0 || took >= MAX_UNSETTLED_MS);
    const reason = unsettled.length === 0 ? '' : `${named(unsettled)} starting`;
    report({ ...base, before: beforeStatus, status: isSettled ? 'passed' : 'pending', reason });
    if (!isSettled) later(UNIT_POLL_MS, () => void watchUnits(first ?? units, startedAt));
  }

  async function runRepositoryTests(first: CheckReport): Promise<void> {
    const startedAt = performance.now();
    const { outcome, summary } = await runTests(lifetime.signal).catch((error: unknown): ObservedTests => ({
      outcome: 'not-run',
      summary: `not run: ${error instanceof Error ? error.message : 'unknown reason'}`,
    }));
    // A repository without tests must not take every switch back. Tests that could not run have not passed.
    const enforced = first.enforced && outcome !== 'none';
    const status = outcome === 'none' ? 'unknown' : outcome === 'not-run' ? (enforced ? 'failed' : 'unknown') : outcome;
    report({ ...first, status, enforced, reason: summary, took_ms: Math.round(performance.now() - startedAt) });
  }

  reports.set(UNITS_CHECK, {
    name: UNITS_CHECK,
    kind: 'units',
    status: 'pending',
    before: before.units === null ? 'unknown' : before.units.failed.length === 0 ? 'passed' : 'failed',
    enforced: config.units.enforced,
    reason: '',
    took_ms: null,
  });
  for (const check of config.checks) reports.set(check.name, blank(check));
  void watchUnits(null, performance.now());
  for (const check of config.checks) void attempt(check, check.tries);
  if (config.tests !== 'off') {
    const enforced = config.tests === 'enforce';
    const first = { name: TESTS_CHECK, kind: 'tests', status: 'pending', before: 'unknown', reason: '' } as const;
    const tests: CheckReport = { ...first, enforced, took_ms: null };
    reports.set(TESTS_CHECK, tests);
    void runRepositoryTests(tests);
  }

  return {
    reports: () => [...reports.values()],
    isComplete: () => [...reports.values()].every(({ status }) => status !== 'pending'),
    verdict() {
      if (failure !== null) return failure;
      const isPending = [...reports.values()].some(({ status, enforced }) => enforced && status === 'pending');
      return isPending ? { kind: 'pending' } : { kind: 'passed' };
    },
    end() {
      isEnded = true;
      for (const timer of timers) clearTimeout(timer);
      lifetime.abort();
    },
  };
}

function named(units: readonly string[]): string {
  const more = units.length - MAX_NAMED_UNITS;
  return `${units.slice(0, MAX_NAMED_UNITS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
