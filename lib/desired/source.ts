/** What a source of the desired state gives: `feed.ts` and `git.ts` are the two there are. */
import type { HostRelation } from '@/lib/fleet/hosts/desired';

/** A good answer: what the source says the fleet should run. */
export interface Answer {
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

/** What a fetch ends with. A failure's message is a sentence for the operator, free of credentials. */
export type Outcome = { kind: 'ok'; answer: Answer } | { kind: 'failed'; message: string };

export interface Source {
  readonly kind: 'feed' | 'git';
  /** The branch as configured; empty where only the answer tells. */
  readonly branch: string;
  /** Never rejects; ends soon after `signal` was aborted. */
  fetch(signal: AbortSignal): Promise<Outcome>;
  /**
   * How a commit (lower-case, at least seven hex digits or something that is no commit id) stands to the target.
   * Null when the source can't tell ancestry at all. Rejects when it could, but failed.
   */
  readonly compare: ((target: string, commit: string, signal: AbortSignal) => Promise<HostRelation>) | null;
}
