/**
 * The untouched copy: an old database with its side files, byte for byte, under a name that nothing overwrites, with its
 * SHA-256 in a list that `sha256sum -c` reads.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  chmodSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SIDE_FILES } from '../sqlite/untouched';

const READ_BYTES = 1024 * 1024;
const PART = '.part';
const LIST = '.sha256';
const LIST_LINE = /^([0-9a-f]{64}) {2}(.+)$/;

/** SHA-256 of the database (suffix '') and of each existing side file, by suffix. */
export type FileHashes = Readonly<Record<string, string>>;

export interface OldBackup {
  /** Path of the copied database; the copied side files have its name and their suffix. */
  path: string;
  hashes: FileHashes;
}

/** The hashes of the files of a database. */
export function hashFiles(path: string): FileHashes {
  const suffixes = ['', ...SIDE_FILES].filter((suffix) => existsSync(path + suffix));
  return Object.fromEntries(suffixes.map((suffix) => [suffix, sha256(path + suffix)]));
}

/** True when the database and its logs are equal; `-shm` holds no content, SQLite rebuilds it. */
export function sameContent(a: FileHashes, b: FileHashes): boolean {
  return ['', '-wal', '-journal'].every((suffix) => a[suffix] === b[suffix]);
}

/** Makes the copy, or returns an identical one that an earlier start made. It is synced to the disk. */
export function backUpOld(path: string, kind: string, now: number): OldBackup {
  const hashes = hashFiles(path);
  const made = findBackup(path, hashes);
  if (made) return made;
  const backup = freeName(path, kind, now);
  for (const suffix of Object.keys(hashes)) {
    const part = backup + suffix + PART;
    copyFileSync(path + suffix, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    chmodSync(part, 0o600);
    syncFile(part);
  }
  const list = Object.entries(hashes).map(([suffix, hash]) => `${hash}  ${basename(backup)}${suffix}\n`);
  writeFileSync(backup + LIST + PART, list.join(''), { mode: 0o600, flush: true });
  // The list first: a copy without a list would be made again, and a list without its files is ignored.
  for (const suffix of [LIST, ...Object.keys(hashes)]) renameSync(backup + suffix + PART, backup + suffix);
  syncFolder(dirname(path));
  return { path: backup, hashes };
}

/** Removes the unfinished copies of an interrupted start. */
export function removeParts(path: string): void {
  const prefix = backupPrefix(path);
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix) && name.endsWith(PART)) rmSync(join(folder, name));
  }
}

/** Prefix of the names of the copies of `path`. */
export function backupPrefix(path: string): string {
  return `${basename(path).replace(/\.db$/, '')}.backup-`;
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes added, removed and changed names in a folder durable across a power failure. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function findBackup(path: string, hashes: FileHashes): OldBackup | null {
  const prefix = backupPrefix(path);
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(LIST)) continue;
    const backup = join(folder, name.slice(0, -LIST.length));
    const listed = readList(join(folder, name), basename(backup));
    if (sameContent(listed, hashes) && existsSync(backup) && sameContent(hashFiles(backup), hashes)) {
      return { path: backup, hashes: listed };
    }
  }
  return null;
}

function readList(path: string, name: string): FileHashes {
  const entries = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line): [string, string][] => {
      const [, hash, file] = LIST_LINE.exec(line) ?? [];
      return hash !== undefined && file?.startsWith(name) ? [[file.slice(name.length), hash]] : [];
    });
  return Object.fromEntries(entries);
}

/** `nixfleet.backup-v1-20261125T103000Z.db` */
function freeName(path: string, kind: string, now: number): string {
  const time = new Date(now).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  for (let n = 1; ; n += 1) {
    const name = join(dirname(path), `${backupPrefix(path)}${kind}-${time}${n === 1 ? '' : `-${n}`}.db`);
    if (!existsSync(name) && !existsSync(name + LIST)) return name;
  }
}

function sha256(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(READ_BYTES);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const read = readSync(file, buffer, 0, READ_BYTES, null);
      if (read === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
