// @ts-check
/** Finds Nix for the tests of the flake and of edits to Nix files; installs Debian's where that is allowed. */
import { findProgram } from './requirements.mjs';
import { run } from './run.mjs';

/**
 * Finds or installs `nix-instantiate`. Without it, the tests that need it are skipped and reported.
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
    say(
      'nix-instantiate was not found: the tests that need Nix are skipped. Debian: apt-get install nix-bin (as root).',
    );
  }
}
