/** Nix's evaluator, for the tests of the Nix files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** The folder of the project. */
export const ROOT = join(import.meta.dirname, '../..');
/** Whether this machine has Nix. Without it, the tests that need it are skipped. */
export const hasNix = spawnSync('nix-instantiate', ['--version']).status === 0;
/** How long one evaluation may take, in milliseconds. */
export const NIX_TIMEOUT_MS = 60_000;

/** What nix-instantiate prints when it runs in the folder of the project. Throws with what it wrote when it fails. */
export function nix(args: readonly string[]): string {
  return execFileSync('nix-instantiate', args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: NIX_TIMEOUT_MS,
  });
}

/** The value of an expression. Paths in it begin at the folder of the project. */
export function evaluate(expression: string): unknown {
  return JSON.parse(nix(['--eval', '--strict', '--json', '--expr', expression]));
}
