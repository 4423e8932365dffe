/** Disarms the timer of a confirmed switch that is kept, or that has changed nothing. */
import type { RebuildEnd } from '../../rebuild';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import type { Disarm } from '../root-helper';
import { askUntilKnown } from '../unit-state';
import type { ConfirmedSwitch } from './confirmation-report';
import { failed } from './confirmed-ends';
import { finishBack, waitForTimer } from './going-back';
import { pause } from './polls';

/** A call of nixfleet-root fails while the service manager is being replaced. */
const MAX_DISARMS = 5;
const DISARM_PAUSE_MS = 2_000;

/** Disarms the timer, up to five times. */
export async function disarm({ helper, context, record }: ConfirmedSwitch): Promise<Disarm> {
  for (let tries = 1; ; tries++) {
    const disarmed = await helper.disarm(context.shell, record.id);
    if (disarmed.kind !== 'failed' || tries === MAX_DISARMS) return disarmed;
    context.shell.say(`The timer could not be disarmed: ${disarmed.problem}`, 'stderr');
    await pause(DISARM_PAUSE_MS);
  }
}

/**
 * Ends a switch that has changed nothing. Its timer must not go back later, from a system that another command activates:
 * if it can't be disarmed, the switch ends after it has fired, which changes nothing either. `back`: why the host went
 * back, if it did so meanwhile.
 */
export async function endUnchanged(
  confirmed: ConfirmedSwitch,
  exitCode: number,
  failure: string,
  back: readonly [RolledBackReason, string] = ['activation-hung', failure],
): Promise<RebuildEnd> {
  const { helper, context, record } = confirmed;
  const disarmed = await disarm(confirmed);
  if (disarmed.kind === 'disarmed' || disarmed.kind === 'none') return failed(confirmed, exitCode, failure);
  const folder = confirmed.folder || (await askUntilKnown(helper, context.shell, record.id)).folder;
  if (folder === '') return failed(confirmed, exitCode, `${failure}; nixfleet-root does not say what its timer does`);
  if (disarmed.kind === 'too-late') return finishBack({ ...confirmed, folder }, ...back);
  context.shell.say('The timer can’t be disarmed. It activates the system that runs now; waiting for that.', 'stderr');
  const end = await waitForTimer({ ...confirmed, folder });
  return end.kind === 'rolled-back' ? failed(confirmed, exitCode, failure) : end;
}
