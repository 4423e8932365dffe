/** A confirmed switch under way, and what the dashboard gets to know of it. */
import type { OperationContext, OperationHost } from '../../operation';
import type { ActivationRecord, ConfirmedState } from '../activation-record';
import type { RootHelper } from '../root-helper';
import type { Confirmation } from './confirmation-link';
import type { CheckReport } from '@/lib/protocol/agent/confirmation';
import { readTimer } from './timer-files';

/** A confirmed switch under way. `record` is what is on disk. */
export interface ConfirmedSwitch {
  host: OperationHost;
  context: OperationContext;
  helper: RootHelper;
  record: ActivationRecord & { confirm: ConfirmedState };
  /** The folder of nixfleet-root with its files. */
  folder: string;
  /** Answers count on connections that were dialled later, by `performance.now()`: 0 for each of this process. */
  since: number;
  /** What its checks found last; none before its window. */
  checks: readonly CheckReport[];
}

/** Tells the dashboard. */
export function report(
  { host, record, folder, checks }: ConfirmedSwitch,
  stage: Confirmation['stage'],
  reason = '',
): void {
  if (record.commandId === null) return;
  // A host that goes back does not wait until the time for which the timer was armed.
  const leftMs = stage === 'going-back' ? null : readTimer(folder).leftMs;
  const seconds = leftMs === null ? null : Math.max(0, Math.round(leftMs / 1_000));
  host.confirmations.report({
    command_id: record.commandId,
    stage,
    seconds_left: seconds,
    system: record.target,
    previous: record.running,
    checks: [...checks],
    reason,
  });
}

export function saysFailure({ name, kind, reason }: { name: string; kind: string; reason: string }): string {
  const what = kind === 'units' ? `units failed: ${reason}` : `the check ${name} failed`;
  return kind === 'units' || reason === '' ? what : `${what}: ${reason}`;
}
