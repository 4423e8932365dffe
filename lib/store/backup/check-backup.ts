/** Checks a file: the database in use, a backup, an encrypted backup, or something else. */
import { existsSync, rmSync, statSync } from 'node:fs';
import type { Log } from '@/lib/log';
import type { Witness } from '@/lib/store/sqlite/audit';
import { examineDatabase, type Examination } from '@/lib/store/sqlite/examine';
import { inspectFile, withReadOnly, type FileContent } from '@/lib/store/sqlite/inspect';
import { takeLock } from '@/lib/store/sqlite/folder-lock';
import { findMigrationsFolder, readMigrations } from '@/lib/store/sqlite/migrate';
import { BACKUP_TABLES, readAbout, type AboutBackup } from './backup-contents';
import { unfinishedPath } from './backup-files';
import { readBackup, type StoredBackup } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { requireManifestHash } from './restore-backup';
import { openSealedFile } from './backup-seal';

export interface CheckOptions {
  file: string;
  /** The database of this installation; it may be in use. */
  dbPath: string;
  key: string | null;
  log: Log;
  witnesses: readonly Witness[];
  migrationsFolder?: string;
}

export interface Checked {
  bytes: number;
  encrypted: boolean;
  /** The manifest beside the file; null without one. */
  manifest: StoredBackup | null;
  content: FileContent;
  /** Null when this NixFleet can't read the file as its database. */
  examined: Examination | null;
  /** Null when the file is not a backup. */
  about: AboutBackup | null;
}

/** Throws an error with a sentence when the file can't be read or opened. Changes nothing. */
export async function checkFile(options: CheckOptions): Promise<Checked> {
  const { file, key, dbPath } = options;
  if (!existsSync(file)) throw new BackupProblem(`There is no file ${file}.`);
  await requireManifestHash(file);
  const described = { bytes: statSync(file).size, encrypted: file.endsWith('.age'), manifest: readBackup(file) };
  if (!described.encrypted) {
    return { ...described, ...(file === dbPath ? readWithLock(options) : read(file, options)) };
  }
  if (key === null) {
    throw new BackupProblem(`${file} is encrypted: set NIXFLEET_BACKUP_KEY to the key it was encrypted with.`);
  }
  const plain = unfinishedPath(file.replace(/\.age$/, ''));
  try {
    await openSealedFile(file, plain, key);
    return { ...described, ...read(plain, options) };
  } finally {
    rmSync(plain, { force: true });
  }
}

type Findings = Pick<Checked, 'content' | 'examined' | 'about'>;

/** Holds the lock, so that no dashboard starts while SQLite creates and removes side files. A running one keeps them. */
function readWithLock(options: CheckOptions): Findings {
  try {
    const lock = takeLock(options.dbPath, options.log);
    try {
      return read(options.file, options);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof Error && 'kind' in error && error.kind === 'in-use')) throw error;
    return read(options.file, options);
  }
}

function read(file: string, { witnesses, migrationsFolder }: CheckOptions): Findings {
  const known = readMigrations(migrationsFolder ?? findMigrationsFolder());
  const content = inspectFile(file, known);
  if (content.kind !== 'nixfleet') return { content, examined: null, about: null };
  return withReadOnly(file, (client) => {
    // One snapshot, even while a dashboard writes.
    client.exec('begin');
    return {
      content,
      examined: examineDatabase(client, { known, alsoAllowed: BACKUP_TABLES, witnesses }),
      about: readAbout(client),
    };
  });
}
