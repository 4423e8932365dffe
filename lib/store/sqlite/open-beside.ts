/** Opens the database beside a running dashboard, for one short change by a command. */
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { Database } from './driver';
import { inspectFile } from './inspect';
import { findMigrationsFolder, readApplied, readMigrations } from './migrate';
import type { Connection } from './open-database';
import { BUSY_TIMEOUT_MS, setSafePragmas } from './connection-settings';
import * as schema from './schema';
import { asDatabaseError, DatabaseError } from './store-errors';

/**
 * Runs `change` in one transaction. The file must have the schema of this version: it is neither created nor migrated.
 * Throws a DatabaseError; then nothing has changed.
 */
export function changeBeside<T>(path: string, change: (db: Connection) => T): T {
  const known = readMigrations(findMigrationsFolder());
  if (inspectFile(path, known).kind !== 'nixfleet') throw otherDatabase(path);
  const client = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    if (readApplied(client).length !== known.length) throw otherDatabase(path);
    setSafePragmas(client);
    const db = Object.assign(drizzle(client, { schema }), { $client: client });
    return client.transaction(() => change(db)).immediate();
  } catch (error) {
    throw asDatabaseError(error, path);
  } finally {
    client.close();
  }
}

function otherDatabase(path: string): DatabaseError {
  return new DatabaseError(
    'foreign',
    `${path} does not hold a database of this version of NixFleet. Start the dashboard once, or run the command of the ` +
      'version that is running.',
  );
}
