/**
 * The desired state: which commit of the configuration repository the fleet should run. `lib/desired` finds it out;
 * the fleet judges hosts by it.
 */

/** What is known of the desired state. Empty text means not known; times are epoch milliseconds. */
export interface DesiredState {
  /** Where it comes from: nothing configured, a version.json feed, or the git repository itself. */
  source: 'none' | 'feed' | 'git';
  branch: string;
  /** Full commit id as the source gives it, lower-case. */
  commit: string;
  /** First line of the commit message. */
  message: string;
  committedAt: number | null;
  /** SHA-256 of flake.lock at that commit, hex. Empty when the source does not say. */
  lockHash: string;
  /** A page that shows the commit, when the source's address allows to tell. Never holds credentials. */
  commitUrl: string | null;
  /** When the source last gave a good answer. */
  fetchedAt: number | null;
  /** Why the source gives no good answer now, as a sentence that says what to do, and since when. */
  error: { message: string; since: number } | null;
  /** A fault of a good answer that the operator should mend, e.g. a feed without lockHash. */
  hint: string | null;
}

/**
 * How a host's commit stands to the desired one. `behind`, `ahead` and `diverged` are told from ancestry and need the
 * repository; with a feed alone a host `differs`. `unknown`: the host's commit is not known to the repository.
 */
export type Relation = 'equal' | 'behind' | 'ahead' | 'diverged' | 'differs' | 'unknown';

export interface HostRelation {
  relation: Relation;
  /** How many commits the host is behind (or ahead), when that can be told. */
  commits: number | null;
}

/** What the fleet asks of the desired state. */
export interface DesiredSource {
  /** The newest state; a new object whenever anything in it changed. */
  readonly state: DesiredState;
  /** Synchronous, from what was fetched before; asks for a new fetch by itself (bounded) when the commit is not known. */
  relate(generation: string): HostRelation;
  /** Calls back after `state` or a relation changed. Returns the way to end it. */
  subscribe(listener: () => void): () => void;
  /** Fetches now; ends when the fetch ended, well or not. Concurrent calls share one fetch. Never rejects. */
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

const COMMIT = /^[0-9a-f]{7,64}$/i;

/** True when two commit ids name the same commit: agents send the first seven characters. "unknown" is none. */
export function sameCommit(a: string, b: string): boolean {
  if (!COMMIT.test(a) || !COMMIT.test(b)) return false;
  const length = Math.min(a.length, b.length);
  return a.slice(0, length).toLowerCase() === b.slice(0, length).toLowerCase();
}
