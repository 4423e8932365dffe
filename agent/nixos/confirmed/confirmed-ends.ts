/** How a confirmed switch ends, and its record on disk. */
import { join } from 'node:path';
import type { RebuildEnd } from '../../rebuild';
import type { Shell } from '../../shell';
import { tidyUp } from '../activation';
import { writeActivation, type ActivationRecord, type ConfirmedState } from '../activation-record';
import type { RootHelper } from '../root-helper';
import { readSystem } from '../system-facts';
import { OUTPUT_FILE } from '../unit-state';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import type { ConfirmedSwitch } from './confirmation-report';

/** What nixfleet-root calls the step that makes a confirmed system the boot default: the id of the switch and this. */
export const BOOT_SUFFIX = '-boot';

/** Writes what has changed. A full disk must not end a switch half-way: the timer goes on without the file. */
export function noting(confirmed: ConfirmedSwitch, change: Partial<ConfirmedState>): ConfirmedSwitch {
  const { host, context, folder } = confirmed;
  const record = {
    ...confirmed.record,
    output: folder === '' ? confirmed.record.output : join(folder, OUTPUT_FILE),
    confirm: { ...confirmed.record.confirm, ...change },
  };
  try {
    writeActivation(host.config.stateDir, record);
  } catch (error) {
    context.shell.say(
      `${host.config.stateDir} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`,
      'stderr',
    );
  }
  return { ...confirmed, record };
}

export const whatRuns = ({ host }: ConfirmedSwitch): string =>
  `${readSystem(host.config).running || 'an unknown system'} is running`;

function settleOf(confirmed: ConfirmedSwitch): () => Promise<void> {
  return () => forget(confirmed);
}

/** Removes what is kept of it. The record goes last: if the agent is killed before that, the next one does it. */
async function forget({ host, context, helper, record }: ConfirmedSwitch): Promise<void> {
  await tidyUpFound(host.config.stateDir, context.shell, helper, record);
}

/** The same for an activation that an earlier process has finished, confirmed or not. */
export async function tidyUpFound(
  stateDir: string,
  shell: Shell,
  helper: RootHelper,
  record: ActivationRecord,
): Promise<void> {
  if (record.confirm !== null) await helper.forget(shell, `${record.id}${BOOT_SUFFIX}`);
  await tidyUp(stateDir, shell, helper, record.id);
}

/** It has ended: it can be stopped, and is no longer reported. */
function release({ host, context }: ConfirmedSwitch): void {
  context.hold(null);
  host.confirmations.ended();
}

export function done(confirmed: ConfirmedSwitch): RebuildEnd {
  release(confirmed);
  return { kind: 'done', agentIsNew: true, settle: settleOf(confirmed) };
}

export function failed(confirmed: ConfirmedSwitch, exitCode: number, failure: string): RebuildEnd {
  release(confirmed);
  return { kind: 'failed', exitCode, failure, settle: settleOf(confirmed) };
}

export function partial(confirmed: ConfirmedSwitch, exitCode: number, failure: string): RebuildEnd {
  release(confirmed);
  return { kind: 'partial', exitCode, failure, agentIsNew: true, settle: settleOf(confirmed) };
}

export function rolledBack(confirmed: ConfirmedSwitch, reason: RolledBackReason, failure: string): RebuildEnd {
  release(confirmed);
  return {
    kind: 'rolled-back',
    exitCode: confirmed.record.confirm.activation?.exitCode ?? 1,
    failure,
    reason,
    settle: settleOf(confirmed),
  };
}
