/**
 * The flake update that waits in the configuration repository's forge, as pages and the live socket show it. Times are
 * epoch milliseconds.
 */

/** Which forge is asked: none is configured, GitHub, or Forgejo (Gitea speaks the same). */
export type ForgeKind = 'none' | 'github' | 'forgejo';

/** One side of a changed input. Empty text means that the lock file does not say. */
export interface LockedInputView {
  /** Commit id, or the hash of the contents where the input is no git repository. */
  rev: string;
  /** The branch or tag that is followed. */
  ref: string;
  /** When that state of the input was made. */
  lastModified: number | null;
  /** A page or address that a person can open; never holds credentials. */
  url: string;
}

/** An input of the flake whose lock the update changes. */
export interface InputChangeView {
  /** The path of inputs that leads to it: `nixpkgs`, `home-manager/nixpkgs`. */
  name: string;
  kind: 'changed' | 'added' | 'removed';
  from: LockedInputView | null;
  to: LockedInputView | null;
  /** A page that shows what came in between; empty where there is none. */
  compareUrl: string;
}

/** What the checks of the head commit say, together. */
export interface ChecksView {
  /** `none`: the forge knows of no check; `unknown`: it could not be asked. */
  status: 'none' | 'passed' | 'running' | 'failed' | 'unknown';
  passed: number;
  running: number;
  failed: number;
}

/** An open pull request that was recognised as a flake update. */
export interface FlakeUpdateView {
  number: number;
  title: string;
  /** Its page at the forge. */
  url: string;
  author: string;
  createdAt: number;
  /** The branch that it wants to change. */
  base: string;
  /** The branch that it comes from. */
  head: string;
  /** The commit that was looked at, and that alone is merged. */
  headSha: string;
  /** Null while the forge still works it out. */
  mergeable: boolean | null;
  /** Why it can't be merged now, as a sentence that says what to do; empty when it can. */
  blocked: string;
  checks: ChecksView;
  /** By name; at most `MAX_INPUT_CHANGES`. */
  inputs: InputChangeView[];
  /** How many further changes there are. */
  moreInputs: number;
  /** Why the inputs can't be told, as a sentence; empty when they can. */
  inputsProblem: string;
}

export interface FlakeUpdatesView {
  source: ForgeKind;
  /** `owner/name`; empty when none is configured. */
  repo: string;
  update: FlakeUpdateView | null;
  /** Something that the operator should know, e.g. a pull request that looks like an update but is none. */
  hint: string | null;
  /** When the forge last gave a good answer. */
  fetchedAt: number | null;
  /** Why it gives none now, as a sentence that says what to do, and since when. */
  error: { message: string; since: number } | null;
}
