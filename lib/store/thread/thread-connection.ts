/** The connections of the store's threads to a file that the main thread has locked and migrated. */
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { Database } from '../sqlite/driver';
import type { Db } from '../sqlite/open-database';
import { BUSY_TIMEOUT_MS, setSafePragmas } from '../sqlite/connection-settings';
import * as schema from '../sqlite/schema';
import type { ThreadRole } from './thread-messages';

/** The main thread holds the lock until the threads have closed the file. */
const LOCK_OF_MAIN_THREAD = { release: () => undefined };

/** Opens the file; a test compares the settings with those of `openDatabase`. */
export function openThreadConnection(file: string, role: ThreadRole): Db {
  const readonly = role === 'reader';
  const client = new Database(file, { readonly, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    if (!readonly) client.pragma('journal_mode = WAL');
    setSafePragmas(client);
    return Object.assign(drizzle(client, { schema }), { $client: client, $lock: LOCK_OF_MAIN_THREAD });
  } catch (error) {
    client.close();
    throw error;
  }
}
