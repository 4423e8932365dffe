/**
 * The backup that a start makes before it migrates the database, so that the operator can go back to the version from
 * before. Earlier versions restore it: it has the format of every backup.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Log } from '@/lib/log';
import { Database } from '@/lib/store/sqlite/driver';
import { inspectFile, withUntouched } from '@/lib/store/sqlite/inspect';
import { findMigrationsFolder, pendingMigrations, readMigrations } from '@/lib/store/sqlite/migrate';
import type { LockedDatabase } from '@/lib/store/sqlite/open-database';
import { readLastVersion } from '@/lib/store/sqlite/last-version';
import { asDatabaseError } from '@/lib/store/sqlite/store-errors';
import { finishRestore, readSecrets } from './backup-contents';
import { sha256OfFile, writeWhole } from './backup-files';
import type { StoredBackup } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { openSealed } from './backup-seal';
import { createBackup, type BackupStep } from './create-backup';
import { restoreCommand, stepsText, type Installation } from './going-back';
import {
  listUpdateBackups,
  newestUpdateBackup,
  removeUnfinishedUpdateBackups,
  rotateUpdateBackups,
  stepsName,
  updateBackupName,
} from './update-backup-folder';

const BUSY_TIMEOUT_MS = 10_000;
const HEADER_BYTES = 100;
/**
 * Fields of SQLite's header that change without a change of content, as [start, end): the journal mode, the change
 * counter, `user_version` (set before a migration), and the counter and version of the last writer
 * (https://www.sqlite.org/fileformat.html, 1.3).
 */
const VOLATILE_FIELDS = [
  [18, 20],
  [24, 28],
  [60, 64],
  [92, 100],
] as const;

export interface UpdateBackupOptions {
  secretsFolder: string;
  folder: string;
  /** A passphrase or an age identity; null leaves the backup unencrypted. */
  key: string | null;
  /** The version of this NixFleet. */
  version: string;
  installation: Installation;
  /** False migrates without a backup. */
  required: boolean;
  log: Log;
  now: () => number;
  /** Default: the folder `drizzle` of this installation. */
  migrationsFolder?: string;
  /** Called after each step. */
  onStep?: (step: BackupStep | 'steps-written') => void;
}

/**
 * Backs the locked database up if opening it will migrate it; call this before opening it. Returns the backup, or null
 * when there is nothing to migrate or the operator wants none. Keeps the lock. Throws a BackupProblem when the backup
 * can't be made; then the database is unchanged and the lock is released.
 */
export async function backUpBeforeUpdate(
  { file, lock }: LockedDatabase,
  options: UpdateBackupOptions,
): Promise<StoredBackup | null> {
  try {
    const known = readMigrations(options.migrationsFolder ?? findMigrationsFolder());
    const content = inspectFile(file, known, withUntouched);
    if (content.kind !== 'nixfleet' || pendingMigrations(known, content.applied).length === 0) return null;
    if (!options.required) {
      options.log.warn(
        'the database is migrated without a backup, because NIXFLEET_BACKUP_BEFORE_UPDATE is false: to go back, you need a backup that you made yourself',
      );
      return null;
    }
    return await makeOrReuse(file, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Why a database of a newer version can't be opened and how to go back, for an error; null without such a backup. */
export function wayBack(folder: string, newestKnown: number, installation: Installation): string | null {
  const found = newestUpdateBackup(folder, newestKnown);
  if (found === null) return null;
  return (
    `restore the backup that was made before the update (${found.path}). It holds nothing that was stored after ` +
    `${new Date(found.createdAt).toISOString()}. Stop the dashboard, then run: ${restoreCommand(installation, found.path)}`
  );
}

async function makeOrReuse(file: string, options: UpdateBackupOptions): Promise<StoredBackup> {
  const { folder, version, installation, log, onStep = () => undefined } = options;
  let from = version;
  try {
    from = prepare(file, options);
    removeUnfinishedUpdateBackups(folder);
    const source = await sourceOf(file, readSecrets(options.secretsFolder));
    const found = await findWhole(source, options);
    const backup = found ?? (await make(file, source, options));
    const { path, createdAt, encrypted } = backup;
    writeWhole(stepsName(path), stepsText({ path, createdAt, encrypted, from, to: version }));
    onStep('steps-written');
    for (const problem of backup.chainProblems)
      log.warn({ backup: path, problem }, 'the chain of events is not intact');
    rotateUpdateBackups(folder, path);
    log.info(
      { backup: path, reused: found !== null, goBackTo: from, command: restoreCommand(installation, path) },
      'backup made before the migration; to go back, install the version in "goBackTo", then run "command"',
    );
    return backup;
  } catch (error) {
    throw refusal(error, file, from, version);
  }
}

/**
 * Completes a restore that a crash interrupted, whose secrets are still in the database, and writes the write-ahead log
 * into the file. Returns the version that last used the database.
 */
function prepare(file: string, { secretsFolder, now }: UpdateBackupOptions): string {
  const client = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    finishRestore(client, secretsFolder, now());
    client.pragma('wal_checkpoint(TRUNCATE)');
    return readLastVersion(client);
  } finally {
    client.close();
  }
}

/**
 * SHA-256 of what a backup of the closed file would hold. It stays the same when a start fails, so that the next one
 * finds the backup of the first.
 */
async function sourceOf(file: string, secrets: ReadonlyMap<string, Buffer>): Promise<string> {
  const hash = createHash('sha256');
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header);
  } finally {
    closeSync(descriptor);
  }
  for (const [start, end] of VOLATILE_FIELDS) header.fill(0, start, end);
  hash.update(header);
  for (const [name, content] of secrets) hash.update(`${name} ${content.length} `).update(content);
  await pipeline(createReadStream(file, { start: HEADER_BYTES }), hash, { end: false });
  return hash.digest('hex');
}

/** An intact backup of the same state that this installation can open; null when there is none. */
async function findWhole(source: string, { folder, key }: UpdateBackupOptions): Promise<StoredBackup | null> {
  for (const backup of listUpdateBackups(folder)) {
    if (backup.source !== source || backup.encrypted !== (key !== null)) continue;
    if ((await sha256OfFile(backup.path)) === backup.sha256 && (await opensWith(backup.path, key))) return backup;
  }
  return null;
}

/** False when the file is encrypted with another key. */
async function opensWith(path: string, key: string | null): Promise<boolean> {
  if (key === null) return true;
  try {
    for await (const _first of await openSealed(path, key)) break;
    return true;
  } catch {
    return false;
  }
}

function make(
  file: string,
  source: string,
  { secretsFolder, folder, key, version, now, migrationsFolder, onStep }: UpdateBackupOptions,
): Promise<StoredBackup> {
  return createBackup({
    dbPath: file,
    secretsFolder,
    folder,
    key,
    version,
    now,
    migrationsFolder,
    onStep,
    name: (at, encrypted) => updateBackupName(version, at, encrypted),
    source,
  });
}

function refusal(error: unknown, file: string, from: string, version: string): BackupProblem {
  const known =
    error instanceof Error && 'kind' in error && error.kind === 'backup' ? error : asDatabaseError(error, file);
  const earlier = from === version ? '' : `, or start NixFleet ${from}`;
  return new BackupProblem(
    `NixFleet ${version} has to migrate the database ${file} and backs it up first, but the backup failed: ` +
      `${known.message} The database was not migrated. Solve the problem and start again${earlier}. To migrate without ` +
      'a backup, set NIXFLEET_BACKUP_BEFORE_UPDATE=false.',
    error,
  );
}
