/**
 * The flake update that waits in the configuration repository's forge, as pages and the live socket show it. Times are
 * epoch milliseconds.
 */
import { z } from 'zod';

/** Which forge is asked: none is configured, GitHub, or Forgejo (Gitea speaks the same). */
export const FORGE_KINDS = ['none', 'github', 'forgejo'] as const;
export type ForgeKind = (typeof FORGE_KINDS)[number];

/** One side of a changed input. Empty text means that the lock file does not say. */
export const lockedInputViewSchema = z.object({
  /** Commit id, or the hash of the contents where the input is no git repository. */
  rev: z.string(),
  /** The branch or tag that is followed. */
  ref: z.string(),
  /** When that state of the input was made. */
  lastModified: z.number().nullable(),
  /** A page or address that a person can open; never holds credentials. */
  url: z.string(),
});
export type LockedInputView = z.infer<typeof lockedInputViewSchema>;

/** An input of the flake whose lock the update changes. */
export const inputChangeViewSchema = z.object({
  /** The path of inputs that leads to it: `nixpkgs`, `home-manager/nixpkgs`. */
  name: z.string(),
  kind: z.enum(['changed', 'added', 'removed']),
  from: lockedInputViewSchema.nullable(),
  to: lockedInputViewSchema.nullable(),
  /** A page that shows what came in between; empty where there is none. */
  compareUrl: z.string(),
});
export type InputChangeView = z.infer<typeof inputChangeViewSchema>;

/** What the checks of the head commit say, together. */
export const checksViewSchema = z.object({
  /** `none`: the forge knows of no check; `unknown`: it could not be asked. */
  status: z.enum(['none', 'passed', 'running', 'failed', 'unknown']),
  passed: z.number(),
  running: z.number(),
  failed: z.number(),
});
export type ChecksView = z.infer<typeof checksViewSchema>;

/** An open pull request that was recognised as a flake update. */
export const flakeUpdateViewSchema = z.object({
  number: z.number(),
  title: z.string(),
  /** Its page at the forge. */
  url: z.string(),
  author: z.string(),
  createdAt: z.number(),
  /** The branch that it wants to change. */
  base: z.string(),
  /** The branch that it comes from. */
  head: z.string(),
  /** The commit that was looked at, and that alone is merged. */
  headSha: z.string(),
  /** Null while the forge still works it out. */
  mergeable: z.boolean().nullable(),
  /** Why it can't be merged now, as a sentence that says what to do; empty when it can. */
  blocked: z.string(),
  checks: checksViewSchema,
  /** By name; at most `MAX_INPUT_CHANGES`. */
  inputs: z.array(inputChangeViewSchema),
  /** How many further changes there are. */
  moreInputs: z.number(),
  /** Why the inputs can't be told, as a sentence; empty when they can. */
  inputsProblem: z.string(),
});
export type FlakeUpdateView = z.infer<typeof flakeUpdateViewSchema>;

export const flakeUpdatesViewSchema = z.object({
  source: z.enum(FORGE_KINDS),
  /** `owner/name`; empty when none is configured. */
  repo: z.string(),
  update: flakeUpdateViewSchema.nullable(),
  /** Something that the operator should know, e.g. a pull request that looks like an update but is none. */
  hint: z.string().nullable(),
  /** When the forge last gave a good answer. */
  fetchedAt: z.number().nullable(),
  /** Why it gives none now, as a sentence that says what to do, and since when. */
  error: z.object({ message: z.string(), since: z.number() }).nullable(),
});
export type FlakeUpdatesView = z.infer<typeof flakeUpdatesViewSchema>;
