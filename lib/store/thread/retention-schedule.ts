/** Runs retention a minute after the start and then every hour, one short step of the store at a time. */
import type { Clock } from '@/lib/fleet/records/environment';
import type { EventChain } from '@/lib/fleet/events/event-kind';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Log } from '@/lib/log';
import { DEFAULT_RETENTION, type RetentionLimits } from '../sqlite/retention';
import type { MaintenanceStore } from './maintenance-store';

const STEP_PAUSE_MS = 50;
const FIRST_RUN_AFTER_MS = 60_000;
const RUN_EVERY_MS = 3_600_000;

export interface RetentionOptions {
  log: Log;
  /** Stores an event and shows it. Events are only deleted when it has stored the one that anchors the rest. */
  record: (event: NewEvent) => unknown;
  clock: Clock;
  limits?: Partial<RetentionLimits>;
}

/** Starts it; the returned function stops it. */
export function scheduleRetention(
  store: MaintenanceStore,
  { log, record, clock, limits: given }: RetentionOptions,
): () => void {
  const limits = { ...DEFAULT_RETENTION, ...given };
  const notedHeads = new Map<EventChain, number>();
  let stopped = false;
  let cancelTimer: () => void = () => undefined;
  const runAfter = (ms: number): void => {
    if (!stopped) cancelTimer = clock.after(ms, () => void run());
  };
  /** Never resolves once it is stopped. */
  const pause = () =>
    new Promise<void>((resolve) => {
      if (!stopped) cancelTimer = clock.after(STEP_PAUSE_MS, resolve);
    });

  async function run(): Promise<void> {
    try {
      const deleted = await deleteOldRows();
      if (Object.keys(deleted).length > 0) log.info({ deleted }, 'old rows deleted');
      await noteHeads();
    } catch (error) {
      // Keeping rows longer does no harm: the next run continues where this one stopped.
      const problem = error instanceof Error ? error.message : String(error);
      if (!stopped) log.warn({ problem }, 'old rows could not be deleted');
    }
    runAfter(RUN_EVERY_MS);
  }

  /** Returns the number of deleted rows by table. */
  async function deleteOldRows(): Promise<Record<string, number>> {
    const deleted: Record<string, number> = {};
    const now = clock.now();
    let hasRecorded = false;
    await store.beginRetention(limits, now);
    for (;;) {
      const answer = await store.retentionStep();
      if (answer.kind === 'deleted') {
        const { table, rows } = answer.step;
        deleted[table] = (deleted[table] ?? 0) + rows;
        await pause();
      } else if (answer.kind === 'record' && !hasRecorded) {
        hasRecorded = true;
        for (const event of answer.events) await record(event);
        await store.beginRetention(limits, now);
      } else {
        // Asked for twice, an event could not be stored: the next run tries again.
        return deleted;
      }
    }
  }

  /** A log that is stored elsewhere can then prove that no newest events were removed. */
  async function noteHeads(): Promise<void> {
    for (const { chain, id, hash } of await store.newestEvents()) {
      if (notedHeads.get(chain) === id) continue;
      notedHeads.set(chain, id);
      log.info({ head: `${chain}:${id}:${hash}` }, 'newest event (for: nixfleet audit verify --head)');
    }
  }

  runAfter(FIRST_RUN_AFTER_MS);
  return () => {
    stopped = true;
    cancelTimer();
  };
}
