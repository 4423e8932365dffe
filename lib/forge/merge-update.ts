/**
 * Merges a flake update: checks it again, merges exactly the checked commit, and queries the outcome when it is in
 * doubt.
 */
import type { MergeResult } from '@/lib/fleet/records/flake-update-port';
import type { Forge, ForgeFault, MergeMethod, PullRequest } from './forge';
import { inspectPull, obstacleOf } from './read-update';
import type { UpdateRule } from './recognise-update';
import type { Clock } from '@/lib/fleet/records/environment';

/** A forge computes on request whether a pull request can be merged, within seconds. */
export const MERGEABLE_RETRIES = 5;
export const MERGEABLE_WAIT_MS = 2_000;

export interface MergeOrder {
  number: number;
  /** The commit that the operator reviewed; if it is no longer the head, nothing is merged. Null: any. */
  seen: string | null;
  method: MergeMethod;
  rule: UpdateRule;
}

export async function mergeUpdate(
  forge: Forge,
  clock: Clock,
  { number, seen, method, rule }: MergeOrder,
  signal: AbortSignal,
): Promise<MergeResult> {
  const looked = await inspectUntilMergeable(forge, clock, number, rule, signal);
  if ('kind' in looked) return looked;
  const { pull } = looked;
  if (seen !== null && seen !== pull.headSha) {
    return refused(`Pull request #${number} has changed since you looked at it: review it again, then merge.`);
  }
  const merged = await forge.merge(number, pull.headSha, method, signal);
  if (merged.ok) return { kind: 'merged', commit: merged.value.commit };
  // Someone else may have merged it, or it was merged although the answer was lost.
  const after = signal.aborted ? null : await forge.pullRequest(number, signal);
  if (after?.ok && after.value.isMerged) return { kind: 'merged', commit: after.value.mergeCommit };
  return resultOf(merged.fault);
}

/** The pull request once it is known to be mergeable, or the result. */
async function inspectUntilMergeable(
  forge: Forge,
  clock: Clock,
  number: number,
  rule: UpdateRule,
  signal: AbortSignal,
): Promise<{ pull: PullRequest } | MergeResult> {
  for (let attempt = 0; ; attempt += 1) {
    const looked = await inspectPull(forge, number, rule, signal);
    if (!looked.ok) {
      return looked.fault.kind === 'not-found'
        ? refused(
            `There is no pull request #${number} in ${forge.repo} on ${forge.name}, or the token has no access to it.`,
          )
        : resultOf(looked.fault);
    }
    const { pull, notUpdate } = looked.value;
    if (pull.isMerged && pull.base === rule.base) return { kind: 'merged', commit: pull.mergeCommit };
    if (notUpdate !== null) return refused(`Pull request #${number} can’t be merged here: ${notUpdate}.`);
    if (!pull.isOpen) return refused(`Pull request #${number} was closed without being merged.`);
    const obstacle = obstacleOf(pull);
    if (obstacle !== '') return refused(`Pull request #${number} can’t be merged now. ${obstacle}`);
    if (pull.mergeable !== null) return { pull };
    if (attempt >= MERGEABLE_RETRIES) {
      return {
        kind: 'failed',
        reason: `${forge.name} is still checking whether pull request #${number} can be merged: try again in a minute.`,
      };
    }
    await pause(clock, MERGEABLE_WAIT_MS, signal);
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

const refused = (reason: string): MergeResult => ({ kind: 'refused', reason });

/** A fault that a retry may fix is `failed`; a decision of the forge is `refused`. */
function resultOf({ kind, message }: ForgeFault): MergeResult {
  const again = kind === 'unreachable' || kind === 'rate-limited' || kind === 'stopped' || kind === 'invalid';
  return again ? { kind: 'failed', reason: message } : { kind: 'refused', reason: message };
}
