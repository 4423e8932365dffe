/** What the running dashboard needs of its database besides records: health, retention, the head of the events. */
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { checkWritable, type Writability } from '../sqlite/database-health';
import type { ChainLink } from '../sqlite/event-chain';
import type { Direct } from '../sqlite/later';
import { readApplied, type AppliedMigration } from '../sqlite/migrate';
import type { Db } from '../sqlite/open-database';
import { retentionSteps, type RetentionLimits, type RetentionStep } from '../sqlite/retention';
import { asDatabaseError } from '../sqlite/store-errors';

export type RetentionAnswer =
  | { kind: 'deleted'; step: RetentionStep }
  /** The pass is over, and events are only deleted in a new pass, after this event was stored. */
  | { kind: 'record'; event: NewEvent }
  | { kind: 'finished' };

export interface MaintenanceStore {
  /** Tries a durable write. */
  checkWritable(): Promise<Writability>;
  /** The migrations that the database has, oldest first. */
  appliedMigrations(): Promise<AppliedMigration[]>;
  /** The newest link of the chain of events; null without events. */
  newestEvent(): Promise<ChainLink | null>;
  /** Begins a pass of retention at the time `now`; a pass that has not finished is dropped. */
  beginRetention(limits: RetentionLimits, now: number): Promise<void>;
  /** One short transaction of the pass. A pass ends when a step rejects. */
  retentionStep(): Promise<RetentionAnswer>;
}

interface RetentionPass {
  steps: Generator<RetentionStep, void>;
  /** The event that it needs before it can delete events. */
  wanted: NewEvent | null;
}

/** Creates the store on an open database. Its methods throw a DatabaseError when the database refuses. */
export function createMaintenanceStore(db: Db): Direct<MaintenanceStore> {
  const client = db.$client;
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
    newestEvent: () =>
      guarded(
        () => client.prepare<[], ChainLink>('select id, hash from events order by id desc limit 1').get() ?? null,
      ),
    beginRetention(limits, now) {
      // The anchor is not stored here but by the caller. Retention deletes no event whose anchor it does not find, and
      // ends; the next pass finds it and deletes.
      const next: RetentionPass = {
        steps: retentionSteps(db, limits, now, (event) => {
          next.wanted = event;
        }),
        wanted: null,
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
        return current.wanted === null ? { kind: 'finished' } : { kind: 'record', event: current.wanted };
      });
    },
  };
}
