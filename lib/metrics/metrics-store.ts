/** A store that tells how long its transactions take and what ends in them. */
import { performance } from 'node:perf_hooks';
import type { FleetStore } from '@/lib/fleet/records/store-port';

export interface StoreMeter {
  committed: (seconds: number) => void;
  refused: () => void;
  /** A command ended and that is stored. */
  ended: (outcome: string) => void;
}

export function meterStore(store: FleetStore, meter: StoreMeter): FleetStore {
  return {
    ...store,
    commit(writes) {
      const begunAt = performance.now();
      try {
        const stored = store.commit(writes);
        meter.committed((performance.now() - begunAt) / 1_000);
        for (const { action, outcome } of writes.events ?? []) if (action === 'command.ended') meter.ended(outcome);
        return stored;
      } catch (error) {
        meter.refused();
        throw error;
      }
    },
  };
}
