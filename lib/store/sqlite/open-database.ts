/** Locks and opens the one database file, and closes it. */
import { accessSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { drizzle, type BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { Log } from '@/lib/log';
import type Sqlite from 'better-sqlite3';
import { Database } from './driver';
import { asDatabaseError, DatabaseError, errorCode, howToFix } from './store-errors';
import { inspectFile, withUntouched, type FileContent } from './inspect';
import { createPrivateFile, takeLock, type DatabaseLock } from './folder-lock';
import { BUSY_TIMEOUT_MS, setSafePragmas } from './connection-settings';
import { findMigrationsFolder, migrateDatabase, readMigrations } from './migrate';
import * as schema from './schema';

const MAX_NAMED_TABLES = 10;

/** An open connection. */
export type Connection = BetterSQLite3Database<typeof schema> & { readonly $client: Sqlite.Database };
/** The connection of the process that holds the lock. */
export type Db = Connection & { readonly $lock: DatabaseLock };

export interface OpenOptions {
  log: Log;
  /** Default: the folder `drizzle` of this installation. */
  migrationsFolder?: string;
  /**
   * Says how to go back from the database of a newer version, as the end of a sentence that begins with "Start that
   * version, or"; null when nothing is known. `newestKnown` is the time of the newest migration of this version.
   */
  wayBack?: (newestKnown: number) => string | null;
}

/** A database file that only this process may use, and that is not open yet. */
export interface LockedDatabase {
  /** Real path of the file, which may not exist yet. */
  readonly file: string;
  readonly lock: DatabaseLock;
}

/**
 * Locks and opens the database at `path`, without adopting that of an older dashboard. Throws a DatabaseError whose
 * sentence says what to do; then the file is unchanged.
 */
export function openDatabase(path: string, options: OpenOptions): Db {
  return openLockedDatabase(lockDatabase(path, options.log), options);
}

/**
 * Takes the lock of the database at `path` for this process, and creates its folder (0700) if needed. Throws a
 * DatabaseError.
 */
export function lockDatabase(path: string, log: Log): LockedDatabase {
  const file = prepareFolder(path);
  return { file, lock: takeLock(file, log) };
}

/**
 * Opens a locked database and migrates it to the newest schema; creates the file (0600) if needed. The lock is held
 * until the database is closed. Throws a DatabaseError; then the file is unchanged and the lock is released.
 */
export function openLockedDatabase({ file, lock }: LockedDatabase, options: OpenOptions): Db {
  const { log } = options;
  let client: Sqlite.Database | null = null;
  try {
    const folder = options.migrationsFolder ?? findMigrationsFolder();
    const known = readMigrations(folder);
    const back = () =>
      options.wayBack?.(known.at(-1)?.folderMillis ?? 0) ?? 'restore the backup from before the update.';
    requireOwnSchema(file, inspectFile(file, known, withUntouched), back);
    createPrivateFile(file);
    requireWritable(file);
    client = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    setPragmas(client);
    const db: Db = Object.assign(drizzle(client, { schema }), { $client: client, $lock: lock });
    migrateDatabase(db, folder, log);
    return db;
  } catch (error) {
    client?.close();
    lock.release();
    throw asDatabaseError(error, file);
  }
}

/** Writes the write-ahead log into the file, closes it and releases the lock. A second call does nothing. */
export function closeDatabase(db: Db): void {
  const client = db.$client;
  if (!client.open) return;
  try {
    client.pragma('optimize');
    client.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // On a full disk the log stays beside the file, and the next start reads it: nothing is lost.
    throw asDatabaseError(error, client.name);
  } finally {
    client.close();
    db.$lock.release();
  }
}

/** The real path of the file, so that two names of one file share one lock. */
function prepareFolder(path: string): string {
  const wanted = resolve(path);
  const folder = dirname(wanted);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new DatabaseError(
        'folder',
        `${folder} is not a folder. Set NIXFLEET_DB_PATH to a file in a folder.`,
        error,
      );
    }
    throw new DatabaseError('folder', `The folder ${folder} can't be created (${code}). ${howToFix(folder)}`, error);
  }
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DatabaseError('folder', `The folder ${folder} can't be written. ${howToFix(folder)}`, error);
  }
  if (!existsSync(wanted)) return join(realpathSync(folder), basename(wanted));
  if (statSync(wanted).isDirectory()) {
    throw new DatabaseError('folder', `${wanted} is a folder. Set NIXFLEET_DB_PATH to a file in it.`);
  }
  return realpathSync(wanted);
}

function requireOwnSchema(file: string, content: FileContent, back: () => string): void {
  const away = 'It was not changed. Move it away, or set NIXFLEET_DB_PATH to another file.';
  switch (content.kind) {
    case 'empty':
    case 'nixfleet':
      return;
    case 'newer':
      throw new DatabaseError(
        'newer',
        `${file} was written by a newer NixFleet (its schema is of ${new Date(content.newestApplied).toISOString()}). ` +
          `It was not changed. Start that version, or ${back()}`,
      );
    case 'foreign': {
      const { tables } = content;
      const named = tables.slice(0, MAX_NAMED_TABLES).join(', ') + (tables.length > MAX_NAMED_TABLES ? ', …' : '');
      throw new DatabaseError(
        'foreign',
        `${file} is a database, but NixFleet did not write it: it has ${tables.length} ` +
          `${tables.length === 1 ? 'table' : 'tables'} (${named}) and no list of NixFleet's migrations. ${away}`,
      );
    }
    case 'not-a-database':
      throw new DatabaseError('not-a-database', `${file} is not an SQLite database. ${away}`);
  }
}

/** SQLite would open such a file read-only without an error, and fail at the first write. */
function requireWritable(file: string): void {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new DatabaseError('read-only', `The database ${file} can't be written. ${howToFix(file)}`, error);
  }
}

function setPragmas(client: Sqlite.Database): void {
  const mode = client.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal') {
    throw new DatabaseError(
      'io',
      `${client.name} can't use a write-ahead log. Put it on a local disk: network file systems don't work.`,
    );
  }
  setSafePragmas(client);
}
