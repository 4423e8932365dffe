/** What the running dashboard needs of its database besides records: health, retention, the head of the events. */
import { EVENT_CHAINS, type EventChain } from '@/lib/fleet/events/event-kind';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { checkWritable, type Writability } from '../sqlite/database-health';
import type { ChainLink } from '../sqlite/event-chain';
import { prepareNewestLink } from '../sqlite/event-log';
import type { Direct } from '../sqlite/later';
import { readApplied, type AppliedMigration } from '../sqlite/migrate';
import type { Db } from '../sqlite/open-database';
import { retentionSteps, type RetentionLimits, type RetentionStep } from '../sqlite/retention';
import { asDatabaseError } from '../sqlite/store-errors';

const MAX_LOOKED_AT = 10_000;

export type RetentionAnswer =
  | { kind: 'deleted'; step: RetentionStep }
  /** The pass is over, and events are only deleted in a new pass, after these events were stored. */
  | { kind: 'record'; events: readonly NewEvent[] }
  | { kind: 'finished' };

export interface NewestEvent extends ChainLink {
  chain: EventChain;
}

export interface MaintenanceStore {
  /** Tries a durable write. */
  checkWritable(): Promise<Writability>;
  /** The migrations that the database has, oldest first. */
  appliedMigrations(): Promise<AppliedMigration[]>;
  /** The newest link of each chain of events that has events. */
  newestEvents(): Promise<NewestEvent[]>;
  /** When the newest event before `at` happened, of the last ten thousand; null without one. Epoch milliseconds. */
  newestEventBefore(at: number): Promise<number | null>;
  /** Begins a pass of retention at the time `now`; a pass that has not finished is dropped. */
  beginRetention(limits: RetentionLimits, now: number): Promise<void>;
  /** One short transaction of the pass. A pass ends when a step rejects. */
  retentionStep(): Promise<RetentionAnswer>;
}

interface RetentionPass {
  steps: Generator<RetentionStep, void>;
  /** The events that it needs before it can delete events. */
  wanted: NewEvent[];
}

/** Creates the store on an open database. Its methods throw a DatabaseError when the database refuses. */
export function createMaintenanceStore(db: Db): Direct<MaintenanceStore> {
  const client = db.$client;
  const newestLink = prepareNewestLink(client);
  const newestBefore = client
    .prepare<[number], number | null>(
      `select max(at) from (select at from events order by id desc limit ${MAX_LOOKED_AT}) where at < ?`,
    )
    .pluck();
  let pass: RetentionPass | null = null;

  function guarded<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw asDatabaseError(error, client.name);
    }
  }

  return {
    checkWritable: () => checkWritable(db),
    appliedMigrations: () => guarded(() => readApplied(client)),
    newestEvents: () =>
      guarded(() =>
        EVENT_CHAINS.flatMap((chain) => {
          const link = newestLink(chain);
          return link === null ? [] : [{ chain, ...link }];
        }),
      ),
    newestEventBefore: (at) => guarded(() => newestBefore.get(at) ?? null),
    beginRetention(limits, now) {
      // Anchors are not stored here but by the caller. Retention deletes no event whose anchor it does not find, and
      // ends; the next pass finds it and deletes.
      const next: RetentionPass = {
        steps: retentionSteps(db, limits, now, (event) => {
          next.wanted.push(event);
        }),
        wanted: [],
      };
      pass = next;
    },
    retentionStep() {
      const current = pass;
      if (current === null) return { kind: 'finished' };
      return guarded(() => {
        const { done, value } = current.steps.next();
        if (done !== true) return { kind: 'deleted', step: value };
        pass = null;
        return current.wanted.length === 0 ? { kind: 'finished' } : { kind: 'record', events: current.wanted };
      });
    },
  };
}
