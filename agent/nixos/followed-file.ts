/** Reads a file that another process appends to, from its beginning. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createLineReader } from '../lines';

const CHUNK_BYTES = 64 * 1024;
/** Read in one call at most: a program that writes faster than this reads must not block everything else. */
const MAX_BYTES_AT_ONCE = 4 * 1024 * 1024;

export interface FollowedFile {
  /** Passes on the lines that were added since the last call. A file that does not exist yet has none. */
  read(): void;
  /** Reads to the end; what is left without a line break counts as a line. */
  finish(): void;
}

export function followFile(path: string, onLine: (line: string) => void): FollowedFile {
  const reader = createLineReader(onLine);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let file: number | null = null;
  let position = 0;

  function readUpTo(maxBytes: number): void {
    file ??= openIfThere(path);
    if (file === null) return;
    const end = Math.min(fstatSync(file).size, position + maxBytes);
    while (position < end) {
      const size = readSync(file, chunk, 0, Math.min(chunk.length, end - position), position);
      if (size === 0) return;
      position += size;
      reader.push(chunk.subarray(0, size));
    }
  }

  return {
    read: () => readUpTo(MAX_BYTES_AT_ONCE),
    finish() {
      readUpTo(Infinity);
      reader.end();
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
