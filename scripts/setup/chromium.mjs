// @ts-check
/** Finds the browser of the end-to-end tests; installs Debian's where that is allowed. */
import { spawnSync } from 'node:child_process';
import { SetupProblem } from './problem.mjs';
import { findProgram } from './requirements.mjs';
import { run } from './run.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const VERSION_TIMEOUT_MS = 20_000;

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | null} the path of a Chromium that starts
 */
export function findChromium(env) {
  const configured = env['CHROMIUM_PATH'];
  if (configured !== undefined && configured !== '') {
    if (starts(configured)) return configured;
    throw new SetupProblem(
      `CHROMIUM_PATH is "${configured}", which does not start: set it to a Chromium, or unset it.`,
    );
  }
  const found = [...NAMES.map((name) => findProgram(name, env['PATH'])), ...PLACES];
  // Ubuntu's chromium-browser exists but only prints how to install the snap.
  return found.find((path) => path !== null && starts(path)) ?? null;
}

/** @param {string} path */
function starts(path) {
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: VERSION_TIMEOUT_MS }).status === 0;
}

/**
 * Finds or installs Chromium. Throws a problem that says how to install it.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string>} its path
 */
export async function ensureChromium(root, say) {
  const found = findChromium(process.env);
  if (found !== null) return found;
  if (process.getuid?.() === 0 && findProgram('apt-get') !== null) {
    say('Installing Chromium for the end-to-end tests …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { cwd: root, env });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], { cwd: root, env });
    const installed = findChromium(process.env);
    if (installed !== null) return installed;
  }
  throw new SetupProblem(
    'The end-to-end tests need Chromium. Debian: apt-get install chromium (as root); NixOS: nix shell nixpkgs#chromium; ' +
      'or set CHROMIUM_PATH to the Chromium or Chrome that you have.',
  );
}
