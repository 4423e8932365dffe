/** Runs retention a minute after the start and then every hour, one short step of the store at a time. */
import type { Clock } from '@/lib/fleet/records/environment';
import type { EventChain } from '@/lib/fleet/events/event-kind';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Log } from '@/lib/log';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';
import { createRetentionClock } from './retention-clock';
import { DEFAULT_RETENTION, type RetentionLimits } from '../sqlite/retention';
import type { MaintenanceStore } from './maintenance-store';

const STEP_PAUSE_MS = 50;
const FIRST_RUN_AFTER_MS = 60_000;
const RUN_EVERY_MS = 3_600_000;
/** The last moment that a Date can hold (ECMA-262). */
const MAX_DATE_MS = 8.64e15;

export interface RetentionOptions {
  log: Log;
  /** Stores an event and shows it. Events are only deleted when it has stored the one that anchors the rest. */
  record: (event: NewEvent) => unknown;
  clock: Clock;
  /** Keeps what is known of the clock. */
  settings: Pick<SettingsStore, 'get' | 'set'>;
  /** Milliseconds from any start, which setting the clock does not change. */
  elapsed: () => number;
  /** Shows what hinders it, as a sentence; null when nothing does any more. */
  notify: (problem: string | null) => void;
  limits?: Partial<RetentionLimits>;
}

/** Also of a time that no date can have. */
const dayOf = (at: number): string =>
  Math.abs(at) <= MAX_DATE_MS ? new Date(at).toISOString().slice(0, 10) : String(at);

/** Starts it; the returned function stops it. */
export function scheduleRetention(
  store: MaintenanceStore,
  { log, record, clock, settings, elapsed, notify, limits: given }: RetentionOptions,
): () => void {
  const startedAt = clock.now();
  const timeOf = createRetentionClock({ settings, elapsed, newestBefore: () => store.newestEventBefore(startedAt) });
  let isDoubted = false;
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
    const now = await usableTime();
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

  /** The time by which rows are deleted: the clock's, unless that has leapt. */
  async function usableTime(): Promise<number> {
    const { at, leap } = await timeOf(clock.now());
    if (leap !== null && !isDoubted) {
      const [from, to] = [dayOf(leap.known), dayOf(leap.now)];
      log.warn({ from, to }, 'the clock leapt: no old rows are deleted until it has stayed there for a day');
      notify(
        `The clock of this machine is at ${to}, and the database was last used at ${from}: no old rows are deleted until the clock has stayed there for a day. If the clock is wrong, set it.`,
      );
    }
    if (leap === null && isDoubted) notify(null);
    isDoubted = leap !== null;
    return at;
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
