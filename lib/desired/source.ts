/** The interface of a desired-state source, implemented by `feed.ts` and `git-source.ts`. */
import type { HostRelation } from '@/lib/fleet/hosts/desired';

/** A fetched desired state: what the fleet should run. */
export interface FetchedState {
  branch: string;
  /** Commit id, lower-case hex. */
  commit: string;
  message: string;
  /** Epoch milliseconds. */
  committedAt: number | null;
  lockHash: string;
  commitUrl: string | null;
  hint: string | null;
}

/** The result of a fetch. A failure's message is a sentence for the operator without credentials. */
export type FetchOutcome = { kind: 'ok'; answer: FetchedState } | { kind: 'failed'; message: string };

export interface DesiredStateSource {
  readonly kind: 'feed' | 'git';
  /** The configured branch; empty for a feed, whose answer names it. */
  readonly branch: string;
  /** Never rejects; ends soon after `signal` was aborted. */
  fetch(signal: AbortSignal): Promise<FetchOutcome>;
  /**
   * The relation of a commit to the target (lower-case, at least seven hex digits, or not a commit id at all). Null
   * when the source does not know ancestry. Rejects when the comparison fails.
   */
  readonly compare: ((target: string, commit: string, signal: AbortSignal) => Promise<HostRelation>) | null;
}
