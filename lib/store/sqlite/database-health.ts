/** Whether the database takes writes now. */
import { asDatabaseError } from './store-errors';
import type { Db } from './open-database';

const PROBE_KEY = 'health.probe';
/** More than one page, so that a file which may not grow is noticed although small changes would still fit. */
const PROBE_BYTES = 16_384;

export type Writability = { kind: 'writable' } | { kind: 'refused'; reason: string };

/** Writes and removes a row in one durable transaction: what a reader sees does not change. Never throws. */
export function checkWritable(db: Db): Writability {
  const client = db.$client;
  try {
    client
      .transaction(() => {
        client
          .prepare('insert or replace into settings (key, value, updated_at) values (?, hex(zeroblob(?)), 0)')
          .run(PROBE_KEY, PROBE_BYTES / 2);
        client.prepare('delete from settings where key = ?').run(PROBE_KEY);
      })
      .immediate();
    return { kind: 'writable' };
  } catch (error) {
    return { kind: 'refused', reason: asDatabaseError(error, client.name).message };
  }
}
