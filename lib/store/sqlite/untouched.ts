/**
 * Reads a database file without changing a byte of it or of its side files. A plain read-only connection is not enough:
 * it rewrites `-shm`, and refuses a file whose rollback journal is hot. So the file is opened under another name, a hard
 * link in a separate folder, beside copies of its log. SQLite then writes in that folder only.
 */
import { constants, copyFileSync, existsSync, linkSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type Sqlite from 'better-sqlite3';
import { Database } from './driver';
import { asDatabaseError } from './store-errors';

/** What SQLite may leave beside a database, by suffix. */
export const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

export interface UntouchedDatabase {
  client: Sqlite.Database;
  close: () => void;
}

/** Opens the database at `path` for reading, including what is still in its log. Close it. Throws a DatabaseError. */
export function openUntouched(path: string): UntouchedDatabase {
  let folder: string | null = null;
  let client: Sqlite.Database | null = null;
  const close = () => {
    client?.close();
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  };
  try {
    folder = mkdtempSync(join(dirname(path), viewFolderPrefix(path)));
    const view = join(folder, 'view.db');
    const isHot = hasContent(`${path}-journal`);
    if (isHot) copy(path, view);
    else linkOrCopy(path, view);
    // Not `-shm`: SQLite rebuilds it from the log.
    for (const suffix of ['-wal', '-journal']) {
      if (hasContent(path + suffix)) copy(path + suffix, view + suffix);
    }
    // A hot journal has to be rolled back, in the copy.
    client = new Database(view, { readonly: !isHot, fileMustExist: true });
    return { client, close };
  } catch (error) {
    close();
    throw asDatabaseError(error, path);
  }
}

/** Prefix of the folders in which `path` is opened; a crash may leave one. */
export function viewFolderPrefix(path: string): string {
  return `.${basename(path)}.look-`;
}

function hasContent(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Some file systems have no hard links, and a file of another user can't be linked.
    copy(from, to);
  }
}

function copy(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}
