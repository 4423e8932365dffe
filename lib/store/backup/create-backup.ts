/**
 * Makes a backup, whether or not a dashboard is running: one snapshot through a separate connection, so that writers
 * neither wait nor make the copy start again. The backup counts only once it was opened and checked.
 */
import { accessSync, constants, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Database } from '@/lib/store/sqlite/driver';
import { asDatabaseError } from '@/lib/store/sqlite/store-errors';
import { examineDatabase, type Examination } from '@/lib/store/sqlite/examine';
import { inspectFile } from '@/lib/store/sqlite/inspect';
import { createPrivateFile } from '@/lib/store/sqlite/folder-lock';
import { findMigrationsFolder, readMigrations } from '@/lib/store/sqlite/migrate';
import { BACKUP_TABLES, putContents, readSecrets } from './backup-contents';
import { freeBytes, PRIVATE_FOLDER, publishFile, sha256OfFile, unfinishedPath, writeWhole } from './backup-files';
import { backupWitnesses, type StoredBackup } from './backup-folder';
import { BACKUP_FORMAT, backupName, manifestName, type BackupManifest } from './backup-manifest';
import { BackupProblem } from './backup-problem';
import { openSealed, sealFile } from './backup-seal';

const BUSY_TIMEOUT_MS = 10_000;
const PAGES_PER_STEP = 10_000;
/** Left free on the disk for the dashboard, which keeps writing meanwhile. */
const SPARE_BYTES = 64 * 1_048_576;

export interface BackupOptions {
  dbPath: string;
  /** The folder with the installation's secrets. */
  secretsFolder: string;
  /** The folder for the backup; created when it is missing. */
  folder: string;
  /** A passphrase or an age identity; null leaves the backup unencrypted. */
  key: string | null;
  /** The version of this NixFleet. */
  version: string;
  now: () => number;
  /** Default: the folder `drizzle` of this installation. */
  migrationsFolder?: string;
  /** The name of the file. Default: that of a scheduled backup. */
  name?: (createdAt: number, encrypted: boolean) => string;
  /** The state that is backed up, for the manifest. */
  source?: string;
  /** Called with what a restore of this backup would refuse (`Examination`); never with nothing. */
  onForeign?: (found: readonly string[]) => void;
  /** Called after each step. */
  onStep?: (step: BackupStep) => void;
}

/** The completed steps of a backup, in order. `encrypted` exists only with a key. */
export type BackupStep = 'copied' | 'contents-added' | 'encrypted' | 'named' | 'whole';

/** Returns the finished backup. Throws an error with a sentence when it can't be made or its check fails; no file is left. */
export async function createBackup(options: BackupOptions): Promise<StoredBackup> {
  const { dbPath, folder, key, now, name = backupName, onStep = () => undefined } = options;
  const createdAt = now();
  const file = name(createdAt, key !== null);
  makeFolder(folder);
  requireRoom(dbPath, folder, key !== null);
  const path = join(folder, file);
  const copy = unfinishedPath(path.replace(/\.age$/, ''));
  const sealed = unfinishedPath(path);
  try {
    await copyDatabase(dbPath, copy);
    onStep('copied');
    const secrets = readSecrets(options.secretsFolder);
    addContents(copy, { createdAt, version: options.version }, secrets);
    onStep('contents-added');
    const examined = examineCopy(copy, options);
    if (examined.foreign.length > 0) options.onForeign?.(examined.foreign);
    const plainHash = await sha256OfFile(copy);
    if (key !== null) {
      await sealFile(copy, sealed, key);
      await requireSame(sealed, key, plainHash);
      onStep('encrypted');
    }
    const finished = key === null ? copy : sealed;
    const manifest: BackupManifest = {
      format: BACKUP_FORMAT,
      file,
      bytes: statSync(finished).size,
      sha256: key === null ? plainHash : await sha256OfFile(sealed),
      encrypted: key !== null,
      createdAt,
      checkedAt: now(),
      version: options.version,
      schema: examined.schema,
      rows: examined.rows,
      secrets: [...secrets.keys()],
      head: examined.audit.chains.main.head,
      peersHead: examined.audit.chains.peers.head,
      chainProblems: [...examined.audit.problems],
      ...(options.source === undefined ? {} : { source: options.source }),
    };
    publishFile(finished, path);
    onStep('named');
    writeWhole(manifestName(path), `${JSON.stringify(manifest, null, 2)}\n`);
    onStep('whole');
    return { ...manifest, path };
  } catch (error) {
    throw asProblem(error, copy);
  } finally {
    for (const left of [copy, `${copy}-journal`, sealed]) rmSync(left, { force: true });
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw asDatabaseError(error, folder);
  }
}

/** During encryption, the folder holds the copy twice. */
function requireRoom(dbPath: string, folder: string, encrypted: boolean): void {
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size(dbPath) === 0) {
    throw new BackupProblem(`There is no database ${dbPath}: set NIXFLEET_DB_PATH or NIXFLEET_DATA_DIR.`);
  }
  const needed = (size(dbPath) + size(`${dbPath}-wal`)) * (encrypted ? 2 : 1) + SPARE_BYTES;
  const free = freeBytes(folder);
  if (free >= needed) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1_048_576)} MiB`;
  throw new BackupProblem(
    `There is not enough room for a backup in ${folder}: it needs ${mb(needed)}, but ${mb(free)} are free. Free some space, keep ` +
      'fewer backups (NIXFLEET_BACKUP_KEEP), or set NIXFLEET_BACKUP_DIR to another disk.',
  );
}

async function copyDatabase(from: string, to: string): Promise<void> {
  createPrivateFile(to);
  // Opened for writing only so that SQLite removes its side files at the end; nothing is written.
  const source = new Database(from, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    source.pragma('query_only = ON');
    // A read transaction pins one snapshot: with a write-ahead log, writers continue beside it.
    source.exec('begin');
    source.prepare('select count(*) from sqlite_master').get();
    await source.backup(to, { progress: () => PAGES_PER_STEP });
    source.exec('rollback');
  } finally {
    source.close();
  }
}

function addContents(
  copy: string,
  about: { createdAt: number; version: string },
  secrets: ReadonlyMap<string, Buffer>,
): void {
  const client = new Database(copy, { fileMustExist: true });
  try {
    // One file without side files, which also opens on a read-only disk.
    client.pragma('journal_mode = DELETE');
    client.pragma('synchronous = FULL');
    putContents(client, about, secrets);
  } finally {
    client.close();
  }
}

function examineCopy(copy: string, { dbPath, folder, migrationsFolder }: BackupOptions): Examination {
  const known = readMigrations(migrationsFolder ?? findMigrationsFolder());
  const content = inspectFile(copy, known);
  if (content.kind !== 'nixfleet') {
    throw new BackupProblem(
      `${dbPath} is not a database that this NixFleet can restore (${content.kind}): it was not backed up. ` +
        'Back it up with the version that wrote it.',
    );
  }
  const client = new Database(copy, { readonly: true, fileMustExist: true });
  try {
    const examined = examineDatabase(client, { known, alsoAllowed: BACKUP_TABLES, witnesses: backupWitnesses(folder) });
    if (examined.problems.length > 0) {
      throw new BackupProblem(
        `The copy of ${dbPath} is not sound, so it does not count as a backup. ${examined.problems.join(' ')} ` +
          'Restore the newest good backup, or ask for help with a copy of the file.',
      );
    }
    return examined;
  } finally {
    client.close();
  }
}

/** Throws unless the encrypted file decrypts to the same content. */
async function requireSame(sealed: string, key: string, plainHash: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(await openSealed(sealed, key), hash);
  if (hash.digest('hex') !== plainHash) throw new BackupProblem('The encrypted backup can’t be decrypted: try again.');
}

/** Turns errors of SQLite and of the file system into sentences; returns others unchanged. */
function asProblem(error: unknown, path: string): unknown {
  return error instanceof Error && 'code' in error && error.code !== undefined ? asDatabaseError(error, path) : error;
}
