/** Brings a database to the newest schema. Migrations are files of `drizzle/`, made by drizzle-kit. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import type Database from 'better-sqlite3';
import type { Log } from '@/lib/log';
import { asDatabaseError, DatabaseError } from './store-errors';

/** `user_version` while migrated rows still have to be checked; it survives a crash between the two. */
const CHECK_DUE = 1;
const CHECKED = 0;
const MAX_NAMED_ROWS = 5;
/** What the tables of a new database and their log take, roughly. */
const MIGRATION_BYTES = 1_000_000;

export interface AppliedMigration {
  hash: string;
  createdAt: number;
}

/** The `drizzle` folder of this installation, found upwards from this file: from the source and from the bundle alike. */
export function findMigrationsFolder(from: string = import.meta.url): string {
  const start = dirname(fileURLToPath(from));
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'drizzle');
    if (existsSync(join(candidate, 'meta', '_journal.json'))) return candidate;
    if (folder === dirname(folder)) {
      throw new DatabaseError('migration', `No folder "drizzle" with migrations beside or above ${start}.`);
    }
  }
}

/** The migrations of a folder, oldest first. */
export function readMigrations(folder: string): MigrationMeta[] {
  try {
    return readMigrationFiles({ migrationsFolder: folder });
  } catch (error) {
    throw new DatabaseError('migration', `The migrations in ${folder} can't be read: ${messageOf(error)}.`, error);
  }
}

/** The migrations that a database has, oldest first. Its table of migrations must exist. */
export function readApplied(client: Database.Database): AppliedMigration[] {
  return client
    .prepare<[], AppliedMigration>(
      'select hash, cast(created_at as integer) as createdAt from __drizzle_migrations order by created_at',
    )
    .all();
}

/** Applies what is missing, all of it or nothing, and checks that no row lost what it refers to. */
export function migrateDatabase(
  db: BetterSQLite3Database<Record<string, unknown>> & { $client: Database.Database },
  folder: string,
  log: Log,
): void {
  const client = db.$client;
  const known = readMigrations(folder);
  const newest = known.at(-1);
  const hasTable =
    client.prepare("select 1 from sqlite_master where name = '__drizzle_migrations'").get() !== undefined;
  const before = hasTable ? readApplied(client) : [];
  const pending = known.filter(({ folderMillis }) => folderMillis > (before.at(-1)?.createdAt ?? -1));

  if (newest && pending.length > 0) {
    // Inside of migrate()'s transaction this pragma does nothing, and rebuilding a table would delete its children.
    client.pragma('foreign_keys = OFF');
    client.pragma(`user_version = ${CHECK_DUE}`);
    try {
      migrate(db, { migrationsFolder: folder });
    } catch (error) {
      const { kind, message } = asDatabaseError(maskedError(client, error), client.name);
      throw new DatabaseError(
        kind === 'disk-full' || kind === 'read-only' ? kind : 'migration',
        `The database could not be migrated, and is as it was: ${message}`,
        error,
      );
    }
    log.info({ migrations: pending.length, total: known.length }, 'database migrated');
  }

  if (readApplied(client).length !== known.length) {
    // drizzle compares times only: a file that is older than the newest applied one is passed over without a word.
    throw new DatabaseError(
      'migration',
      `The database ${client.name} has ${readApplied(client).length} of this NixFleet's ${known.length} migrations: one came ` +
        'in with an older time than one that was applied before. Restore a backup, or use the build that wrote it.',
    );
  }
  if (client.pragma('user_version', { simple: true }) === CHECK_DUE) {
    requireForeignKeys(client);
    client.pragma(`user_version = ${CHECKED}`);
  }
  client.pragma('foreign_keys = ON');
}

/**
 * A full disk ends the transaction by itself; drizzle's own rollback then fails, and that is what it throws. A file of
 * about the size of a migration, written and removed, says whether that is the matter.
 */
function maskedError(client: Database.Database, error: unknown): unknown {
  if (!asDatabaseError(error, client.name).message.includes('no transaction is active')) return error;
  const probe = `${client.name}.room`;
  try {
    writeFileSync(probe, Buffer.alloc(MIGRATION_BYTES), { mode: 0o600 });
    return error;
  } catch (refusal) {
    return refusal;
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Throws when a row refers to one that is not there; the error names the first of them. */
function requireForeignKeys(client: Database.Database): void {
  const named: string[] = [];
  let count = 0;
  const violations = client.prepare<[], { table: string; rowid: number | null; parent: string }>(
    'select "table", rowid, parent from pragma_foreign_key_check',
  );
  for (const { table, rowid, parent } of violations.iterate()) {
    count += 1;
    if (named.length < MAX_NAMED_ROWS) named.push(`${table} row ${rowid ?? '?'} (no such row in ${parent})`);
  }
  if (count === 0) return;
  throw new DatabaseError(
    'migration',
    `After migrating ${client.name}, ${count} ${count === 1 ? 'row refers' : 'rows refer'} to something that is not there: ` +
      `${named.join(', ')}${count > named.length ? ', …' : ''}. Restore the backup from before the update.`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
