/** Finds out what a file is before anything is written to it. A file that NixFleet did not write is left unchanged. */
import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import type { MigrationMeta } from 'drizzle-orm/migrator';
import type Sqlite from 'better-sqlite3';
import { Database } from './driver';
import { asDatabaseError } from './store-errors';
import { readApplied, type AppliedMigration } from './migrate';
import { openUntouched, type UntouchedDatabase } from './untouched';

const SQLITE_MAGIC = 'SQLite format 3\0';

export type FileContent =
  /** No file, an empty one, or a database without tables. */
  | { kind: 'empty' }
  /** Written by this version of NixFleet, or by an earlier one since 4.0.0. */
  | { kind: 'nixfleet'; applied: AppliedMigration[] }
  /** Has NixFleet's first migration, and one that this build does not know. */
  | { kind: 'newer'; newestApplied: number }
  /** The database of an older dashboard or of another program. */
  | { kind: 'foreign'; tables: string[] }
  | { kind: 'not-a-database' };

/** Reads a file through a connection that is closed afterwards. */
type Reader = <T>(path: string, read: (client: Sqlite.Database) => T) => T;

/** Says what the file at `path` is. Another process may be using it; this process must not have it open. */
export function inspectFile(path: string, known: readonly MigrationMeta[], reader: Reader = withReadOnly): FileContent {
  if (!existsSync(path)) return { kind: 'empty' };
  const head = readHead(path);
  if (head.length === 0) return { kind: 'empty' };
  if (head !== SQLITE_MAGIC) return { kind: 'not-a-database' };

  return reader(path, (client) => {
    const tables = client
      .prepare<[], { name: string }>(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
      )
      .all()
      .map(({ name }) => name);
    if (tables.length === 0) return { kind: 'empty' };
    if (!tables.includes('__drizzle_migrations')) return { kind: 'foreign', tables };

    const applied = readApplied(client);
    // drizzle creates its table before its transaction: alone and empty, it is what a crash at the first start leaves.
    if (applied.length === 0) return tables.length === 1 ? { kind: 'empty' } : { kind: 'foreign', tables };
    if (applied[0]?.createdAt !== known[0]?.folderMillis) return { kind: 'foreign', tables };

    const times = new Set(known.map(({ folderMillis }) => folderMillis));
    const unknown = applied.filter(({ createdAt }) => !times.has(createdAt));
    const newest = unknown.at(-1);
    return newest ? { kind: 'newer', newestApplied: newest.createdAt } : { kind: 'nixfleet', applied };
  });
}

function readHead(path: string): string {
  const buffer = Buffer.alloc(SQLITE_MAGIC.length);
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw asDatabaseError(error, path);
  }
}

/**
 * A read-only connection to a WAL database leaves `-shm` and an empty `-wal` behind. They would belong to the user of
 * this process and could lock out the dashboard that owns the file, so new ones are removed.
 */
export function withReadOnly<T>(path: string, read: (client: Sqlite.Database) => T): T {
  const side = [`${path}-wal`, `${path}-shm`].map((file) => ({ file, existed: existsSync(file) }));
  let client: Sqlite.Database | null = null;
  try {
    client = new Database(path, { readonly: true, fileMustExist: true });
    return read(client);
  } catch (error) {
    throw asDatabaseError(error, path);
  } finally {
    client?.close();
    const walIsNew = !side[0]?.existed;
    for (const { file, existed } of side) {
      if (!existed && existsSync(file) && (!walIsNew || file.endsWith('-shm') || statSync(file).size === 0)) {
        rmSync(file);
      }
    }
  }
}

/**
 * Reads a file that no process uses and changes nothing, not even its `-shm`, even if its rollback journal is hot. A full
 * disk has no room for that: then `-shm`, which holds no content, may be rewritten.
 */
export function withUntouched<T>(path: string, read: (client: Sqlite.Database) => T): T {
  let view: UntouchedDatabase;
  try {
    view = openUntouched(path);
  } catch (error) {
    if (asDatabaseError(error, path).kind === 'disk-full') return withReadOnly(path, read);
    throw error;
  }
  try {
    return read(view.client);
  } catch (error) {
    throw asDatabaseError(error, path);
  } finally {
    view.close();
  }
}
