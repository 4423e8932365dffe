/**
 * Flake updates: the pull request that brings the configuration's inputs up to date. `lib/forge` finds and
 * merges it; pages and pipelines ask for it here.
 */
import type { FlakeUpdatesView } from '@/lib/protocol/flake-updates';
import type { Requester } from './requests';

/** What is known of the waiting update: nothing in it is secret, so that it is shown as it is. */
export type FlakeUpdatesState = FlakeUpdatesView;

export type MergeResult =
  /** `commit`: the merge's commit on the base branch; empty where the forge does not tell it. */
  | { kind: 'merged'; commit: string }
  /** By our own rule (no recognised update, not mergeable), or by the forge's: trying again does not help. */
  | { kind: 'refused'; reason: string }
  /** The forge could not be asked, or did not answer as it should: trying again may help. */
  | { kind: 'failed'; reason: string };

export interface FlakeUpdates {
  /** The newest state; a new object whenever anything in it changed. */
  readonly state: FlakeUpdatesState;
  /** Calls back after `state` changed. Returns the way to end it. */
  subscribe(listener: () => void): () => void;
  /** Asks the forge now; ends when it answered, well or not. Concurrent calls share one fetch. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Merges a recognised flake update by its number, and nothing else. It is looked at anew first, and merged only as
   * it was looked at; when `seen` is given (the `headSha` that was shown) and is no longer its head, it is refused.
   * Idempotent: one that is merged already answers `merged`. Ends within two minutes; never rejects.
   * Writes an event with who asked and what came of it.
   */
  merge(number: number, by: Requester, seen?: string | null): Promise<MergeResult>;
}
