/**
 * The open flake update of the configuration repository, as pages and the live socket show it. Times are epoch
 * milliseconds.
 */
import { z } from 'zod';

/** The forge that is configured, if any. Gitea counts as Forgejo: its API is the same. */
export const FORGE_KINDS = ['none', 'github', 'forgejo'] as const;
export type ForgeKind = (typeof FORGE_KINDS)[number];

/** One side of a changed input. A field is empty when the lock file does not contain it. */
export const lockedInputViewSchema = z.object({
  /** Commit id, or the hash of the contents where the input is not a git repository. */
  rev: z.string(),
  /** The branch or tag. */
  ref: z.string(),
  /** The time of that revision. */
  lastModified: z.number().nullable(),
  /** A page or address that a person can open; never contains credentials. */
  url: z.string(),
});
export type LockedInputView = z.infer<typeof lockedInputViewSchema>;

/** A flake input that the update changes. */
export const inputChangeViewSchema = z.object({
  /** The path of inputs that leads to it: `nixpkgs`, `home-manager/nixpkgs`. */
  name: z.string(),
  kind: z.enum(['changed', 'added', 'removed']),
  from: lockedInputViewSchema.nullable(),
  to: lockedInputViewSchema.nullable(),
  /** A page that compares the two; empty when there is none. */
  compareUrl: z.string(),
});
export type InputChangeView = z.infer<typeof inputChangeViewSchema>;

/** The combined result of the checks of the head commit. */
export const checksViewSchema = z.object({
  /** `none`: there are no checks; `unknown`: the forge did not answer. */
  status: z.enum(['none', 'passed', 'running', 'failed', 'unknown']),
  passed: z.number(),
  running: z.number(),
  failed: z.number(),
});
export type ChecksView = z.infer<typeof checksViewSchema>;

/** An open pull request that is a flake update. */
export const flakeUpdateViewSchema = z.object({
  number: z.number(),
  title: z.string(),
  /** Its page at the forge. */
  url: z.string(),
  author: z.string(),
  createdAt: z.number(),
  /** The branch that it would change. */
  base: z.string(),
  /** The branch that it comes from. */
  head: z.string(),
  /** The commit that was checked. Only this one is merged. */
  headSha: z.string(),
  /** Null while the forge determines it. */
  mergeable: z.boolean().nullable(),
  /** Why it can't be merged now, as a sentence that says what to do; empty when it can. */
  blocked: z.string(),
  checks: checksViewSchema,
  /** By name; at most `MAX_INPUT_CHANGES`. */
  inputs: z.array(inputChangeViewSchema),
  /** How many further changes there are. */
  moreInputs: z.number(),
  /** Why the inputs are unknown, as a sentence; empty when they are known. */
  inputsProblem: z.string(),
});
export type FlakeUpdateView = z.infer<typeof flakeUpdateViewSchema>;

export const flakeUpdatesViewSchema = z.object({
  source: z.enum(FORGE_KINDS),
  /** `owner/name`; empty when none is configured. */
  repo: z.string(),
  update: flakeUpdateViewSchema.nullable(),
  /** A hint for the operator, e.g. about a pull request that resembles an update but is not one. */
  hint: z.string().nullable(),
  /** When the forge last answered successfully. */
  fetchedAt: z.number().nullable(),
  /** Why it does not answer now, as a sentence that says what to do, and since when. */
  error: z.object({ message: z.string(), since: z.number() }).nullable(),
});
export type FlakeUpdatesView = z.infer<typeof flakeUpdatesViewSchema>;
