/** Real, migrated databases for tests, each in a temporary folder. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, type Log } from '@/lib/log';
import { closeDatabase, openDatabase, type Db } from '../open-database';

export interface TestDatabase {
  db: Db;
  path: string;
  folder: string;
  log: Log;
  /** The lines logged so far, one JSON object each. */
  logged: string[];
  /** Closes the database and opens it again, as a restart would. */
  reopen(): Db;
  /** Closes it and removes the folder. */
  close(): void;
}

/** A folder that only this process uses. */
export function makeTestFolder(where: string = tmpdir()): { folder: string; remove: () => void } {
  const folder = realpathSync(mkdtempSync(join(where, 'nixfleet-db-')));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function makeTestLog(): { log: Log; logged: string[] } {
  const logged: string[] = [];
  return { logged, log: createLog('debug', { write: (line) => logged.push(line) }) };
}

/** A new database with the real migrations, in a new folder below `where`. Call `close()` when the test ends. */
export function openTestDatabase(where?: string): TestDatabase {
  const { folder, remove } = makeTestFolder(where);
  const { log, logged } = makeTestLog();
  const path = join(folder, 'nixfleet.db');
  let db = openDatabase(path, { log });
  return {
    get db() {
      return db;
    },
    path,
    folder,
    log,
    logged,
    reopen() {
      closeDatabase(db);
      db = openDatabase(path, { log });
      return db;
    },
    close() {
      closeDatabase(db);
      remove();
    },
  };
}
