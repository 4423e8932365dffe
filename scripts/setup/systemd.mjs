// @ts-check
/** Finds what the tests with the real systemd need; installs Debian's packages where that is allowed. */
import { findProgram } from './requirements.mjs';
import { run } from './run.mjs';

/** Each program, and the package of Debian that holds it. */
const PROGRAMS = /** @type {const} */ ([
  ['systemd-nspawn', 'systemd-container'],
  ['dbus-daemon', 'dbus'],
  ['sudo', 'sudo'],
  ['nix-daemon', 'nix-bin'],
]);

/**
 * @param {string} root of the checkout
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} why no container with systemd can be booted here, as a sentence; null when one can be
 */
export async function ensureSystemd(root, say) {
  if (process.platform !== 'linux') return 'A container with systemd needs Linux.';
  if (process.getuid?.() !== 0) return 'Only root can boot a container with systemd.';
  const wanted = missing();
  if (wanted.length > 0 && findProgram('apt-get') !== null) {
    say(`Installing ${wanted.map(([, name]) => name).join(', ')} for the tests with systemd …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const packages = wanted.map(([, name]) => name);
    await run('apt-get', ['update'], { cwd: root, env });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], { cwd: root, env });
  }
  const left = missing();
  if (left.length === 0) return null;
  const packages = left.map(([, name]) => name).join(' ');
  return `${left.map(([name]) => name).join(' and ')} was not found. Debian: apt-get install ${packages} (as root).`;
}

const missing = () => PROGRAMS.filter(([name]) => findProgram(name) === null);
