/** Turns faults of git into sentences that say what to do. */
import { plainText } from '@/lib/text/plain-text';
import { redactText } from './repository-address';
import type { GitEnd } from './git-run';

const MAX_QUOTE = 300;

/** Git's messages for a damaged or locked local copy; `remote:` lines are ignored. */
const DAMAGE =
  /not a git repository|bad config|bad object|corrupt|loose object|packfile|unable to read|could not read|missing (blob|tree|commit)|inflate|cannot lock ref|unable to resolve reference|\.lock'?: File exists|invalid sha1 pointer|unresolved deltas|did not send all necessary objects|does not point to a valid object/i;
/** The same messages about the remote or about access do not mean damage. */
const NOT_OURS = /could not read (Username|Password|from remote)|does not appear to be a git repository/i;

function localLines(stderr: string): string[] {
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('remote:'));
}

/** True when the messages report a damaged local copy, which a new copy fixes. */
export function isDamaged(end: GitEnd): boolean {
  return end.kind === 'exit' && localLines(end.stderr).some((line) => DAMAGE.test(line) && !NOT_OURS.test(line));
}

/** The line with the reason. Git ends with general advice, so the first `fatal:` or `error:` counts. */
function reason(stderr: string): string {
  const words = localLines(stderr);
  return words.find((line) => /^(fatal|error):/i.test(line)) ?? words[words.length - 1] ?? '';
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

/** Explains why a git command failed. `what` is the repository's address without credentials. */
export function explainGitEnd(end: GitEnd, what: string, timeoutMs: number, secrets: readonly string[]): string {
  switch (end.kind) {
    case 'no-git':
      return 'The program git was not found: install git and restart NixFleet.';
    case 'timeout':
      return `The repository ${what} did not answer within ${Math.round(timeoutMs / 1000)} s: check whether this machine can reach it.`;
    case 'stopped':
      return `Fetching the repository ${what} was stopped: it resumes after the next start.`;
    case 'too-large':
      return `Git printed too much output for ${what}: check NIXFLEET_CONFIG_REPO.`;
    case 'exit': {
      const quote = plainText(redactText(reason(end.stderr), secrets), MAX_QUOTE);
      const advice =
        ADVICE.find(([pattern]) => pattern.test(end.stderr))?.[1] ??
        'check NIXFLEET_CONFIG_REPO and whether this machine can reach it';
      return `The repository ${what} cannot be fetched (git says "${quote}"): ${advice}.`;
    }
  }
}
