/** The merge that the dashboard does once, before the hosts of a pipeline begin. */
import type { PipelineRecord } from '../records/pipeline-state';
import type { Clock } from '../records/environment';
import type { Requester } from '../records/requests';
import type { FleetOptions } from '../turns/fleet-options';

/** A merge that gave no answer by then is taken for failed: the forge is asked what became of it by a person. */
export const MERGE_ANSWER_MS = 3 * 60_000;
/** How long a fetch of the desired state after a merge may hold up the hosts. */
export const REFRESH_AFTER_MERGE_MS = 30_000;

export interface MergeEnd {
  ok: boolean;
  /** A sentence. */
  reason: string;
}

/**
 * Merges what the operator looked at, and then fetches the desired state, by which hosts are judged from there on. Ends
 * within the times above; never rejects. Asked for again, it does nothing twice: the forge's merge is idempotent.
 */
export async function mergeFirst(
  { args, userId, userName, address }: PipelineRecord,
  { flakeUpdates, desired, clock }: Pick<FleetOptions, 'flakeUpdates' | 'desired' | 'clock'>,
): Promise<MergeEnd> {
  const number = args?.pullRequest;
  const seen = typeof args?.seen === 'string' ? args.seen : null;
  if (!flakeUpdates || typeof number !== 'number') {
    return { ok: false, reason: 'No forge is configured any more, so that it could not be merged.' };
  }
  const by: Requester = { userId, userName, address };
  const noAnswer = 'The forge gave no answer in time. Look there whether it was merged.';
  const otherwise = { kind: 'failed', reason: noAnswer } as const;
  const result = await within(clock, MERGE_ANSWER_MS, flakeUpdates.merge(number, by, seen), otherwise);
  if (result.kind !== 'merged') return { ok: false, reason: result.reason };
  await within(clock, REFRESH_AFTER_MERGE_MS, desired.refresh(), undefined);
  const as = result.commit === '' ? '' : ` as ${result.commit.slice(0, 7)}`;
  return { ok: true, reason: `#${number} was merged${as}.` };
}

/** What a promise gives, or something else when it takes too long or fails. */
function within<T>(clock: Clock, ms: number, promise: Promise<T>, otherwise: T): Promise<T> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(otherwise));
    const settle = (value: T) => {
      cancel();
      resolve(value);
    };
    promise.then(settle, () => settle(otherwise));
  });
}
