// @ts-check
/** Programs that must exist before anything is installed. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupProblem } from './problem.mjs';

const OLDEST_NODE = [20, 19];

/**
 * @param {string} version such as "20.19.0"
 * @returns {boolean}
 */
export function isNodeNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * @param {string} name
 * @param {string | undefined} path a PATH
 * @returns {string | null} the program's full path
 */
export function findProgram(name, path = process.env['PATH']) {
  for (const folder of (path ?? '').split(delimiter)) {
    if (folder === '') continue;
    const full = join(folder, name);
    try {
      accessSync(full, constants.X_OK);
      if (statSync(full).isFile()) return full;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Throws a problem when Node is too old, or git or npm is missing. */
export function requirePrograms() {
  if (!isNodeNewEnough(process.versions.node)) {
    throw new SetupProblem(
      `NixFleet needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}. ` +
        'Install a newer Node (NixOS: nix shell nixpkgs#nodejs_24) and start again.',
    );
  }
  const missing = ['git', 'npm'].filter((name) => findProgram(name) === null);
  if (missing.length > 0) {
    throw new SetupProblem(
      `NixFleet needs ${missing.join(' and ')}, which is not on the PATH. ` +
        `Debian: apt-get install ${missing.join(' ')}; NixOS: nix shell nixpkgs#git nixpkgs#nodejs_24 (npm comes with Node).`,
    );
  }
}

/**
 * The missing tools for compiling better-sqlite3, which is needed where no ready-made binary fits.
 * @param {string | undefined} path a PATH
 */
export function missingCompilers(path = process.env['PATH']) {
  return [['python3'], ['make'], ['g++', 'c++', 'clang++']]
    .filter((names) => names.every((name) => findProgram(name, path) === null))
    .map(([name = '']) => name);
}
