/**
 * Puts a backup in the place of the database: checked first, all or nothing, and never beside a running dashboard. One
 * rename is the moment that decides; before it nothing has changed, after it the rest is done by whoever starts next.
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
import { asidePath, finishRestore, readAbout } from './backup-contents';
import { PRIVATE_FILE, PRIVATE_FOLDER, publishFile, sha256OfFile, unfinishedPath } from './backup-files';
import { readBackup } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { openSealedFile } from './backup-seal';

export interface RestoreOptions {
  /** The backup. A plain copy of a database of ours is taken too. */
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
  /** Where the database is that was there before; null when there was none. */
  aside: string | null;
  /** Secrets that came back with it. */
  secrets: readonly string[];
  /** When the backup was made; null when the file does not say. */
  takenAt: number | null;
}

/** Throws a sentence when it can't be done; then the installation is as it was. */
export async function restoreBackup(named: RestoreOptions): Promise<Restored> {
  try {
    mkdirSync(dirname(named.dbPath), { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    throw asDatabaseError(error, dirname(named.dbPath));
  }
  // The dashboard locks the real file: by another name it would not be seen here.
  const options = existsSync(named.dbPath) ? { ...named, dbPath: realpathSync(named.dbPath) } : named;
  const { dbPath, now, log } = options;
  const lock = takeLock(dbPath, log);
  const staged = unfinishedPath(dbPath);
  try {
    await stage(options, staged);
    const restoredAt = now();
    const { examined, takenAt } = prepareStaged(staged, options, restoredAt);
    const aside = keepAside(dbPath, restoredAt);
    // The old write-ahead log must never meet the new file: its content is in the old file, or aside with it.
    for (const side of ['-wal', '-shm']) rmSync(`${dbPath}${side}`, { force: true });
    publishFile(staged, dbPath);
    const secrets = putSecretsBack(dbPath, options.secretsFolder, restoredAt);
    return { examined, aside, secrets, takenAt };
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code !== undefined
      ? asDatabaseError(error, staged)
      : error;
  } finally {
    for (const left of [staged, `${staged}-journal`]) rmSync(left, { force: true });
    lock.release();
  }
}

/** A copy beside the database, decrypted, and the same as its manifest says. */
async function stage({ file, key }: RestoreOptions, staged: string): Promise<void> {
  if (!existsSync(file)) throw new BackupProblem(`There is no file ${file}.`);
  await requireAsNoted(file);
  if (!file.endsWith('.age')) {
    requireNoLog(file);
    copyFileSync(file, staged);
    // It comes with the permissions of the backup, which others may read, or nobody may write.
    chmodSync(staged, PRIVATE_FILE);
    return;
  }
  if (key === null) {
    throw new BackupProblem(`${file} is encrypted: set NIXFLEET_BACKUP_KEY to the key that it was made with.`);
  }
  await openSealedFile(file, staged, key);
}

/** A backup stands for itself; what was copied from a running dashboard has its newest rows in the log beside it. */
function requireNoLog(file: string): void {
  for (const log of [`${file}-wal`, `${file}-journal`]) {
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) continue;
    throw new BackupProblem(
      `Beside ${file} lies ${log} with changes that are not in it: it was not restored. Fold them in first ` +
        `(sqlite3 ${file} 'pragma wal_checkpoint(truncate)'), or restore a backup.`,
    );
  }
}

/** Throws when a manifest stands beside the file and says another content. */
export async function requireAsNoted(file: string): Promise<void> {
  const noted = readBackup(file);
  if (noted !== null && (await sha256OfFile(file)) !== noted.sha256) {
    throw new BackupProblem(
      `${file} is not the backup that was made: its SHA-256 is another one. Take an older backup.`,
    );
  }
}

function prepareStaged(
  staged: string,
  { file, migrationsFolder }: RestoreOptions,
  restoredAt: number,
): { examined: Examination; takenAt: number | null } {
  const content = inspectFile(staged, readMigrations(migrationsFolder ?? findMigrationsFolder()));
  if (content.kind === 'newer') {
    throw new BackupProblem(`${file} was made by a newer NixFleet than this one: restore it with that version.`);
  }
  if (content.kind !== 'ours') {
    throw new BackupProblem(`${file} is no backup of a NixFleet database (${content.kind}): it was not restored.`);
  }
  const client = new Database(staged, { fileMustExist: true });
  try {
    client.pragma('journal_mode = DELETE');
    client.pragma('synchronous = FULL');
    const examined = examineDatabase(client);
    if (examined.problems.length > 0) {
      throw new BackupProblem(`${file} is damaged: it was not restored. ${examined.problems.join(' ')}`);
    }
    const takenAt = readAbout(client)?.createdAt ?? null;
    const append = prepareEventLog(client, () => undefined);
    client.transaction(() => append([restoredEvent(takenAt, restoredAt)]))();
    return { examined, takenAt };
  } finally {
    client.close();
  }
}

function restoredEvent(takenAt: number | null, restoredAt: number) {
  const of =
    takenAt === null ? 'a copy that does not say its time' : `the backup of ${new Date(takenAt).toISOString()}`;
  return {
    ...NOBODY,
    at: restoredAt,
    category: 'system',
    level: 'warning',
    action: DATABASE_RESTORED,
    actorKind: 'operator',
    actor: 'nixfleet restore',
    message: `The database was restored from ${of}: what happened later is not in it.`,
    data: { takenAt: takenAt ?? 0, restoredAt },
  } as const;
}

/**
 * Keeps the present database under another name. A healthy one is folded into its file first; of one that can't be, the
 * write-ahead log is kept beside it.
 */
function keepAside(dbPath: string, now: number): string | null {
  if (!existsSync(dbPath)) return null;
  const aside = asidePath(dbPath, now);
  if (!fold(dbPath) && existsSync(`${dbPath}-wal`)) copyFileSync(`${dbPath}-wal`, `${aside}-wal`);
  try {
    linkSync(dbPath, aside);
  } catch {
    // A file system without hard links.
    copyFileSync(dbPath, aside);
  }
  return aside;
}

function fold(dbPath: string): boolean {
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

function putSecretsBack(dbPath: string, secretsFolder: string, now: number): string[] {
  const client = new Database(dbPath, { fileMustExist: true });
  try {
    return finishRestore(client, secretsFolder, now);
  } finally {
    client.close();
  }
}
