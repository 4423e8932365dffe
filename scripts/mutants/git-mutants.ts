/** Changes to what protects clones, the credentials of the repository, and what counts as a flake update. */
import type { Mutant } from './mutant';

const CLONE = 'agent/clone.ts';
const FAULTS_TEST = 'agent/repository-faults.test.ts';
const LOCKS = 'lib/git/leftover-locks.ts';
const LOCKS_TEST = 'lib/git/leftover-locks.test.ts';
const RULE = 'lib/forge/recognise-update.ts';
const UPDATES_TEST = 'lib/forge/flake-update-watch.test.ts';

export const GIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'credentials-follow-a-redirect',
    file: 'lib/git/git-access.ts',
    from: "    [`${server}.followRedirects`, 'false'],\n",
    to: '',
    why: 'the credentials of the repository reach another server',
    tests: ['lib/git/remote-git.test.ts', 'agent/repository.test.ts'],
  },
  {
    name: 'redirect-to-another-server',
    file: 'lib/git/redirects.ts',
    from: 'if (new URL(next).origin !== new URL(url).origin) return { to: next };',
    to: '',
    why: 'the credentials of the repository reach another server',
    tests: ['lib/git/remote-git.test.ts'],
  },
  {
    name: 'lock-of-a-running-process',
    file: LOCKS,
    from: 'if (holders === null || holders.length > 0) {',
    to: 'if (holders === null) {',
    why: 'two git processes write the same repository at once',
    tests: [LOCKS_TEST],
  },
  {
    name: 'damaged-clone-deleted',
    file: CLONE,
    from: "const holdsWork = (await workIn(['--ignored'])) !== null;",
    to: 'const holdsWork = false;',
    why: 'work in a damaged clone is lost',
    tests: [FAULTS_TEST],
  },
  {
    name: 'damaged-clone-deleted-to-make-room',
    file: CLONE,
    from: 'if (holdsWork && aside === undefined)',
    to: 'if (holdsWork && kept.length === 0)',
    why: 'a fourth damaged clone is in the way of the new one',
    tests: [FAULTS_TEST],
  },
  {
    name: 'foreign-folder-replaced',
    file: CLONE,
    from: 'if (!isManaged())\n      return failed(',
    to: 'if (dir === "")\n      return failed(',
    why: 'a folder that the agent did not create is moved away',
    tests: ['agent/repository.test.ts'],
  },
  {
    name: 'uncommitted-lock-is-desired',
    file: 'agent/repository.ts',
    from: "if (status.bytes.byteLength > 0) return 'changed';",
    to: '',
    why: 'a host with an uncommitted flake.lock is shown as up to date',
    tests: ['agent/lock-hash.test.ts'],
  },
  {
    name: 'update-with-other-files',
    file: RULE,
    from: '(removed || !isLockFile(path))',
    to: 'removed',
    why: 'a pull request that changes the configuration is offered and merged as a flake update',
    tests: [UPDATES_TEST],
  },
  {
    name: 'edits-that-git-does-not-look-at-deleted',
    file: CLONE,
    from: ' || (await hidesChanges())',
    to: '',
    why: 'work in a file with --skip-worktree is deleted with the clone',
    tests: ['agent/repository-damage.test.ts'],
  },
  {
    name: 'clone-blamed-for-a-submodule',
    file: 'agent/repository.ts',
    from: 'return { ...notPulled(updated), isOpen: false };',
    to: 'return notPulled(updated);',
    why: 'every pull clones again while the server of a submodule does not answer',
    tests: ['agent/repository-damage.test.ts'],
  },
  {
    name: 'clone-blamed-for-the-disk',
    file: 'lib/git/local-faults.ts',
    from: ' && !localLines(stderr).some((line) => OF_MACHINE.test(line))',
    to: '',
    why: 'a clone is made again although its disk is full',
    tests: ['lib/git/local-faults.test.ts'],
  },
];
