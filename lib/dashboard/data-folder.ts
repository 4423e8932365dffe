/** The data folder is looked at before anything is stored in it, so that a wrong owner is told with what mends it. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { errorCode, howToFix } from '@/lib/store/sqlite/store-errors';

/** Made by the Dockerfile. What engines leave in a container differs, and is missing on a read-only file system. */
const MARK_OF_THE_IMAGE = '/etc/nixfleet-container';

/** Whether this process runs in the image, whose paths mean nothing to the operator's shell. */
export function inContainer(): boolean {
  return existsSync(MARK_OF_THE_IMAGE);
}

/**
 * Makes the folder where there is none. Throws with a sentence that ends with the command that mends it when this
 * process can't write there.
 */
export function requireDataFolder(path: string, contained: boolean = inContainer()): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = `The data folder ${path} can't be written (${errorCode(error)}).`;
    throw new Error(`${why} ${contained ? mendFromOutside() : howToFix(path)}`, { cause: error });
  }
}

/** The compose files mount the folder `data` that lies beside them. */
function mendFromOutside(): string {
  const owner = `${process.getuid?.() ?? 1000}:${process.getgid?.() ?? 1000}`;
  return (
    'It has to belong to the user of the container. Run this beside the compose file, then start again: ' +
    `sudo chown -R ${owner} ./data`
  );
}
