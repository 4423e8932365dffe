/** Writes files completely or not at all: under a temporary name, synced to the disk, then renamed. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, statfsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;

/** Suffix of unfinished files; a later backup removes those that a crash left. */
export const UNFINISHED_SUFFIX = '.unfinished';

/** The temporary name of a file: hidden, in the same folder. */
export function unfinishedPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}${UNFINISHED_SUFFIX}`);
}

/** Syncs a file, or the names in a folder, to the disk. */
export function syncToDisk(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Gives a finished file its final name, durable across a power failure. */
export function publishFile(unfinished: string, path: string): void {
  syncToDisk(unfinished);
  renameSync(unfinished, path);
  syncToDisk(dirname(path));
}

export function writeWhole(path: string, content: string | Uint8Array): void {
  const unfinished = unfinishedPath(path);
  writeFileSync(unfinished, content, { mode: PRIVATE_FILE });
  publishFile(unfinished, path);
}

/** SHA-256 in hex; the file is read in pieces. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Bytes that this user can still write to the disk of `folder`. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
