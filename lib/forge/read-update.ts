/** Finds the flake update among the open pull requests of a forge, and collects what is shown of it. */
import { diffFlakeLocks } from './flake-lock-diff';
import { UNKNOWN_CHECKS } from './check-runs';
import type { Forge, ForgeFault, ForgeFaultKind, ForgeResult, PullRequest } from './forge';
import type { ChangedFilesMemory } from './changed-files';
import { looksLikeUpdate, notUpdateReason, type UpdateRule } from './recognise-update';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/** Most pull requests that look like an update and whose files are read in one check; the next continues with the rest. */
export const MAX_CANDIDATES = 5;
/** Most others, in the same way. */
export const MAX_NEW_OTHERS = 10;

/** Most pull requests that look like an update, are none, and are named with the reason. */
const MAX_HINTS = 5;

export interface FoundUpdate {
  update: FlakeUpdateView | null;
  hint: string | null;
}

/** An inspected pull request, and why it may not be merged here, if so. */
export interface UpdateCandidate {
  pull: PullRequest;
  /** From `notUpdateReason`. */
  notUpdate: string | null;
}

/** Inspects one pull request by its number. */
export async function inspectPull(
  forge: Forge,
  number: number,
  rule: UpdateRule,
  signal: AbortSignal,
): Promise<ForgeResult<UpdateCandidate>> {
  const pull = await forge.pullRequest(number, signal);
  if (!pull.ok) return pull;
  const changed = await forge.changedFiles(number, signal);
  if (!changed.ok) return changed;
  return { ok: true, value: { pull: pull.value, notUpdate: notUpdateReason(pull.value, changed.value, rule) } };
}

/** Faults that may concern one pull request alone. */
const OF_ONE_PULL: ReadonlySet<ForgeFaultKind> = new Set(['refused', 'unreachable', 'invalid']);

/** The newest open flake update, if any; the hint names pull requests that only look like one. */
export async function findUpdate(
  forge: Forge,
  changedFiles: ChangedFilesMemory,
  rule: UpdateRule,
  signal: AbortSignal,
): Promise<ForgeResult<FoundUpdate>> {
  const open = await forge.openPullRequests(rule.base, signal);
  if (!open.ok) return open;
  changedFiles.keepOnly(open.value.pulls);
  const { candidates, unchecked } = candidatesOf(open.value.pulls, changedFiles, rule);
  const hints: string[] = [];
  let notOffered = 0;
  let found: PullRequest | null = null;
  for (const listed of candidates) {
    const changed = await changedFiles.of(listed, signal);
    if (!changed.ok) {
      // It was deleted between the two requests.
      if (changed.fault.kind === 'not-found') continue;
      // Another pull request, with a change that the forge can't list, must not hide the update.
      if (!looksLikeUpdate(listed) && OF_ONE_PULL.has(changed.fault.kind)) continue;
      return changed;
    }
    const notUpdate = notUpdateReason(listed, changed.value, rule);
    if (notUpdate !== null) {
      if (!looksLikeUpdate(listed)) continue;
      notOffered += 1;
      if (notOffered <= MAX_HINTS)
        hints.push(`Pull request #${listed.number} looks like a flake update but is not offered: ${notUpdate}.`);
      continue;
    }
    if (found !== null) {
      hints.push(`Pull request #${listed.number} is an older flake update: close it when #${found.number} is merged.`);
      continue;
    }
    // Whether it can be merged is not in the list.
    const pull = await forge.pullRequest(listed.number, signal);
    if (!pull.ok) {
      if (pull.fault.kind === 'not-found') continue;
      return pull;
    }
    // Commits that were pushed since the list are checked next time.
    if (pull.value.isOpen && pull.value.headSha === listed.headSha && pull.value.base === listed.base)
      found = pull.value;
  }
  if (notOffered > MAX_HINTS) {
    const more = notOffered - MAX_HINTS;
    hints.push(
      more === 1
        ? 'One more looks like a flake update but is not offered.'
        : `${more} more look like flake updates but are not offered.`,
    );
  }
  if (unchecked > 0) {
    hints.push(
      unchecked === 1
        ? 'One more pull request looks like a flake update and was not checked.'
        : `${unchecked} more pull requests look like flake updates and were not checked.`,
    );
  }
  if (!open.value.isComplete) hints.push('Too many pull requests are open to read them all: close old ones.');
  const update = found === null ? null : await viewOf(forge, found, rule, signal);
  if (update !== null && 'kind' in update) return { ok: false, fault: update };
  return { ok: true, value: { update, hint: hints.length > 0 ? hints.join(' ') : null } };
}

/** The pull requests whose files are read now, newest first. `unchecked`: how many that look like updates are not. */
function candidatesOf(
  pulls: readonly PullRequest[],
  changedFiles: ChangedFilesMemory,
  rule: UpdateRule,
): { candidates: PullRequest[]; unchecked: number } {
  const alike = pulls.filter(looksLikeUpdate);
  const others = pulls.filter((pull) => !looksLikeUpdate(pull) && (rule.forks || !pull.isFromFork));
  const isUnknown = (pull: PullRequest) => !changedFiles.knows(pull);
  const later = new Set([
    ...alike.filter(isUnknown).slice(MAX_CANDIDATES),
    ...others.filter(isUnknown).slice(MAX_NEW_OTHERS),
  ]);
  const now = new Set([...alike, ...others].filter((pull) => !later.has(pull)));
  return {
    candidates: pulls.filter((pull) => now.has(pull)),
    unchecked: alike.filter((pull) => later.has(pull)).length,
  };
}

/** The view of an update. Missing checks or inputs do not hide the update. */
async function viewOf(
  forge: Forge,
  pull: PullRequest,
  { lockFile }: UpdateRule,
  signal: AbortSignal,
): Promise<FlakeUpdateView | ForgeFault> {
  const checks = await forge.checks(pull.headSha, signal);
  const base = await forge.file(lockFile, pull.base, signal);
  const head = await forge.file(lockFile, pull.headSha, signal);
  for (const answer of [checks, base, head]) {
    if (!answer.ok && (answer.fault.kind === 'rate-limited' || answer.fault.kind === 'stopped')) return answer.fault;
  }
  const diff =
    base.ok && head.ok
      ? diffFlakeLocks(base.value, head.value)
      : { inputs: [], more: 0, problem: [base, head].find((answer) => !answer.ok)?.fault.message ?? '' };
  return {
    number: pull.number,
    title: pull.title,
    url: pull.url,
    author: pull.author,
    createdAt: pull.createdAt,
    base: pull.base,
    head: pull.head,
    headSha: pull.headSha,
    mergeable: pull.mergeable,
    blocked: obstacleOf(pull),
    checks: checks.ok ? checks.value : UNKNOWN_CHECKS,
    inputs: diff.inputs,
    moreInputs: diff.more,
    inputsProblem: diff.problem,
  };
}

/** Why an open pull request can't be merged now, as a sentence; empty when it can, or when that is not known yet. */
export function obstacleOf(pull: PullRequest): string {
  if (pull.obstacle !== '') return pull.obstacle;
  if (pull.isDraft) return 'It is a draft: mark it as ready for review.';
  return pull.mergeable === false ? 'It conflicts with the branch: have the update recreated.' : '';
}
