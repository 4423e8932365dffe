/** Inputs of a confirmed switch, for plays and for tests of the fleet. */
import { expect } from 'vitest';
import { back, BEFORE, closed, feed, Play, REPLACED, status, type Step } from './command-play';
import { SECOND } from './samples';
import { OPERATIONS } from '../operations/operations';
import type { ConfirmationReport } from '../commands/command-step';
import type { Confirmation } from '../records/command-state';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';

export const CONFIRM_S = 180;
/** The connections before and after the activation. */
export const OLD = 'old';
export const NEW = 'new';

type Check = Confirmation['checks'][number];

export const aCheck = (status: Check['status'], more: Partial<Check> = {}): Check => ({
  name: 'units',
  kind: 'units',
  status,
  before: 'passed',
  enforced: true,
  reason: '',
  tookMs: 20,
  ...more,
});

export const aReport = (
  stage: ConfirmationReport['stage'],
  checks: readonly Check[] = [aCheck('passed')],
): ConfirmationReport => ({
  stage,
  system: '/nix/store/b-new',
  previous: '/nix/store/a-old',
  checks: [...checks],
  reason: '',
});

/** It is sent as a confirmed switch. */
export const sendConfirmed = feed({ type: 'sent', before: BEFORE, on: OLD, confirmS: CONFIRM_S });
/** The agent reports. Without `on`, on the connection that belongs to the stage. */
export const report =
  (stage: ConfirmationReport['stage'], checks?: readonly Check[], on = stage === 'activating' ? OLD : NEW): Step =>
  (play) =>
    play.feed({
      type: 'confirmation',
      report: aReport(stage, checks),
      endsAt: stage === 'keeping' || stage === 'going-back' ? null : play.now + CONFIRM_S * SECOND,
      on,
    });
export const answered = (keep: boolean, by = 'ada') => feed({ type: 'answered', keep, by });
export const wentBack = (rolledBack: RolledBackReason, message = '') =>
  feed({
    type: 'result',
    result: { status: 'error', exitCode: 1, message, restarting: false, rolledBack },
  });

/** Checks of which one has not ended. */
export const PENDING = [aCheck('passed'), aCheck('pending', { name: 'web', kind: 'http' })];
/** Plays a switch. */
export const switchOf = (...steps: Step[]) => {
  const play = new Play(OPERATIONS.switch);
  for (const step of steps) step(play);
  return play;
};
/** The answers that were sent since the last look. */
export const answers =
  (...expected: string[]): Step =>
  ({ answers: sent }) =>
    expect(sent.splice(0)).toEqual(expected);
export const ok = status('ok', 0, '', false);
/** The agent restarts into the new system, which it then reports from a new connection. */
export const reconnected: Step[] = [closed, back('this', { sameProcess: false, facts: REPLACED })];
/** Up to the window, on the new connection. */
export const waiting: Step[] = [sendConfirmed, report('activating'), ...reconnected, report('waiting', PENDING)];
