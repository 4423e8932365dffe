/**
 * One process at a time. The lock is an empty SQLite file beside the database, held with BEGIN EXCLUSIVE: the kernel
 * releases it however the process ends, and it works between containers that share a volume, where process ids mean
 * nothing.
 *
 * No code in this process may open the lock file or the database except through SQLite while they are in use:
 * closing any descriptor of a file drops all POSIX locks that the process has on it
 * (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Log } from '@/lib/log';
import { Database } from './driver';
import { asDatabaseError, DatabaseError, errorCode } from './store-errors';

/** How long to wait for a previous process that is ending. Waiting blocks, but nothing is served before the start. */
const LOCK_WAIT_MS = 500;
const MAX_NOTE_LENGTH = 200;

export interface DatabaseLock {
  release(): void;
}

/** Takes the lock of the database at `path`, or throws a DatabaseError that says who holds it. */
export function takeLock(path: string, log: Log): DatabaseLock {
  const lockPath = `${path}.lock`;
  const notePath = `${path}.lock-owner`;
  createPrivateFile(lockPath);
  const client = new Database(lockPath, { timeout: LOCK_WAIT_MS });
  try {
    client.pragma('journal_mode = MEMORY');
    client.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    client.close();
    if (errorCode(error).startsWith('SQLITE_BUSY')) {
      throw new DatabaseError(
        'in-use',
        `The database ${path} is in use by another NixFleet (${readNote(notePath)}). Only one can use it: ` +
          'stop the other one first, or set NIXFLEET_DB_PATH to another file.',
        error,
      );
    }
    throw asDatabaseError(error, lockPath);
  }
  writeNote(notePath, log);
  return {
    release() {
      if (!client.open) return;
      rmSync(notePath, { force: true });
      client.close();
    },
  };
}

/** Creates an empty file that only its owner can read. An existing file is left as it is and not opened. */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw asDatabaseError(error, path);
  }
}

function writeNote(notePath: string, log: Log): void {
  try {
    const temporary = `${notePath}.new`;
    writeFileSync(temporary, `process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}\n`, {
      mode: 0o600,
    });
    renameSync(temporary, notePath);
  } catch (error) {
    // The note is for people only; the lock itself is taken.
    log.warn({ err: error }, 'could not write the note that says who holds the database lock');
  }
}

function readNote(notePath: string): string {
  try {
    const note = readFileSync(notePath, 'utf8').trim().slice(0, MAX_NOTE_LENGTH);
    return note.replace(/[^\x20-\x7e]/g, '?') || 'no details available';
  } catch {
    return 'no details available';
  }
}
