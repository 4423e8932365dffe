/** The configuration repository: a clone that the agent manages, or in legacy mode a checkout that the operator maintains. */
import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { splitRepositoryAddress, type RepositoryAddress } from './redact';
import { failureOf, type RunEnd, type Shell } from './shell';
import { readStateFile, writeStateFile } from './state-file';

/** A fetch that hangs must not block the host forever. */
export const GIT_TIMEOUT_MS = 5 * 60_000;
const QUICK_GIT_TIMEOUT_MS = 20_000;

export interface RepositoryOptions {
  /** As configured, credentials included; '' for legacy mode. */
  url: string;
  dir: string;
  branch: string;
  sshKey: string;
  stateDir: string;
  /** Runs git outside of commands, to inspect the clone. */
  quietShell: Shell;
}

export type RepositoryOutcome = { ok: true } | { ok: false; message: string };
/** Called after each step of a pull with the number of completed `PULL_STEPS`. */
export type OnPullStep = (done: number) => void;
export const PULL_STEPS = 4;

/** The folder that this agent created: only that one may be emptied or reset without checks. */
const managedSchema = z.object({ dir: z.string() });

export type Repository = ReturnType<typeof createRepository>;

export function createRepository(options: RepositoryOptions) {
  const { dir, branch, quietShell } = options;
  const isolated = options.url !== '';
  const address = splitRepositoryAddress(options.url);
  const managedFile = join(options.stateDir, 'repository.json');
  const env = gitEnvironment(options, address);
  const headKey = createHeadKey(dir);
  let head = { key: '', commit: '' };
  /** Clone and pull never run in parallel: the first clone may still run when a pull arrives. */
  let queue: Promise<unknown> = Promise.resolve();

  function git(shell: Shell, args: readonly string[], quiet = false, cwd = dir): Promise<RunEnd> {
    return shell.run('git', args, { cwd, env, quiet, timeoutMs: quiet ? QUICK_GIT_TIMEOUT_MS : GIT_TIMEOUT_MS });
  }

  function isManaged(): boolean {
    return dir === join(options.stateDir, 'repo') || readStateFile(managedFile, managedSchema)?.dir === dir;
  }

  /** Ensures a clone that may be reset, or fails with the reason and what to do. */
  async function ensure(shell: Shell): Promise<RepositoryOutcome> {
    if (!existsSync(dir) || (statSync(dir).isDirectory() && readdirSync(dir).length === 0)) return clone(shell);
    if (!statSync(dir).isDirectory())
      return failed(`${dir} is a file: move it away, or set NIXFLEET_REPO_DIR to another folder`);
    const found = await git(quietShell, ['rev-parse', '--git-dir'], true);
    if (found.ok) return isManaged() ? pointToAddress() : adopt();
    if (found.end.kind !== 'exited') return failed(failureOf('git', found));
    if (/dubious ownership/.test(found.lastError))
      return failed(`${dir} belongs to another user, so git refuses it: chown it to the agent's user, or move it away`);
    if (!isManaged())
      return failed(
        `${dir} is not empty and not a readable git repository, and this agent did not create it, so it is left untouched: move it away, or set NIXFLEET_REPO_DIR to another folder`,
      );
    shell.say(`The clone in ${dir} can't be read: cloning again`, 'stderr');
    rmSync(dir, { recursive: true, force: true });
    return clone(shell);
  }

  async function clone(shell: Shell): Promise<RepositoryOutcome> {
    const parent = dirname(dir);
    try {
      if (!existsSync(parent)) mkdirSync(parent, { recursive: true, mode: 0o700 });
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      chmodSync(dir, 0o700);
      // Saved first: an interrupted clone leaves a folder that only its creator may remove.
      writeStateFile(managedFile, { dir });
    } catch (error) {
      return failed(
        `${dir} can't be created (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'}): give the agent's user write access to ${parent}, or set NIXFLEET_REPO_DIR to another folder`,
      );
    }
    const run = await git(
      shell,
      ['clone', '--branch', branch, '--single-branch', '--', address.url, dir],
      false,
      parent,
    );
    return run.ok ? { ok: true } : failed(failureOf('git clone', run));
  }

  /** Adopts an existing repository if a reset loses nothing: the clone of an earlier agent stays in use, and no work is lost. */
  async function adopt(): Promise<RepositoryOutcome> {
    const advice = `this agent did not create ${dir}, so it is left untouched: move it away, or set NIXFLEET_REPO_DIR to another folder`;
    const origin = await git(quietShell, ['remote', 'get-url', 'origin'], true);
    if (!origin.ok || splitRepositoryAddress(origin.stdout[0] ?? '').url !== address.url)
      return failed(`${advice} (its origin is not NIXFLEET_REPO_URL)`);
    const changes = await git(quietShell, ['status', '--porcelain', '--untracked-files=all'], true);
    if (!changes.ok || changes.stdout.length > 0) return failed(`${advice} (it has uncommitted changes)`);
    const unpushed = await git(
      quietShell,
      ['rev-list', '--max-count=1', 'HEAD', '--branches', '--not', '--remotes'],
      true,
    );
    if (!unpushed.ok || unpushed.stdout.length > 0) return failed(`${advice} (it has unpushed commits)`);
    const stash = await git(quietShell, ['rev-parse', '--verify', '--quiet', 'refs/stash'], true);
    if (stash.ok) return failed(`${advice} (it has a stash)`);
    try {
      writeStateFile(managedFile, { dir });
    } catch (error) {
      return failed(`${managedFile} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`);
    }
    return pointToAddress();
  }

  /** The address may have changed, and older clones have the credentials in theirs. */
  async function pointToAddress(): Promise<RepositoryOutcome> {
    const origin = await git(quietShell, ['remote', 'get-url', 'origin'], true);
    if (origin.ok && origin.stdout[0] === address.url) return { ok: true };
    const run = await git(quietShell, ['remote', origin.ok ? 'set-url' : 'add', 'origin', address.url], true);
    return run.ok ? { ok: true } : failed(failureOf('git remote', run));
  }

  async function pullIsolated(shell: Shell, onStep: OnPullStep): Promise<RepositoryOutcome> {
    const ensured = await ensure(shell);
    if (!ensured.ok) return ensured;
    const remote = `refs/remotes/origin/${branch}`;
    const fetch = await git(shell, ['fetch', 'origin', `+refs/heads/${branch}:${remote}`]);
    if (!fetch.ok) return failed(failureOf('git fetch', fetch));
    onStep(1);
    const reset = await git(shell, ['reset', '--hard', remote, '--']);
    if (!reset.ok) return failed(failureOf('git reset', reset));
    onStep(2);
    const clean = await git(shell, ['clean', '-fd']);
    if (!clean.ok) shell.say(`${failureOf('git clean', clean)}; untracked files remain in ${dir}`, 'stderr');
    onStep(3);
    const found = await git(quietShell, ['rev-parse', 'HEAD', `${remote}^{commit}`], true);
    if (!found.ok || found.stdout[0] !== found.stdout[1])
      return failed(`${dir} is not at origin/${branch} after the pull`);
    onStep(PULL_STEPS);
    return { ok: true };
  }

  async function pullLegacy(shell: Shell, onStep: OnPullStep): Promise<RepositoryOutcome> {
    if (!existsSync(dir))
      return failed(`${dir} does not exist: check the repository out there, or set NIXFLEET_REPO_URL`);
    const run = await git(shell, ['pull', '--ff-only']);
    if (!run.ok) return failed(failureOf('git pull', run));
    onStep(PULL_STEPS);
    return { ok: true };
  }

  function inOrder(work: () => Promise<RepositoryOutcome>): Promise<RepositoryOutcome> {
    // An error of the file system (a folder of another user) is a result too.
    const result = queue
      .then(work)
      .catch((error: unknown) =>
        failed(`${dir} can't be used (${error instanceof Error ? error.message : 'unknown reason'})`),
      );
    queue = result;
    return result;
  }

  return {
    dir,
    isolated,
    /** The address without credentials. */
    url: address.url,
    exists: () => existsSync(join(dir, '.git')),
    /** Clones at the first start; does nothing in legacy mode. */
    prepare: (shell: Shell): Promise<RepositoryOutcome> =>
      isolated ? inOrder(() => ensure(shell)) : Promise.resolve({ ok: true }),
    pull: (shell: Shell, onStep: OnPullStep): Promise<RepositoryOutcome> =>
      inOrder(() => (isolated ? pullIsolated(shell, onStep) : pullLegacy(shell, onStep))),
    /** The full commit of HEAD, or ''. Runs git only when files in `.git` have changed. */
    async head(): Promise<string> {
      const key = headKey();
      if (key === null) return '';
      if (key === '' || key !== head.key) {
        const run = await git(quietShell, ['rev-parse', '--verify', 'HEAD'], true);
        const commit = run.ok ? (run.stdout[0] ?? '') : '';
        head = { key: commit === '' ? '' : key, commit };
      }
      return head.commit;
    },
    /** ISO time of the last commit that changed flake.lock, or ''. */
    async lockCommittedAt(): Promise<string> {
      if (!existsSync(join(dir, 'flake.lock'))) return '';
      const run = await git(quietShell, ['log', '-1', '--format=%cI', '--', 'flake.lock'], true);
      return run.ok ? (run.stdout[0] ?? '') : '';
    },
  };
}

function failed(message: string): RepositoryOutcome {
  return { ok: false, message };
}

/** Gives a key of times and sizes that changes when HEAD may have moved: reset, commit and pull write the index or the log of HEAD. Null without a repository; '' if unknown (the `.git` of a worktree is elsewhere). */
function createHeadKey(dir: string): () => string | null {
  return () => {
    if (dir === '' || !existsSync(join(dir, '.git'))) return null;
    if (statSync(join(dir, '.git'), { throwIfNoEntry: false })?.isDirectory() !== true) return '';
    return ['.git/HEAD', '.git/logs/HEAD', '.git/index', '.git/packed-refs']
      .map((name) => {
        const stat = statSync(join(dir, name), { throwIfNoEntry: false });
        return stat === undefined ? '-' : `${stat.mtimeMs}:${stat.size}:${stat.ino}`;
      })
      .join(' ');
  };
}

function gitEnvironment(options: RepositoryOptions, address: RepositoryAddress): Record<string, string> {
  const env: Record<string, string> = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    // A folder that is not a repository must not count as part of an enclosing one, which would then be reset.
    GIT_CEILING_DIRECTORIES: ceiling(options.dir),
    GIT_SSH_COMMAND: sshCommand(options),
  };
  if (address.authorization !== null) {
    // Not in the arguments, which every user of the machine can read, and not in .git/config.
    env['GIT_CONFIG_COUNT'] = '1';
    env['GIT_CONFIG_KEY_0'] = `http.${new URL(address.url).origin}/.extraHeader`;
    env['GIT_CONFIG_VALUE_0'] = `Authorization: ${address.authorization}`;
  }
  return env;
}

/** git compares real paths, so links are resolved as far as the folder exists. */
function ceiling(dir: string): string {
  const parent = dirname(dir);
  try {
    return realpathSync(parent);
  } catch {
    return parent === dir ? dir : join(ceiling(parent), basename(parent));
  }
}

/** The first key of a server is stored, and a changed one is refused: who answers as the repository decides what the host runs. */
function sshCommand(options: RepositoryOptions): string {
  const knownHosts = join(options.stateDir, 'known_hosts').replaceAll('%', '%%');
  const words = ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new'];
  words.push('-o', `UserKnownHostsFile="${knownHosts}"`);
  if (options.sshKey !== '') words.push('-o', 'IdentitiesOnly=yes', '-i', options.sshKey.replaceAll('%', '%%'));
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}
