/**
 * Replaces the database with a backup: checked first, all or nothing, and never while a dashboard is running. One rename
 * decides: before it nothing has changed; after it the next start completes what is left.
 */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '@/lib/log';
import { DATABASE_RESTORED } from '@/lib/store/sqlite/audit';
import { Database } from '@/lib/store/sqlite/driver';
import { asDatabaseError } from '@/lib/store/sqlite/store-errors';
import { prepareEventLog } from '@/lib/store/sqlite/event-log';
import { examineDatabase, type Examination } from '@/lib/store/sqlite/examine';
import { inspectFile } from '@/lib/store/sqlite/inspect';
import { takeLock } from '@/lib/store/sqlite/folder-lock';
import { findMigrationsFolder, readMigrations } from '@/lib/store/sqlite/migrate';
import { NOBODY } from '@/lib/fleet/events';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { BACKUP_TABLES, finishRestore, readAbout, replacedPath, requireKnownContents } from './backup-contents';
import { PRIVATE_FILE, PRIVATE_FOLDER, publishFile, sha256OfFile, unfinishedPath } from './backup-files';
import { readBackup } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { openSealedFile } from './backup-seal';

export interface RestoreOptions {
  /** The backup, or a plain copy of a NixFleet database. */
  file: string;
  dbPath: string;
  secretsFolder: string;
  key: string | null;
  now: () => number;
  log: Log;
  migrationsFolder?: string;
}

export interface Restored {
  examined: Examination;
  /** Path of the replaced database; null when there was none. */
  replaced: string | null;
  /** Names of the restored secrets. */
  secrets: readonly string[];
  /** When the backup was made, epoch milliseconds; null when the file does not say. */
  takenAt: number | null;
}

/** Throws an error with a sentence when it fails; the installation is then unchanged. */
export async function restoreBackup(named: RestoreOptions): Promise<Restored> {
  try {
    mkdirSync(dirname(named.dbPath), { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    throw asDatabaseError(error, dirname(named.dbPath));
  }
  // The dashboard locks the real path: another name of the file would not meet its lock.
  const options = existsSync(named.dbPath) ? { ...named, dbPath: realpathSync(named.dbPath) } : named;
  const { dbPath, now, log } = options;
  const lock = takeLock(dbPath, log);
  const staged = unfinishedPath(dbPath);
  try {
    await stage(options, staged);
    const restoredAt = now();
    const { examined, takenAt } = prepareStaged(staged, options, restoredAt);
    const replaced = keepReplaced(dbPath, restoredAt);
    // SQLite must never apply the old write-ahead log to the new file. Its content is kept with the replaced database.
    for (const side of ['-wal', '-shm']) rmSync(`${dbPath}${side}`, { force: true });
    publishFile(staged, dbPath);
    const secrets = restoreSecrets(dbPath, options.secretsFolder, restoredAt);
    return { examined, replaced, secrets, takenAt };
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code !== undefined
      ? asDatabaseError(error, staged)
      : error;
  } finally {
    for (const left of [staged, `${staged}-journal`]) rmSync(left, { force: true });
    lock.release();
  }
}

/** Copies the backup beside the database, decrypted, after comparing it with its manifest. */
async function stage({ file, key }: RestoreOptions, staged: string): Promise<void> {
  if (!existsSync(file)) throw new BackupProblem(`There is no file ${file}.`);
  await requireManifestHash(file);
  if (!file.endsWith('.age')) {
    requireNoLog(file);
    copyFileSync(file, staged);
    // The copy has the permissions of the backup, which may be readable by others or read-only.
    chmodSync(staged, PRIVATE_FILE);
    return;
  }
  if (key === null) {
    throw new BackupProblem(`${file} is encrypted: set NIXFLEET_BACKUP_KEY to the key it was encrypted with.`);
  }
  await openSealedFile(file, staged, key);
}

/** A backup is one file; a copy from a running dashboard has its newest rows in the log beside it. */
function requireNoLog(file: string): void {
  for (const log of [`${file}-wal`, `${file}-journal`]) {
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) continue;
    throw new BackupProblem(
      `${log} holds changes that are not in ${file}: it was not restored. Write them into the file first ` +
        `(sqlite3 ${file} 'pragma wal_checkpoint(truncate)'), or restore a backup.`,
    );
  }
}

/** Throws when the manifest beside the file names another SHA-256. */
export async function requireManifestHash(file: string): Promise<void> {
  const manifest = readBackup(file);
  if (manifest !== null && (await sha256OfFile(file)) !== manifest.sha256) {
    throw new BackupProblem(
      `${file} has changed since it was made: its SHA-256 differs from the manifest. Use an older backup.`,
    );
  }
}

function prepareStaged(
  staged: string,
  { file, migrationsFolder }: RestoreOptions,
  restoredAt: number,
): { examined: Examination; takenAt: number | null } {
  const known = readMigrations(migrationsFolder ?? findMigrationsFolder());
  const content = inspectFile(staged, known);
  if (content.kind === 'newer') {
    throw new BackupProblem(`${file} was made by a newer NixFleet: restore it with that version.`);
  }
  if (content.kind !== 'nixfleet') {
    throw new BackupProblem(`${file} is not a backup of a NixFleet database (${content.kind}): it was not restored.`);
  }
  const client = new Database(staged, { fileMustExist: true });
  try {
    client.pragma('journal_mode = DELETE');
    client.pragma('synchronous = FULL');
    const examined = examineDatabase(client, { known, alsoAllowed: BACKUP_TABLES });
    if (examined.problems.length > 0) {
      throw new BackupProblem(`${file} is damaged: it was not restored. ${examined.problems.join(' ')}`);
    }
    if (examined.foreign.length > 0) {
      throw new BackupProblem(
        `${file} is not as NixFleet makes it: it was not restored. ${examined.foreign.join(' ')}`,
      );
    }
    requireKnownContents(client);
    const takenAt = readAbout(client)?.createdAt ?? null;
    const append = prepareEventLog(client, () => undefined);
    client.transaction(() => append([restoredEvent(takenAt, restoredAt)]))();
    return { examined, takenAt };
  } finally {
    client.close();
  }
}

function restoredEvent(takenAt: number | null, restoredAt: number): NewEvent {
  return {
    ...NOBODY,
    at: restoredAt,
    actorKind: 'operator',
    actor: 'nixfleet restore',
    action: DATABASE_RESTORED,
    params: { takenAt: takenAt ?? 0, restoredAt },
  };
}

/**
 * Keeps the present database under another name. The write-ahead log of a healthy database is written into its file
 * first; that of a damaged one is kept beside it.
 */
function keepReplaced(dbPath: string, now: number): string | null {
  if (!existsSync(dbPath)) return null;
  const replaced = replacedPath(dbPath, now);
  if (!checkpoint(dbPath) && existsSync(`${dbPath}-wal`)) copyFileSync(`${dbPath}-wal`, `${replaced}-wal`);
  try {
    linkSync(dbPath, replaced);
  } catch {
    // The file system has no hard links.
    copyFileSync(dbPath, replaced);
  }
  return replaced;
}

function checkpoint(dbPath: string): boolean {
  try {
    const client = new Database(dbPath, { fileMustExist: true });
    try {
      client.pragma('wal_checkpoint(TRUNCATE)');
      return true;
    } finally {
      client.close();
    }
  } catch {
    return false;
  }
}

function restoreSecrets(dbPath: string, secretsFolder: string, now: number): string[] {
  const client = new Database(dbPath, { fileMustExist: true });
  try {
    return finishRestore(client, secretsFolder, now);
  } finally {
    client.close();
  }
}
