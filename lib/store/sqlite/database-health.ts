/** Whether the database accepts writes now. */
import { asDatabaseError } from './store-errors';
import type { Db } from './open-database';

const PROBE_KEY = 'health.probe';
/** More than one page, so that the check fails when the file can't grow, even if small changes would still fit. */
const PROBE_BYTES = 16_384;

export type Writability = { kind: 'writable' } | { kind: 'refused'; reason: string };

/** Writes and removes a row in one durable transaction, so that readers see no change. Never throws. */
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
