/** The time between the end of an activation and its confirmation: checks run, and the dashboard or an operator answers. */
import { startChecks, type ChecksVerdict } from '../../checks/check-rounds';
import { readCheckConfig } from '../../checks/check-config';
import { observeTests } from '../../host-tests';
import type { CheckReport, RolledBackReason } from '@/lib/protocol/agent/confirmation';
import { showUnits } from '../activation';
import { report, saysFailure, type ConfirmedSwitch } from './confirmation-report';
import { STATE_POLLS } from './polls';
import { readTimer } from './timer-files';

/** How often the files of the timer are looked at. */
const POLL_MS = 500;
/** A confirmed switch waits this long for checks that are only observed, while this much of the window is left. */
const MAX_OBSERVED_MS = 60_000;
const OBSERVED_LEAVES_MS = 45_000;

export type WindowEnd =
  | { kind: 'keep'; verdict: ChecksVerdict }
  | { kind: 'back'; reason: RolledBackReason; why: string }
  /** The timer has fired. */
  | { kind: 'fired' }
  /** The timer does not exist any more, and has not fired. */
  | { kind: 'gone' };

/** `checks`: what was found up to then. */
export async function waitInWindow(
  confirmed: ConfirmedSwitch,
): Promise<{ end: WindowEnd; checks: readonly CheckReport[] }> {
  const { host, context, helper, record, folder } = confirmed;
  const { shell } = context;
  const news = { isReported: false, wake: (): void => undefined };
  const onChange = (): void => {
    news.isReported = false;
    news.wake();
  };
  const { config } = readCheckConfig(host.config.systemLink);
  const checks = startChecks({
    config,
    before: record.confirm.before,
    shell,
    onChange,
    runTests: (signal) => observeTests(host, context, signal),
  });
  const observeUntil = performance.now() + MAX_OBSERVED_MS;
  const answers = host.confirmations.awaitAnswer(record.commandId ?? '', confirmed.since, onChange);
  let isKilled = false;
  let looksWithoutTime = 0;
  context.hold({
    reason: 'The switch waits for its confirmation: use Revert now or Keep now.',
    kill() {
      isKilled = true;
      onChange();
      return Promise.resolve(null);
    },
  });

  async function look(): Promise<WindowEnd | null> {
    const { state, leftMs } = readTimer(folder);
    if (state === 'firing' || state === 'fired') return { kind: 'fired' };
    if (state === 'none' || state === 'disarmed') return { kind: 'gone' };
    // It seems overdue, or its file has no time. Somebody may have stopped it, or the host was suspended. Each call is a line
    // in the log of sudo.
    if (leftMs === null && looksWithoutTime++ % STATE_POLLS === 0) {
      const { timer } = await helper.stateOf(shell, record.id);
      if (timer === 'lost') return { kind: 'gone' };
    }
    const answer = answers.get();
    if (isKilled) return { kind: 'back', reason: 'operator', why: 'the command was killed' };
    if (answer?.keep === false) return { kind: 'back', reason: 'operator', why: 'an operator reverted it' };
    const verdict = checks.verdict();
    if (answer?.by_operator === true) return { kind: 'keep', verdict };
    if (verdict.kind === 'failed') {
      await showFailure(confirmed, verdict);
      return { kind: 'back', reason: 'check-failed', why: saysFailure(verdict.check) };
    }
    if (answer === null || verdict.kind !== 'passed') return null;
    // What is only observed may show its result, but must not cost the window.
    if (!checks.isComplete() && performance.now() < observeUntil && isEarly(leftMs)) return null;
    return { kind: 'keep', verdict };
  }

  try {
    for (;;) {
      if (!news.isReported) report({ ...confirmed, checks: checks.reports() }, 'waiting');
      news.isReported = true;
      const end = await look();
      if (end !== null) return { end, checks: checks.reports() };
      if (!isReported(news)) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        news.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    checks.end();
    answers.end();
  }
}

/** It may have changed while something was awaited. */
const isReported = (news: { isReported: boolean }): boolean => news.isReported;

const isEarly = (leftMs: number | null): boolean => leftMs === null || leftMs > OBSERVED_LEAVES_MS;

/** The last lines of units that failed, or of the program that checks. */
async function showFailure(
  { context }: ConfirmedSwitch,
  { check, units, lines }: Extract<ChecksVerdict, { kind: 'failed' }>,
): Promise<void> {
  const { shell } = context;
  shell.say(`✗ ${saysFailure(check)}`, 'stderr');
  for (const line of lines) shell.say(`  ${line}`, 'stderr');
  await showUnits(shell, units);
}
