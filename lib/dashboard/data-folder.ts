/**
 * Checks the data folder before anything is stored in it, so that a wrong owner is reported with the command that fixes
 * it.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { errorCode, howToFix } from '@/lib/store/sqlite/store-errors';

/** Created by the Dockerfile. The files that engines create differ, and are missing on a read-only file system. */
const IMAGE_MARKER = '/etc/nixfleet-container';

/** Whether this process runs in the container image, whose paths do not exist in the operator's shell. */
export function inContainer(): boolean {
  return existsSync(IMAGE_MARKER);
}

/**
 * Creates the folder if it does not exist. If this process can't write there, throws a message that ends with the
 * command that fixes it.
 */
export function requireDataFolder(path: string, contained: boolean = inContainer()): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = `The data folder ${path} is not writable (${errorCode(error)}).`;
    throw new Error(`${why} ${contained ? fixFromOutside() : howToFix(path)}`, { cause: error });
  }
}

/** The compose files mount the folder `data` next to them. */
function fixFromOutside(): string {
  const owner = `${process.getuid?.() ?? 1000}:${process.getgid?.() ?? 1000}`;
  return (
    'It must belong to the user of the container. Run this next to the compose file, then start again: ' +
    `sudo chown -R ${owner} ./data`
  );
}
