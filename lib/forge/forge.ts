/**
 * The port to a forge, which hosts the configuration repository and its pull requests. Implemented by `github.ts` and
 * `forgejo.ts`, with one test suite for both.
 */
import type { ChecksView, ForgeKind } from '@/lib/protocol/live/views/flake-update-view';

export interface PullRequest {
  number: number;
  title: string;
  /** Its page; an http(s) address. */
  url: string;
  author: string;
  /** Epoch milliseconds. */
  createdAt: number;
  labels: readonly string[];
  isOpen: boolean;
  isDraft: boolean;
  isMerged: boolean;
  /** Of a merged one; empty when the forge does not report it. */
  mergeCommit: string;
  /** Null while the forge computes it, and in lists. */
  mergeable: boolean | null;
  /**
   * Why the forge would refuse to merge, as a sentence that says what to do; empty when it would not or does not say.
   */
  obstacle: string;
  base: string;
  head: string;
  headSha: string;
  /** From a repository other than the target, or from a deleted one. */
  isFromFork: boolean;
}

export interface ChangedFile {
  path: string;
  /** The file is deleted or moved. */
  removed: boolean;
}

export const MERGE_METHODS = ['merge', 'squash', 'rebase'] as const;
export type MergeMethod = (typeof MERGE_METHODS)[number];

export type ForgeFaultKind =
  /** No token, or one that is not valid. */
  | 'unauthorised'
  /** The token has no permission. */
  | 'forbidden'
  | 'not-found'
  /** The forge refused: not mergeable, changed meanwhile, already exists. */
  | 'refused'
  | 'rate-limited'
  /** Unreachable, timed out, or a server error. */
  | 'unreachable'
  /** An answer that could not be parsed. */
  | 'invalid'
  /** NixFleet is stopping. */
  | 'stopped';

export interface ForgeFault {
  kind: ForgeFaultKind;
  /** A sentence for the operator that says what to do. Free of secrets. */
  message: string;
  /** With `rate-limited`: how long to wait. */
  retryAfterMs?: number;
}

export type ForgeResult<Value> = { ok: true; value: Value } | { ok: false; fault: ForgeFault };

/** Every call ends soon after `signal` is aborted or its time-out, and never rejects. One request runs at a time. */
export interface Forge {
  readonly kind: Exclude<ForgeKind, 'none'>;
  /** As people call it: `GitHub`, `Forgejo`. */
  readonly name: string;
  /** `owner/name`. */
  readonly repo: string;
  /** Newest first; `isComplete` is false when there are more than were read. */
  openPullRequests(
    base: string,
    signal: AbortSignal,
  ): Promise<ForgeResult<{ pulls: PullRequest[]; isComplete: boolean }>>;
  pullRequest(number: number, signal: AbortSignal): Promise<ForgeResult<PullRequest>>;
  /** Lists old and new name of a moved file; `isComplete` is false when there are more than were read. */
  changedFiles(
    number: number,
    signal: AbortSignal,
  ): Promise<ForgeResult<{ files: ChangedFile[]; isComplete: boolean }>>;
  checks(sha: string, signal: AbortSignal): Promise<ForgeResult<ChecksView>>;
  /** The text of a file at a commit or branch; null when it does not exist. */
  file(path: string, ref: string, signal: AbortSignal): Promise<ForgeResult<string | null>>;
  /** Merges if the head is still this commit. */
  merge(
    number: number,
    headSha: string,
    method: MergeMethod,
    signal: AbortSignal,
  ): Promise<ForgeResult<{ commit: string }>>;
  createPullRequest(
    request: { head: string; base: string; title: string; body: string },
    signal: AbortSignal,
  ): Promise<ForgeResult<{ number: number; url: string }>>;
}
