/**
 * What NixFleet asks of a forge, which holds the configuration repository and its pull requests. `github.ts` and
 * `forgejo.ts` are the two there are; one suite of tests runs over both.
 */
import type { ChecksView, ForgeKind } from '@/lib/protocol/flake-updates';

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
  /** Of a merged one; empty where the forge does not tell. */
  mergeCommit: string;
  /** Null while the forge works it out, and in a list, which does not say. */
  mergeable: boolean | null;
  /** Why the forge would refuse to merge, as a sentence that says what to do; empty when it would not, or says nothing. */
  obstacle: string;
  base: string;
  head: string;
  headSha: string;
  /** From another repository than the one it goes into, or from one that is gone. */
  isFromFork: boolean;
}

export interface ChangedFile {
  path: string;
  /** The file is taken away, or moved elsewhere. */
  removed: boolean;
}

export const MERGE_METHODS = ['merge', 'squash', 'rebase'] as const;
export type MergeMethod = (typeof MERGE_METHODS)[number];

export type ForgeFaultKind =
  /** No token, or one that is not valid. */
  | 'unauthorised'
  /** The token lacks a permission. */
  | 'forbidden'
  | 'not-found'
  /** The forge understood and says no: not mergeable, changed meanwhile, exists already. */
  | 'refused'
  | 'rate-limited'
  /** Not reached, no answer in time, or a fault of the forge itself. */
  | 'unreachable'
  /** An answer that is not what a forge says. */
  | 'invalid'
  /** NixFleet itself stops. */
  | 'stopped';

export interface ForgeFault {
  kind: ForgeFaultKind;
  /** A sentence for the operator that says what to do. Free of secrets. */
  message: string;
  /** With `rate-limited`: how long the forge wants to be left alone. */
  retryAfterMs?: number;
}

export type ForgeResult<Value> = { ok: true; value: Value } | { ok: false; fault: ForgeFault };

/** Every call ends soon after `signal` was aborted or its time is up, and never rejects. One request at a time. */
export interface Forge {
  readonly kind: Exclude<ForgeKind, 'none'>;
  /** As people call it: `GitHub`, `Forgejo`. */
  readonly name: string;
  /** `owner/name`. */
  readonly repo: string;
  /** Newest first; `isComplete` false when there are more than are read. */
  openPullRequests(
    base: string,
    signal: AbortSignal,
  ): Promise<ForgeResult<{ pulls: PullRequest[]; isComplete: boolean }>>;
  pullRequest(number: number, signal: AbortSignal): Promise<ForgeResult<PullRequest>>;
  /** The old and the new name of a file that moved; `isComplete` false when there are more than are read. */
  changedFiles(
    number: number,
    signal: AbortSignal,
  ): Promise<ForgeResult<{ files: ChangedFile[]; isComplete: boolean }>>;
  checks(sha: string, signal: AbortSignal): Promise<ForgeResult<ChecksView>>;
  /** The text of a file at a commit or branch; null when it is not there. */
  file(path: string, ref: string, signal: AbortSignal): Promise<ForgeResult<string | null>>;
  /** Merges, if the head still is this commit. */
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
