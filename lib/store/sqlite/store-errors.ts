/** Errors of the database: a kind, and a sentence that says what to do. */
import { accessSync, constants, statSync } from 'node:fs';
import { shellWord } from '@/lib/text/shell-word';

export type DatabaseErrorKind =
  /** The folder can't be created, or this process may not write in it. */
  | 'folder'
  | 'not-a-database'
  /** A database that NixFleet did not write. */
  | 'foreign'
  /** Written by a newer NixFleet than this one. */
  | 'newer'
  | 'in-use'
  | 'read-only'
  | 'disk-full'
  | 'busy'
  | 'damaged'
  | 'migration'
  /** The database of an older dashboard could not be adopted; it is unchanged. */
  | 'adoption'
  /** The database refused a value: a bug in the caller. Nothing was written. */
  | 'constraint'
  | 'io';

/** Compare `kind`, never `instanceof`: one process may load this module twice. */
export class DatabaseError extends Error {
  readonly kind: DatabaseErrorKind;

  constructor(kind: DatabaseErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DatabaseError';
    this.kind = kind;
  }
}

/** The code of an error from SQLite or the system (`SQLITE_FULL`, `ENOSPC`), also from its causes; empty without one. */
export function errorCode(error: unknown): string {
  const code = innermost(error).code;
  return typeof code === 'string' ? code : '';
}

/** Turns an error from SQLite, drizzle or the file system into a sentence about the file at `path`. */
export function asDatabaseError(error: unknown, path: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { message } = innermost(error);
  const code = errorCode(error);
  const make = (kind: DatabaseErrorKind, sentence: string) => new DatabaseError(kind, sentence, error);

  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') {
    return make('disk-full', `There is no room left on the disk of ${path}. Free some space; nothing was changed.`);
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS') {
    return make('read-only', `The database ${path} can't be written (${message}). ${howToFix(path)}`);
  }
  if (code === 'SQLITE_NOTADB') {
    return make(
      'not-a-database',
      `${path} is not an SQLite database. Move it away, or set NIXFLEET_DB_PATH to another file.`,
    );
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return make(
      'damaged',
      `The database ${path} is damaged (${message}). Keep a copy of it, then restore the newest backup.`,
    );
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return make('busy', `Another program is writing to ${path} and did not finish in time. Close it and try again.`);
  }
  if (code.startsWith('SQLITE_CONSTRAINT')) {
    return make('constraint', `The database refused the change: ${message}. Nothing was written.`);
  }
  if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_PERM' || code === 'EACCES' || code === 'EPERM') {
    return make('folder', `${path} can't be opened (${message}). ${howToFix(path)}`);
  }
  return make('io', `The database ${path} failed: ${message}.`);
}

/** A sentence with the command that lets this process write to a file or folder. */
export function howToFix(path: string): string {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return 'Check that its volume is mounted read-write.';
  } catch (error) {
    if (errorCode(error) === 'EROFS') return 'Its volume is mounted read-only: mount it read-write.';
  }
  const quoted = shellWord(path);
  try {
    const found = statSync(path);
    if (found.uid === uid) return `Run: chmod u+rw${found.isDirectory() ? 'x' : ''} ${quoted}`;
    return `It belongs to user ${found.uid}, but this process runs as user ${uid}. Run: sudo chown -R ${uid}:${gid} ${quoted}`;
  } catch {
    return `Run: sudo mkdir -p ${quoted} && sudo chown -R ${uid}:${gid} ${quoted}`;
  }
}

function innermost(error: unknown): { message: string; code?: unknown } {
  if (!(error instanceof Error)) return { message: String(error) };
  // drizzle wraps the errors of SQLite: its "Failed to run the query" says nothing by itself.
  if (error.cause instanceof Error) return innermost(error.cause);
  return { message: error.message, code: 'code' in error ? error.code : undefined };
}
