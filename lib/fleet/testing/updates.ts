/** Flake updates that a test sets. */
import type { FlakeUpdates, MergeResult } from '../records/flake-update-port';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';

export class GivenUpdates implements FlakeUpdates {
  state: FlakeUpdatesView = NO_FLAKE_UPDATES;
  private readonly listeners = new Set<() => void>();

  give(change: Partial<FlakeUpdatesView>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  merge(): Promise<MergeResult> {
    return Promise.resolve({ kind: 'merged', commit: '' });
  }
}
