// @ts-check
/** Installs the packages of the lockfile when needed. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashFile } from './hash.mjs';
import { asObject, readJsonObject, writeJson } from './json.mjs';
import { SetupProblem } from './problem.mjs';
import { missingCompilers } from './requirements.mjs';
import { run, wasStopped } from './run.mjs';

const STAMP = 'node_modules/.nixfleet-install.json';
/** Packages with a binary that must fit the machine and Node. */
/** Node-API 10 is what version 13 of better-sqlite3 needs; older ones use version 12 (`lib/store/sqlite/driver.ts`). */
const HAS_NODE_API_10 = Number(process.versions['napi']) >= 10;
const SQLITE = HAS_NODE_API_10 ? 'better-sqlite3' : 'better-sqlite3-node20';
const NATIVE_PACKAGES = [SQLITE, '@node-rs/argon2', '@node-rs/bcrypt'];

/**
 * The inputs of an install: the lockfile, and the Node ABI, system and processor that binaries are made for.
 * @param {string} root
 * @returns {{ lockfile: string, abi: string, platform: string }}
 */
export function installKey(root) {
  return {
    lockfile: hashFile(root, 'package-lock.json'),
    abi: process.versions.modules,
    platform: `${process.platform}-${process.arch}`,
  };
}

/**
 * @param {string} root
 * @returns {boolean} true when the last install in this folder was for this lockfile and this Node
 */
export function isInstalled(root) {
  const stamp = readJsonObject(join(root, STAMP));
  return stamp !== null && Object.entries(installKey(root)).every(([name, value]) => stamp[name] === value);
}

/**
 * Whether npm has installed the lockfile, by its record in node_modules; a manual `npm ci` counts.
 * @param {string} root
 */
export function matchesLockfile(root) {
  const wanted = asObject(readJsonObject(join(root, 'package-lock.json'))?.['packages']);
  const present = asObject(readJsonObject(join(root, 'node_modules/.package-lock.json'))?.['packages']);
  if (wanted === null || present === null) return false;
  const versionIn = (/** @type {Record<string, unknown>} */ packages, /** @type {string} */ name) =>
    asObject(packages[name])?.['version'];
  const complete = Object.entries(wanted).every(([name, value]) => {
    const entry = asObject(value);
    if (name === '' || entry === null || versionIn(present, name) === entry['version']) return true;
    // Packages for other systems are expected to be absent.
    return present[name] === undefined && (entry['optional'] === true || entry['devOptional'] === true);
  });
  return complete && Object.keys(present).every((name) => versionIn(wanted, name) === versionIn(present, name));
}

/**
 * @param {string} root
 * @returns {string | null} the first package whose binary does not load, null when all do
 */
export function brokenNativePackage(root) {
  for (const name of NATIVE_PACKAGES) {
    const use = name === SQLITE ? `new (require('${name}'))(':memory:').close()` : `require('${name}')`;
    // In a separate process: a binary for another Node can crash the process that loads it.
    if (spawnSync(process.execPath, ['-e', use], { cwd: root, stdio: 'ignore' }).status !== 0) return name;
  }
  return null;
}

/**
 * Installs from the lockfile, with development packages, unless it is installed. Throws a problem when it fails.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function ensureInstalled(root, say) {
  if (isInstalled(root)) return;
  const stamp = join(root, STAMP);
  if (matchesLockfile(root) && brokenNativePackage(root) === null) {
    writeJson(stamp, installKey(root));
    return;
  }
  say('Installing packages from the lockfile (once, and after updates) …');
  rmSync(stamp, { force: true });
  const key = installKey(root);
  let said = '';
  // With Node-API 10 every package has a binary; older Node versions compile version 12.
  const scripts = HAS_NODE_API_10 ? ['--ignore-scripts'] : [];
  const code = await run('npm', ['ci', '--include=dev', ...scripts], {
    cwd: root,
    onErrorText: (text) => {
      said = (said + text).slice(-200_000);
    },
  });
  if (wasStopped(code)) throw new SetupProblem('The install was stopped; the next start repeats it.');
  if (code !== 0) throw new SetupProblem(explainFailedInstall(said, missingCompilers()));
  const broken = brokenNativePackage(root);
  if (broken !== null) throw new SetupProblem(explainBrokenPackage(broken, missingCompilers()));
  writeJson(stamp, key);
}

const HOW_TO_COMPILE =
  'Debian: apt-get install python3 make g++; NixOS: nix shell nixpkgs#python3 nixpkgs#gnumake nixpkgs#gcc. Then start again.';

/**
 * @param {string} said what npm wrote to standard error
 * @param {readonly string[]} missing tools
 */
export function explainFailedInstall(said, missing) {
  if (/better-sqlite3|node-gyp/.test(said)) {
    return missing.length > 0
      ? `No ready-made binary of better-sqlite3 fits this machine, and compiling it needs ${missing.join(', ')}, which this machine does not have. ${HOW_TO_COMPILE}`
      : 'better-sqlite3 could not be compiled: the lines of npm above say why.';
  }
  if (/EUSAGE|in sync/.test(said)) {
    return 'package.json and package-lock.json do not fit each other: the lines of npm above say where. Take both from the same commit, or run npm install.';
  }
  return 'The packages could not be installed; see the lines of npm above. Check that this machine reaches its npm registry and has free disk space, then start again.';
}

/**
 * @param {string} name of a package
 * @param {readonly string[]} missing tools
 */
export function explainBrokenPackage(name, missing) {
  const cause = 'Was npm told not to run install scripts (ignore-scripts in .npmrc or npm_config_ignore_scripts)?';
  const tools =
    missing.length > 0
      ? ` Compiling it needs ${missing.join(', ')}, which this machine does not have. ${HOW_TO_COMPILE}`
      : '';
  return `The package ${name} was installed, but its binary does not load. ${cause}${tools}`;
}
