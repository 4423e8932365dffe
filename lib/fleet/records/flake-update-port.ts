/**
 * Flake updates: the pull request that brings the configuration's inputs up to date. `lib/forge` finds and
 * merges it; pages and pipelines use this port.
 */
import type { Requester } from './requests';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';

export type MergeResult =
  /** `commit`: the merge's commit on the base branch; empty if the forge does not report it. */
  | { kind: 'merged'; commit: string }
  /** Refused by the dashboard (not a recognised update, not mergeable) or by the forge: trying again does not help. */
  | { kind: 'refused'; reason: string }
  /** The forge could not be reached or gave an invalid answer: trying again may help. */
  | { kind: 'failed'; reason: string };

export interface FlakeUpdates {
  /** The newest state; a new object whenever anything in it changed. */
  readonly state: FlakeUpdatesView;
  /** Calls back after `state` changed. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /** Queries the forge now; resolves when that succeeded or failed. Concurrent calls share one fetch. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Merges a recognised flake update by its number, and nothing else. The pull request is fetched again first and merged
   * only in that state; if `seen` (the `headSha` that was shown) is given and is no longer its head, it is refused.
   * Idempotent: an already merged one answers `merged`. Resolves within two minutes; never rejects.
   * Writes an event with the requester and the result.
   */
  merge(number: number, by: Requester, seen?: string | null): Promise<MergeResult>;
}
