/**
 * A confirmed switch that goes back. Only the timer of nixfleet-root activates the previous system, whatever the reason
 * is; this lets it fire soon, waits for it, and judges by what runs.
 */
import { join } from 'node:path';
import type { RebuildEnd } from '../../rebuild';
import { EXIT_KILLED } from '../activation-end';
import { followFile } from '../followed-file';
import { TOO_LATE } from '../root-helper';
import { readSystem, runs } from '../system-facts';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import { report, type ConfirmedSwitch } from './confirmation-report';
import { done, failed, noting, partial, rolledBack, whatRuns } from './confirmed-ends';
import { MAX_UNKNOWN, pause, POLL_MS, STATE_POLLS } from './polls';
import { BACK_OUTPUT, readTimer } from './timer-files';

/** The shortest delay that nixfleet-root accepts. */
const GO_BACK_S = 10;
const TIMER_GONE = 'the timer of nixfleet-root that goes back is gone';

/** Lets the timer fire soon. It is the only one that goes back: so it happens once, whatever becomes of this process. */
export async function goBack(confirmed: ConfirmedSwitch, reason: RolledBackReason, why: string): Promise<RebuildEnd> {
  const { context, helper, record } = confirmed;
  context.shell.say(`Going back to ${record.running}: ${why}`, 'stderr');
  const back = noting(confirmed, { stage: 'going-back', back: { reason, text: why } });
  // First: from now on no answer counts, and arming may wait for another call of nixfleet-root.
  report(back, 'going-back', why);
  const armed = await helper.arm(context.shell, record.id, GO_BACK_S, record.running);
  if (!armed.ok && armed.exitCode !== TOO_LATE) context.shell.say(armed.problem, 'stderr');
  return waitForTimer(back);
}

export async function waitForTimer(confirmed: ConfirmedSwitch): Promise<RebuildEnd> {
  const { context, helper, record } = confirmed;
  let unknown = 0;
  for (let polls = 1; ; polls++) {
    if (isBack(confirmed)) return finishBack(confirmed, ...backOf(confirmed));
    if (polls % STATE_POLLS === 0) {
      const { timer } = await helper.stateOf(context.shell, record.id);
      // As long as its files say that it is armed, it fires, whether or not nixfleet-root answers.
      unknown = timer === 'unknown' && readTimer(confirmed.folder).leftMs === null ? unknown + 1 : 0;
      // Disarmed: by somebody on the host.
      if (timer === 'lost' || timer === 'none' || timer === 'disarmed' || unknown >= MAX_UNKNOWN)
        return timerGone(confirmed);
    }
    await pause(POLL_MS);
  }
}

/** The timer fires or has fired. Waits until it has gone back, and judges by what runs. */
export async function finishBack(
  confirmed: ConfirmedSwitch,
  reason: RolledBackReason,
  why: string,
): Promise<RebuildEnd> {
  const { host, context, helper, record, folder } = confirmed;
  report(confirmed, 'going-back', why);
  const output = followFile(join(folder, BACK_OUTPUT), (line) => context.shell.say(line));
  let unknown = 0;
  for (let polls = 1; readTimer(folder).back === null; polls++) {
    output.read();
    if (polls % STATE_POLLS === 0) {
      const { timer } = await helper.stateOf(context.shell, record.id);
      unknown = timer === 'unknown' ? unknown + 1 : 0;
      // Fired: its result is written, and can't be read.
      if ((timer !== 'armed' && timer !== 'firing' && timer !== 'unknown') || unknown >= MAX_UNKNOWN) break;
    }
    await pause(POLL_MS);
  }
  output.finish();
  const { back, seconds } = readTimer(folder);
  const hung = back !== null && back.stoppedUnits.some((unit) => unit.includes(`-${record.id}.`));
  if (runs(readSystem(host.config).running, record.running)) {
    return hung && record.confirm.back === null
      ? rolledBack(
          confirmed,
          'activation-hung',
          seconds === null ? 'the activation did not end in time' : `the activation did not end within ${seconds} s`,
        )
      : rolledBack(confirmed, reason, why);
  }
  const exit = back === null ? 'it was interrupted' : `switch-to-configuration ended with ${back.exitCode}`;
  return failed(
    confirmed,
    back?.exitCode ?? EXIT_KILLED,
    `the host could not go back (${exit}) after ${why}; ${whatRuns(confirmed)}`,
  );
}

/** The machine was started again before the switch was confirmed. What it booted is what counts. */
export function afterRestart(confirmed: ConfirmedSwitch): RebuildEnd {
  const { host, record } = confirmed;
  const { running, profile } = readSystem(host.config);
  const { stage, back } = record.confirm;
  if (runs(running, record.running))
    return rolledBack(
      confirmed,
      back?.reason ?? 'restarted',
      back?.text ?? 'the host restarted before the confirmation',
    );
  // It booted what had been made the boot default before the switch.
  if (!runs(running, record.target))
    return failed(confirmed, EXIT_KILLED, `the host restarted before the confirmation; ${whatRuns(confirmed)}`);
  if (stage === 'keeping' && profile === record.target) return done(confirmed);
  return partial(confirmed, 0, 'the host restarted before the confirmation, and it was the system of that boot');
}

/** Somebody stopped the timer on the host: nothing goes back by itself any more. */
export function timerGone(confirmed: ConfirmedSwitch): RebuildEnd {
  const { host, record } = confirmed;
  if (runs(readSystem(host.config).running, record.running) && record.running !== record.target)
    return rolledBack(confirmed, ...backOf(confirmed));
  return failed(
    confirmed,
    EXIT_KILLED,
    `${TIMER_GONE}: ${whatRuns(confirmed)}, and it was neither confirmed nor made the boot default`,
  );
}

/** Why it goes back, as far as it is known before the timer has fired. */
export function backOf({ record }: ConfirmedSwitch): [RolledBackReason, string] {
  const { stage, back, cameBack, windowS } = record.confirm;
  if (back !== null) return [back.reason, back.text];
  if (stage === 'activating') return ['activation-hung', 'the activation did not end in time'];
  return cameBack
    ? ['no-contact', `no dashboard confirmed it within ${windowS} s`]
    : ['agent-missing', `the agent of the new system did not come back within ${windowS} s`];
}

export function isBack({ folder }: ConfirmedSwitch): boolean {
  const { state } = readTimer(folder);
  return state === 'firing' || state === 'fired';
}
