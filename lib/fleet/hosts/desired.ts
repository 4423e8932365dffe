/**
 * The desired state: which commit of the configuration repository the fleet should run. `lib/desired` determines it;
 * the fleet judges hosts by it.
 */
import { COMMIT_PREFIX } from '@/lib/git/commit-id';
import { plainText } from '@/lib/text/plain-text';

/** What is known of the desired state. Empty text means unknown; times are epoch milliseconds. */
export interface DesiredState {
  /** Where it comes from: nothing configured, a version.json feed, or the git repository itself. */
  source: 'none' | 'feed' | 'git';
  branch: string;
  /** Full commit id as the source gives it, lower-case. */
  commit: string;
  /** First line of the commit message. */
  message: string;
  committedAt: number | null;
  /** SHA-256 of flake.lock at that commit, hex. Empty when the source does not give it. */
  lockHash: string;
  /** A page that shows the commit, if it can be derived from the source's address. Never holds credentials. */
  commitUrl: string | null;
  /** When the source last answered successfully. */
  fetchedAt: number | null;
  /** Why the last fetch failed, as a sentence that says what to do, and since when fetches fail. */
  error: { message: string; since: number } | null;
  /** A defect in a successful answer that the operator should fix, e.g. a feed without lockHash. */
  hint: string | null;
}

/**
 * How a host's commit relates to the desired one. `behind`, `ahead` and `diverged` follow from ancestry and need the
 * repository; with a feed alone a host `differs`. `unknown`: the host's commit is not in the repository.
 */
export type Relation = 'equal' | 'behind' | 'ahead' | 'diverged' | 'differs' | 'unknown';

export interface HostRelation {
  relation: Relation;
  /** How many commits the host is behind (or ahead), if known. */
  commits: number | null;
}

/** The desired state as the fleet uses it. */
export interface DesiredSource {
  /** The newest state; a new object whenever anything in it changed. */
  readonly state: DesiredState;
  /** Synchronous, from fetched data; requests a new fetch by itself (bounded) when the commit is unknown. */
  relate(generation: string): HostRelation;
  /** Calls back after `state` or a relation changed. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /** Fetches now; resolves when the fetch succeeded or failed. Concurrent calls share one fetch. Never rejects. */
  refresh(): Promise<void>;
}

export const NO_DESIRED_STATE: DesiredState = {
  source: 'none',
  branch: '',
  commit: '',
  message: '',
  committedAt: null,
  lockHash: '',
  commitUrl: null,
  fetchedAt: null,
  error: null,
  hint: null,
};

/** True when two commit ids name the same commit: agents send the first seven characters. "unknown" names none. */
export function sameCommit(a: string, b: string): boolean {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  if (!COMMIT_PREFIX.test(one) || !COMMIT_PREFIX.test(other)) return false;
  return one.startsWith(other) || other.startsWith(one);
}

/** The first seven characters of a commit, as git shows it; an agent's commit may be any text, and no character is split. */
export function shortCommit(commit: string): string {
  return plainText(commit, 7);
}
