/** Merging a flake update: looked at anew, merged exactly as looked at, and the truth asked for where it is in doubt. */
import type { MergeResult } from '@/lib/fleet/records/flake-update-port';
import type { Forge, ForgeFault, MergeMethod, PullRequest } from './forge';
import { lookAt, obstacleOf } from './read-update';
import type { UpdateRule } from './recognise-update';
import type { Clock } from '@/lib/fleet/records/environment';

/** A forge works out whether a pull request can be merged when it is asked, in seconds. */
export const MERGEABLE_RETRIES = 5;
export const MERGEABLE_WAIT_MS = 2_000;

export interface MergeOrder {
  number: number;
  /** The commit that the operator looked at; when it is no longer the head, nothing is merged. Null: any. */
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
  const looked = await ready(forge, clock, number, rule, signal);
  if ('kind' in looked) return looked;
  const { pull } = looked;
  if (seen !== null && seen !== pull.headSha) {
    return refused(`Pull request #${number} has changed since you looked at it: look again, then merge.`);
  }
  const merged = await forge.merge(number, pull.headSha, method, signal);
  if (merged.ok) return { kind: 'merged', commit: merged.value.commit };
  // Somebody else was quicker, or it was merged although the answer never came.
  const after = signal.aborted ? null : await forge.pullRequest(number, signal);
  if (after?.ok && after.value.isMerged) return { kind: 'merged', commit: after.value.mergeCommit };
  return resultOf(merged.fault);
}

/** The pull request once it is certain that it may be merged, or the result. */
async function ready(
  forge: Forge,
  clock: Clock,
  number: number,
  rule: UpdateRule,
  signal: AbortSignal,
): Promise<{ pull: PullRequest } | MergeResult> {
  for (let attempt = 0; ; attempt += 1) {
    const looked = await lookAt(forge, number, rule, signal);
    if (!looked.ok) {
      return looked.fault.kind === 'not-found'
        ? refused(`There is no pull request #${number} in ${forge.repo} at ${forge.name}, or the token may not see it.`)
        : resultOf(looked.fault);
    }
    const { pull, notUpdate } = looked.value;
    if (pull.isMerged && pull.base === rule.base) return { kind: 'merged', commit: pull.mergeCommit };
    if (notUpdate !== null) return refused(`Pull request #${number} is not merged from here: ${notUpdate}.`);
    if (!pull.isOpen) return refused(`Pull request #${number} was closed without being merged.`);
    const obstacle = obstacleOf(pull);
    if (obstacle !== '') return refused(`Pull request #${number} can’t be merged now. ${obstacle}`);
    if (pull.mergeable !== null) return { pull };
    if (attempt >= MERGEABLE_RETRIES) {
      return {
        kind: 'failed',
        reason: `${forge.name} still works out whether pull request #${number} can be merged: try again in a minute.`,
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

/** What asking again may change has failed; what was decided is refused. */
function resultOf({ kind, message }: ForgeFault): MergeResult {
  const again = kind === 'unreachable' || kind === 'rate-limited' || kind === 'stopped' || kind === 'invalid';
  return again ? { kind: 'failed', reason: message } : { kind: 'refused', reason: message };
}
