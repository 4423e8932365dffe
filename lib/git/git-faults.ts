/** Turns faults of git into sentences that say what to do. */
import { findCause } from '@/lib/causes/find-cause';
import { plainText } from '@/lib/text/plain-text';
import { redactText } from './repository-address';
import type { GitEnd } from './git-run';
import { refusedRedirect, type RefusedTarget } from './redirects';
import { localFaultOf, localLines } from './local-faults';

const MAX_QUOTE = 300;

/** Why git could not do its work, although it ran. */
export type GitProblem =
  /** The repository has moved to another server, which gets no credentials. */
  | { kind: 'redirected'; to: RefusedTarget }
  /** A running git process may hold the lock. */
  | { kind: 'locked'; path: string; pid: number | null };

/** Git's reason, without the advice that follows it. */
function reason(stderr: string): string {
  return findCause(localLines(stderr))?.text ?? '';
}

const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /Host key verification failed/i,
    "add the server's key to the known_hosts file of the user that runs NixFleet (ssh-keyscan), after comparing it",
  ],
  [
    /dubious ownership/i,
    'let the user that runs NixFleet run `git config --global --add safe.directory` with that folder',
  ],
  [
    /could not read (Username|Password)|Authentication failed|Permission denied|returned error: 40[13]|invalid credentials/i,
    'give NixFleet a token or key that may read the repository',
  ],
  [
    /not found|does not exist|does not appear to be a git repository|no such file/i,
    'check NIXFLEET_CONFIG_REPO, and that NixFleet may read the repository',
  ],
  [/No space left|quota/i, 'free space in the data folder'],
];

const PERMISSION_ADVICE =
  'let the user that runs NixFleet own the data folder with everything in it (chown -R), and make sure that the disk is not read-only';

const holderOf = (pid: number | null): string =>
  pid === null ? 'may belong to a running git process' : `may belong to the process ${pid}`;

/** Explains why a git command failed. `what` is the repository's address without credentials. */
export function explainGitEnd(
  end: GitEnd | GitProblem,
  what: string,
  timeoutMs: number,
  secrets: readonly string[],
): string {
  switch (end.kind) {
    case 'redirected':
      return `The repository ${what} ${refusedRedirect(
        end.to === null ? null : plainText(end.to, MAX_QUOTE),
        'NixFleet',
        'NIXFLEET_CONFIG_REPO',
      )}.`;
    case 'locked':
      return `The copy of the repository ${what} is in use: the lock ${end.path} ${holderOf(end.pid)}. NixFleet tries again at the next fetch; end that process if it hangs.`;
    case 'no-git':
      return 'The program git was not found: install git and restart NixFleet.';
    case 'timeout':
      return `The repository ${what} did not answer within ${Math.round(timeoutMs / 1000)} s: check whether this machine can reach it.`;
    case 'stopped':
      return `Fetching the repository ${what} was stopped: it resumes after the next start.`;
    case 'too-large':
      return `Git printed too much output for ${what}: check NIXFLEET_CONFIG_REPO.`;
    case 'exit': {
      // Redacted first: a reason is cut, and half of a secret would not be recognised.
      const quote = plainText(reason(redactText(end.stderr, secrets)), MAX_QUOTE);
      const advice =
        localFaultOf(end.stderr) === 'no-permission'
          ? PERMISSION_ADVICE
          : (ADVICE.find(([pattern]) => pattern.test(end.stderr))?.[1] ??
            'check NIXFLEET_CONFIG_REPO and whether this machine can reach it');
      return `The repository ${what} cannot be fetched (git says "${quote}"): ${advice}.`;
    }
  }
}
