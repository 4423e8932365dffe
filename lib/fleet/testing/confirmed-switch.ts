/** Inputs of a confirmed switch, for plays and for tests of the fleet. */
import { BEFORE, feed, type Step } from './command-play';
import { SECOND } from './samples';
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
