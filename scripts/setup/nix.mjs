// @ts-check
/** Nix for the tests of the flake and of what edits Nix files: one that is there, or Debian's where it may be installed. */
import { findProgram } from './requirements.mjs';
import { run } from './run.mjs';

/**
 * Finds or installs `nix-instantiate`. Without one, the tests that need it are skipped and say so.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function ensureNix(root, say) {
  if (findProgram('nix-instantiate') !== null) return;
  if (process.getuid?.() === 0 && findProgram('apt-get') !== null) {
    say('Installing Nix for the tests of the Nix files …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { cwd: root, env });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', 'nix-bin'], { cwd: root, env });
  }
  if (findProgram('nix-instantiate') === null) {
    say('There is no nix-instantiate: the tests that need Nix are skipped. Debian: apt-get install nix-bin (as root).');
  }
}
