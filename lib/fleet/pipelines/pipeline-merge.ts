/** The merge that the dashboard runs once, before the hosts of a pipeline start. */
import type { PipelineRecord } from '../records/pipeline-state';
import type { Clock } from '../records/environment';
import type { Requester } from '../records/requests';
import type { FleetOptions } from '../turns/fleet-options';

/** A merge without an answer by then counts as failed; the operator has to check the forge. */
export const MERGE_ANSWER_MS = 3 * 60_000;
/** How long a fetch of the desired state after a merge may delay the hosts. */
export const REFRESH_AFTER_MERGE_MS = 30_000;

export interface MergeEnd {
  ok: boolean;
  /** A sentence. */
  reason: string;
}

/**
 * Merges the pull request as the operator reviewed it, then fetches the desired state that the hosts are judged by. Ends
 * within the times above; never rejects. Calling it again is safe: the forge's merge is idempotent.
 */
export async function mergeFirst(
  { args, userId, userName, address }: PipelineRecord,
  { flakeUpdates, desired, clock }: Pick<FleetOptions, 'flakeUpdates' | 'desired' | 'clock'>,
): Promise<MergeEnd> {
  const number = args?.pullRequest;
  const seen = typeof args?.seen === 'string' ? args.seen : null;
  if (!flakeUpdates || typeof number !== 'number') {
    return { ok: false, reason: 'No forge is configured any more, so the pull request could not be merged.' };
  }
  const by: Requester = { userId, userName, address };
  const noAnswer = 'The forge did not answer in time. Check there whether the pull request was merged.';
  const otherwise = { kind: 'failed', reason: noAnswer } as const;
  const result = await within(clock, MERGE_ANSWER_MS, flakeUpdates.merge(number, by, seen), otherwise);
  if (result.kind !== 'merged') return { ok: false, reason: result.reason };
  await within(clock, REFRESH_AFTER_MERGE_MS, desired.refresh(), undefined);
  const as = result.commit === '' ? '' : ` as ${result.commit.slice(0, 7)}`;
  return { ok: true, reason: `#${number} was merged${as}.` };
}

/** The value of a promise, or `otherwise` when it fails or takes longer than `ms`. */
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
