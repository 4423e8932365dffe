/** Checks with Nix that a changed file can be parsed, before it is committed. */
import { basename } from 'node:path';
import { findCause } from '@/lib/causes/find-cause';
import { plainText } from '@/lib/text/plain-text';
import { runBoundedProgram } from '@/lib/git/git-run';

export const CHECK_TIMEOUT_MS = 30_000;
const PROGRAM = 'nix-instantiate';

/** Null when it can be parsed; otherwise a sentence. Without the program nothing is checked, so nothing is written. */
export async function checkNixFile(
  path: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | null> {
  // Uses no Nix store: the file is only parsed, and this machine may have none.
  const args = ['--store', 'dummy://', '--parse', path];
  const end = await runBoundedProgram(PROGRAM, args, { environment, timeoutMs: CHECK_TIMEOUT_MS, signal });
  switch (end.kind) {
    case 'no-git':
      return `The program ${PROGRAM} was not found, so the changed file can't be checked and is not written: install Nix next to NixFleet (on Debian, the package nix-bin).`;
    case 'timeout':
      return `${PROGRAM} did not end within ${CHECK_TIMEOUT_MS / 1_000} s: try again.`;
    case 'stopped':
      return 'NixFleet is stopping: set the colour again after the next start.';
    case 'too-large':
      return `${PROGRAM} printed too much output: check the file.`;
    case 'exit': {
      if (end.code === 0) return null;
      const message = findCause(end.stderr)?.text ?? '';
      return `The changed file would not be valid Nix (${plainText(message.replaceAll(path, basename(path)), 200)}): nothing was written.`;
    }
  }
}
