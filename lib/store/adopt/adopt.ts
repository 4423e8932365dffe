/**
 * Adopts the database of an older dashboard. The old file is only read: it is copied to an untouched copy, the new
 * database is built from that copy in a separate file, checked, and renamed to the name of the old one. Until then a
 * crash changes nothing, and the next start begins again; once the new file is complete (`.adopted`), the next start
 * continues. The file must be open nowhere in this process.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type { Log } from '@/lib/log';
import { Database } from '../sqlite/driver';
import { asDatabaseError, DatabaseError, errorCode } from '../sqlite/store-errors';
import { createPrivateFile } from '../sqlite/folder-lock';
import { inspectFile, withUntouched } from '../sqlite/inspect';
import { findMigrationsFolder, migrateDatabase, readMigrations } from '../sqlite/migrate';
import type { LockedDatabase } from '../sqlite/open-database';
import * as schema from '../sqlite/schema';
import { viewFolderPrefix, openUntouched, SIDE_FILES } from '../sqlite/untouched';
import {
  backupPrefix,
  backUpOld,
  hashFiles,
  removeParts,
  sameContent,
  syncFile,
  syncFolder,
  type OldBackup,
} from './adopt-backup';
import { readAdoption, writeAdoption, type Adoption } from '../sqlite/adoption-record';
import { buildFromOld } from './build-adopted';
import { recognise, readTables, type OldDashboard } from './old-schema';
import type { AdoptionReport } from './adopt-report';

/** Suffix of the new database while it is built, and once it is complete. */
const ADOPTING = '.adopting';
const ADOPTED = '.adopted';

/** The completed steps of an adoption, in order. */
export type AdoptionStep =
  'backup-made' | 'backup-checked' | 'rows-written' | 'built' | 'whole' | 'logs-removed' | 'renamed';

export interface AdoptOptions {
  log: Log;
  /** Default: the folder `drizzle` of this installation. */
  migrationsFolder?: string;
  /** Called after each step. */
  onStep?: (step: AdoptionStep) => void;
}

interface Adopting extends AdoptOptions {
  file: string;
  migrationsFolder: string;
  now: number;
}

/**
 * Adopts the locked file if an older dashboard wrote it; call this before opening it. Returns the report, or null when
 * there is nothing to adopt, and keeps the lock. Throws a DatabaseError; then the old file is unchanged and the lock is
 * released.
 */
export function adoptOldDatabase({ file, lock }: LockedDatabase, options: AdoptOptions): AdoptionReport | null {
  try {
    const migrationsFolder = options.migrationsFolder ?? findMigrationsFolder();
    const known = readMigrations(migrationsFolder);
    const adopting = { ...options, file, migrationsFolder, now: Date.now() };
    finishAdoption(adopting);
    const isForeign = inspectFile(file, known, withUntouched).kind === 'foreign';
    return isForeign ? adoptFile(adopting) : null;
  } catch (error) {
    lock.release();
    throw asDatabaseError(error, file);
  }
}

/** Puts a new database in place that an earlier start completed, and removes other files that a crash left. */
function finishAdoption({ file, log, onStep = () => undefined }: Adopting): void {
  removeLeftovers(file);
  if (!existsSync(file + ADOPTED)) return;
  const adoption = adoptionOf(file + ADOPTED);
  if (isUnchanged(file, adoption.hashes)) {
    putInPlace(file, onStep);
    log.warn({ backup: adoption.backup }, 'the adoption of the old database was completed');
    return;
  }
  log.warn({ file: file + ADOPTED }, 'the old database has changed since it was adopted: adopting it again');
  rmSync(file + ADOPTED);
}

/** Null when no older dashboard wrote the file. */
function adoptFile(options: Adopting): AdoptionReport | null {
  const { file, log, now, onStep = () => undefined } = options;
  const kind = kindOf(file);
  if (!kind) return null;
  log.info({ from: kind }, 'an older dashboard wrote this database: adopting it');
  const backup = backUpOld(file, kind, now);
  onStep('backup-made');
  const report = build(options, backup);
  onStep('built');
  if (!sameContent(hashFiles(file), backup.hashes)) {
    removeDatabase(file + ADOPTING);
    throw new DatabaseError(
      'in-use',
      `${file} changed while it was being adopted: another program, perhaps the old dashboard, still writes to it. ` +
        'Stop that program and start again; the adoption changed nothing.',
    );
  }
  renameSync(file + ADOPTING, file + ADOPTED);
  syncFolder(dirname(file));
  onStep('whole');
  putInPlace(file, onStep);
  return report;
}

function kindOf(file: string): OldDashboard['kind'] | null {
  const old = openUntouched(file);
  try {
    return recognise(readTables(old.client))?.kind ?? null;
  } catch (error) {
    throw asDatabaseError(error, file);
  } finally {
    old.close();
  }
}

/** Builds the new database from the copy, which also proves that the copy can be opened and is not damaged. */
function build({ file, migrationsFolder, log, now, onStep = () => undefined }: Adopting, backup: OldBackup) {
  const old = openUntouched(backup.path);
  const path = file + ADOPTING;
  let client: InstanceType<typeof Database> | null = null;
  try {
    const problem = old.client.pragma('integrity_check(1)', { simple: true });
    if (problem !== 'ok') {
      throw new DatabaseError(
        'damaged',
        `${file} is damaged (${String(problem)}). It was not changed. Repair it with the sqlite3 program (.recover), or replace it with an older copy.`,
      );
    }
    const dashboard = recognise(readTables(old.client));
    if (!dashboard) throw new DatabaseError('adoption', `The copy ${backup.path} is not the database that was copied.`);
    onStep('backup-checked');
    createPrivateFile(path);
    client = new Database(path);
    // After a crash this file is deleted: it needs no durability before it is complete.
    client.pragma('journal_mode = MEMORY');
    client.pragma('synchronous = OFF');
    migrateDatabase(Object.assign(drizzle(client, { schema }), { $client: client }), migrationsFolder, log);
    const report = buildFromOld({
      old: { client: old.client, dashboard },
      client,
      backup: basename(backup.path),
      now,
      logFiles: countLogFiles(join(dirname(file), 'logs')),
      onBatch: () => onStep('rows-written'),
    });
    writeAdoption(client, { at: now, backup: basename(backup.path), hashes: backup.hashes });
    client.close();
    syncFile(path);
    return report;
  } catch (error) {
    client?.close();
    removeDatabase(path);
    throw asDatabaseError(error, path);
  } finally {
    old.close();
  }
}

/**
 * The old logs are removed first: SQLite would apply them to the new file. If the process dies in between, the next start
 * continues here, and the untouched copy holds everything.
 */
function putInPlace(file: string, onStep: (step: AdoptionStep) => void): void {
  try {
    for (const suffix of SIDE_FILES) rmSync(file + suffix, { force: true });
    syncFolder(dirname(file));
    onStep('logs-removed');
    renameSync(file + ADOPTED, file);
    syncFolder(dirname(file));
    onStep('renamed');
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw asDatabaseError(error, file);
    throw new DatabaseError(
      'folder',
      `${file} can't be replaced, because the file itself is mounted. Mount its folder instead, so that its log is in the same folder.`,
      error,
    );
  }
}

function isUnchanged(file: string, hashes: Record<string, string>): boolean {
  // Missing logs were removed when the new database was put in place.
  return (
    !existsSync(file) ||
    Object.entries(hashFiles(file)).every(([suffix, hash]) => suffix === '-shm' || hash === hashes[suffix])
  );
}

/** The adoption record of the complete new database. It was synced to the disk before it got its name. */
function adoptionOf(path: string): Adoption {
  const { client, close } = openUntouched(path);
  try {
    const adoption = readAdoption(client);
    if (adoption) return adoption;
    throw new Error('it has no adoption record');
  } catch (error) {
    throw new DatabaseError(
      'damaged',
      `${path}, an adopted database that is not in place yet, can't be read. Move it away: then the old database is adopted again.`,
      error,
    );
  } finally {
    close();
  }
}

function removeLeftovers(file: string): void {
  removeDatabase(file + ADOPTING);
  removeParts(file);
  const folder = dirname(file);
  const prefixes = [viewFolderPrefix(file), viewFolderPrefix(file + ADOPTED), `.${backupPrefix(file)}`];
  for (const name of readdirSync(folder)) {
    if (prefixes.some((prefix) => name.startsWith(prefix)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** The Go dashboard wrote one file per host and start, in a folder per host, without the command's name. */
function countLogFiles(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

function removeDatabase(path: string): void {
  for (const suffix of ['', ...SIDE_FILES]) rmSync(path + suffix, { force: true });
}
