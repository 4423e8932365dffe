/** The connections of the store's threads to a file that the main thread has locked and migrated. */
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { Database } from '../sqlite/driver';
import type { Db } from '../sqlite/open-database';
import * as schema from '../sqlite/schema';
import type { ThreadRole } from './thread-messages';

/** As in `open-database.ts`. */
const BUSY_TIMEOUT_MS = 5_000;
/** The main thread holds the lock until the threads have closed the file. */
const LOCK_OF_MAIN_THREAD = { release: () => undefined };

/** Opens the file; a test compares the settings with those of `openDatabase`. */
export function openThreadConnection(file: string, role: ThreadRole): Db {
  const readonly = role === 'reader';
  const client = new Database(file, { readonly, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    if (!readonly) client.pragma('journal_mode = WAL');
    client.pragma('synchronous = FULL');
    client.pragma('foreign_keys = ON');
    client.pragma('trusted_schema = OFF');
    return Object.assign(drizzle(client, { schema }), { $client: client, $lock: LOCK_OF_MAIN_THREAD });
  } catch (error) {
    client.close();
    throw error;
  }
}
