/** Whether Nix itself can read a file, before it is committed. */
import { basename } from 'node:path';
import { plainText } from '@/lib/text/plain-text';
import { runProgram } from '@/lib/git/git-run';

export const CHECK_TIMEOUT_MS = 30_000;
const PROGRAM = 'nix-instantiate';

/** Null when it can; otherwise a sentence. Without the program nothing is checked, and so nothing is written. */
export async function checkNixFile(
  path: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | null> {
  // No store is touched: the file is only read, and the user that runs NixFleet may have none.
  const args = ['--store', 'dummy://', '--parse', path];
  const end = await runProgram(PROGRAM, args, { environment, timeoutMs: CHECK_TIMEOUT_MS, signal });
  switch (end.kind) {
    case 'no-git':
      return `The program ${PROGRAM} is not found, so the changed file can't be checked, and is not written: install Nix (on Debian the package nix-bin) beside NixFleet.`;
    case 'timeout':
      return `${PROGRAM} did not end within ${CHECK_TIMEOUT_MS / 1_000} s: try again.`;
    case 'stopped':
      return 'NixFleet stops: set the colour again after the next start.';
    case 'too-large':
      return `${PROGRAM} said more than can be taken in: check the file.`;
    case 'exit': {
      if (end.code === 0) return null;
      const words = end.stderr.split('\n').find((line) => /^error:/.test(line.trim())) ?? '';
      return `The changed file would be no Nix any more (${plainText(words.replaceAll(path, basename(path)), 200)}): nothing was written.`;
    }
  }
}
