/** Wraps a store to measure the duration of its transactions and the commands that end in them. */
import { performance } from 'node:perf_hooks';
import type { FleetStore } from '@/lib/fleet/records/store-port';

export interface StoreMeter {
  committed: (seconds: number) => void;
  refused: () => void;
  /** The end of a command was stored. */
  ended: (outcome: string) => void;
}

export function meterStore(store: FleetStore, meter: StoreMeter): FleetStore {
  return {
    ...store,
    async commit(writes) {
      const begunAt = performance.now();
      try {
        const stored = await store.commit(writes);
        meter.committed((performance.now() - begunAt) / 1_000);
        for (const { action, params } of writes.events ?? []) {
          if (action === 'command.ended') meter.ended(params.outcome);
        }
        return stored;
      } catch (error) {
        meter.refused();
        throw error;
      }
    },
  };
}
