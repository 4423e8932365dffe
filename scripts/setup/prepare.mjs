// @ts-check
/** Steps before every npm script: check the machine, install, build. */
import { join } from 'node:path';
import { build, ensureBuilt, isBuilt } from './build.mjs';
import { ensureInstalled, isInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { SetupProblem } from './problem.mjs';
import { requirePrograms } from './requirements.mjs';

/**
 * Prepares the folder. Throws a problem when that fails.
 * @param {string} root
 * @param {'install' | 'build-if-needed' | 'build'} target
 * @param {(line: string) => void} [say]
 */
export async function prepare(root, target, say = console.log) {
  requirePrograms();
  try {
    await withLock(
      join(root, 'dist/.setup.lock'),
      async () => {
        await ensureInstalled(root, say);
        if (target === 'build') await build(root, say);
        if (target === 'build-if-needed') await ensureBuilt(root, say);
      },
      { say },
    );
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    // A read-only folder, such as an image, needs no lock when everything is installed and built.
    if (isInstalled(root) && (target === 'install' || (target === 'build-if-needed' && isBuilt(root)))) return;
    throw new SetupProblem(`Packages or the build are out of date, but ${root} is not writable: make it writable.`);
  }
}

/** @param {unknown} error */
function isReadOnly(error) {
  return error instanceof Error && 'code' in error && (error.code === 'EROFS' || error.code === 'EACCES');
}
