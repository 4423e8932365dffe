/** Says what a file is and whether it is sound: the database in use, a backup, an encrypted one, or something else. */
import { existsSync, rmSync, statSync } from 'node:fs';
import type { Log } from '@/lib/log';
import type { Witness } from '@/lib/store/sqlite/audit';
import { examineDatabase, type Examination } from '@/lib/store/sqlite/examine';
import { inspectFile, withReadOnly, type FileContent } from '@/lib/store/sqlite/inspect';
import { takeLock } from '@/lib/store/sqlite/folder-lock';
import { findMigrationsFolder, readMigrations } from '@/lib/store/sqlite/migrate';
import { readAbout, type AboutBackup } from './backup-contents';
import { unfinishedPath } from './backup-files';
import { readBackup, type StoredBackup } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { requireAsNoted } from './restore-backup';
import { openSealedFile } from './backup-seal';

export interface CheckOptions {
  file: string;
  /** The database of this installation, which may be in use. */
  dbPath: string;
  key: string | null;
  log: Log;
  witnesses: readonly Witness[];
  migrationsFolder?: string;
}

export interface Checked {
  bytes: number;
  encrypted: boolean;
  /** What stands beside it; null when it has no manifest. */
  manifest: StoredBackup | null;
  content: FileContent;
  /** Null when it is not a database of this NixFleet. */
  examined: Examination | null;
  /** Null when it is no backup. */
  about: AboutBackup | null;
}

/** Throws a sentence when the file can't be read or opened. Changes nothing. */
export async function checkFile(options: CheckOptions): Promise<Checked> {
  const { file, key, dbPath } = options;
  if (!existsSync(file)) throw new BackupProblem(`There is no file ${file}.`);
  await requireAsNoted(file);
  const described = { bytes: statSync(file).size, encrypted: file.endsWith('.age'), manifest: readBackup(file) };
  if (!described.encrypted) {
    return { ...described, ...(file === dbPath ? whileHeld(options) : look(file, options)) };
  }
  if (key === null) {
    throw new BackupProblem(`${file} is encrypted: set NIXFLEET_BACKUP_KEY to the key that it was made with.`);
  }
  const plain = unfinishedPath(file.replace(/\.age$/, ''));
  try {
    await openSealedFile(file, plain, key);
    return { ...described, ...look(plain, options) };
  } finally {
    rmSync(plain, { force: true });
  }
}

type Look = Pick<Checked, 'content' | 'examined' | 'about'>;

/** Without a dashboard, none may start while SQLite's side files come and go; beside a running one they stay. */
function whileHeld(options: CheckOptions): Look {
  try {
    const lock = takeLock(options.dbPath, options.log);
    try {
      return look(options.file, options);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof Error && 'kind' in error && error.kind === 'in-use')) throw error;
    return look(options.file, options);
  }
}

function look(file: string, { witnesses, migrationsFolder }: CheckOptions): Look {
  const content = inspectFile(file, readMigrations(migrationsFolder ?? findMigrationsFolder()));
  if (content.kind !== 'ours') return { content, examined: null, about: null };
  return withReadOnly(file, (client) => {
    // All of it at one moment, also beside a dashboard that writes.
    client.exec('begin');
    return { content, examined: examineDatabase(client, witnesses), about: readAbout(client) };
  });
}
