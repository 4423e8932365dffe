/**
 * A repository of the agent's own, made anew for each judgement, with what is judged and nothing else. Git computes the
 * name of every object that it fetches into it from the content, so that objects, references, grafts and settings of the
 * clone have no say: neither in what a rule finds nor in what is built from here.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { localFaultOf, mayBeFaultOfCopy, needsNewCopyFor } from '@/lib/git/local-faults';
import { failureOf, type RunEnd, type Shell } from '../shell';

/** Below the state folder. */
const FOLDER = 'judged';
const TIMEOUT_MS = 5 * 60_000;
const SSH_SIGNATURE = '-----BEGIN SSH SIGNATURE-----';
const NO_PROGRAM = '/nonexistent';

export type SignatureKind = 'none' | 'ssh' | 'other';

export type JudgedRepository = ReturnType<typeof createJudgedRepository>;

/** `env`: that of every child; what it sets for git is dropped. */
export function createJudgedRepository({
  stateDir,
  env,
  shell,
}: {
  stateDir: string;
  env: NodeJS.ProcessEnv;
  shell: Shell;
}) {
  const root = join(stateDir, FOLDER);
  const folder = join(root, 'repository');
  const signersFile = join(root, 'signers');
  const environment = cleanEnvironment(env, root);

  function git(args: readonly string[], settings: readonly string[] = []): Promise<RunEnd> {
    const all = [
      ...SETTINGS.flatMap((setting) => ['-c', setting]),
      ...settings.flatMap((setting) => ['-c', setting]),
      ...args,
    ];
    return shell.run('git', all, { cwd: root, env: environment, quiet: true, timeoutMs: TIMEOUT_MS });
  }
  const inside = (args: readonly string[], settings: readonly string[] = []): Promise<RunEnd> =>
    git(['-C', folder, ...args], settings);

  return {
    folder,
    /** Makes it anew, for objects of this format. Gives a clause when that fails. */
    async create(format: string): Promise<string | null> {
      try {
        rmSync(root, { recursive: true, force: true });
        mkdirSync(root, { recursive: true, mode: 0o700 });
      } catch (error) {
        return cannotWrite(root, error);
      }
      const objects = format === 'sha1' ? [] : [`--object-format=${format}`];
      const made = await git(['init', '-q', '--template=', '-b', 'judged', ...objects, folder]);
      return made.ok ? null : failureOf('git init', made);
    },
    /**
     * Fetches these commits and all that they need from a repository on this machine. Gives a clause when that fails, and
     * whether that repository may be the reason: an object is damaged, or history is left out.
     */
    async fetch(from: string, commits: readonly string[]): Promise<{ problem: string; isOfSource: boolean } | null> {
      const wanted = commits.map((commit) => `+${commit}:refs/judged/${commit}`);
      const args = ['fetch', '-q', '--no-tags', '--no-recurse-submodules', pathToFileURL(from).href, ...wanted];
      const fetched = await inside(args);
      if (fetched.ok) return null;
      // What the source printed is about a repository of this machine too.
      const stderr = fetched.stderr.map((line) => line.replace(/^remote: ?/, '')).join('\n');
      const mayBe = needsNewCopyFor(localFaultOf(stderr)) || mayBeFaultOfCopy(stderr);
      return { problem: failureOf('git fetch', fetched), isOfSource: fetched.end.kind === 'exited' && mayBe };
    },
    /** False also where the first one is not there at all: every ancestor was fetched. */
    async isAncestor(ancestor: string, commit: string): Promise<boolean> {
      return (await inside(['merge-base', '--is-ancestor', ancestor, commit])).ok;
    },
    /** What kind of signature the commit carries, by its armour: git chooses the program that verifies it by that. */
    async signatureOf(commit: string): Promise<SignatureKind> {
      const { ok, stdout } = await inside(['cat-file', 'commit', commit]);
      const headers = stdout.slice(0, Math.max(0, stdout.indexOf('')));
      const signatures = headers.filter((line) => line.startsWith('gpgsig'));
      if (!ok || signatures.length === 0) return 'none';
      const [signature = ''] = signatures;
      const isSsh = signature.slice(signature.indexOf(' ') + 1) === SSH_SIGNATURE;
      return signatures.length === 1 && isSsh ? 'ssh' : 'other';
    },
    /** Whether one of these keys made the signature; a clause where that can't be checked. `program`: the path of ssh-keygen. */
    async isSignedBy(commit: string, signers: string, program: string): Promise<boolean | { problem: string }> {
      try {
        writeFileSync(signersFile, signers, { mode: 0o600 });
      } catch (error) {
        return { problem: cannotWrite(signersFile, error) };
      }
      const verified = await inside(
        ['verify-commit', commit],
        [
          `gpg.ssh.program=${program}`,
          `gpg.ssh.allowedSignersFile=${signersFile}`,
          // Known to the list, not only valid.
          'gpg.minTrustLevel=fully',
        ],
      );
      return verified.ok;
    },
    /** Writes the files of the commit into the folder. Gives a clause when that fails. */
    async checkOut(commit: string): Promise<string | null> {
      const done = await inside(['checkout', '-q', '-f', '--detach', commit]);
      return done.ok ? null : failureOf('git checkout', done);
    },
    /** Makes the commit the one that the repository is at, without its files, and names the remote of the clone. */
    async pointTo(commit: string, remote: string): Promise<string | null> {
      const moved = await inside(['update-ref', '--no-deref', 'HEAD', commit]);
      if (!moved.ok) return failureOf('git update-ref', moved);
      if (remote === '') return null;
      // Submodules with a relative address are found by it.
      const named = await inside(['config', 'remote.origin.url', remote]);
      return named.ok ? null : failureOf('git config', named);
    },
  };
}

const cannotWrite = (path: string, error: unknown): string =>
  `${path} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`;

/** On the command line they count more than any file. */
const SETTINGS = [
  'protocol.version=2',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  // It could name other parents than the commits do.
  'core.commitGraph=false',
  'core.attributesFile=/dev/null',
  'fetch.unpackLimit=1',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  // Only SSH signatures are verified, so no other program is ever needed.
  `gpg.program=${NO_PROGRAM}`,
  `gpg.openpgp.program=${NO_PROGRAM}`,
  `gpg.x509.program=${NO_PROGRAM}`,
];

/** Without settings of the user, of the system and of this process, replacements and grafts. */
function cleanEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(?:GIT_|SSH_|NIXFLEET_|XDG_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    NODE_ENV: env.NODE_ENV,
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_CEILING_DIRECTORIES: home,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'file',
  };
}
