import { expect, it } from 'vitest';
import { explainGitEnd, type GitProblem } from './git-faults';
import type { GitEnd } from './git-run';

const REPOSITORY = 'https://git.example.org/nixcfg';
const exit = (stderr: string): GitEnd => ({ kind: 'exit', code: 128, stdout: Buffer.alloc(0), stderr });

it.each<[string, GitEnd | GitProblem, RegExp]>([
  [
    'files of another user in the data folder',
    exit("error: cannot open '/data/config-mirror.git/FETCH_HEAD': Permission denied"),
    /let the user that runs NixFleet own the data folder with everything in it \(chown -R\)/,
  ],
  [
    'a key that the server refuses',
    exit('git@git.example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.'),
    /give NixFleet a token or key/,
  ],
  [
    'a lock of a running process',
    { kind: 'locked', path: '/data/config-mirror.git/shallow.lock', pid: 4711 },
    /the lock \/data\/config-mirror\.git\/shallow\.lock may belong to the process 4711/,
  ],
  [
    'a lock where processes can’t be listed',
    { kind: 'locked', path: '/data/x.lock', pid: null },
    /may belong to a running git process/,
  ],
  [
    'a redirect to another server',
    { kind: 'redirected', to: 'https://elsewhere.example.org/nixcfg' },
    /redirects to https:\/\/elsewhere\.example\.org\/nixcfg, .* set NIXFLEET_CONFIG_REPO/,
  ],
])('explains %s', (_what, end, sentence) => {
  expect(explainGitEnd(end, REPOSITORY, 1_000, [])).toMatch(sentence);
});
