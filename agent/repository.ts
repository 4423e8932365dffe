/** The configuration repository: a clone that the agent manages, or in legacy mode a checkout that the operator maintains. */
import { createHash } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LOCK_WAIT_MS, removeLeftoverLocks } from '@/lib/git/leftover-locks';
import { localFaultOf, mayBeFaultOfCopy, needsNewCopyFor, type LocalFault } from '@/lib/git/local-faults';
import { createClone, failed, outcomeOf, type RepositoryOutcome } from './clone';
import { permissionProblem } from './clone-permissions';
import { createGit, type GitOptions, type GitResult, type RefusedRedirect } from './git';
import { describeContents } from './repository-contents';
import { splitRepositoryAddress } from './redact';
import type { Shell } from './shell';
import { plainText } from '@/lib/text/plain-text';

export type { RepositoryOutcome } from './clone';

export interface RepositoryOptions extends GitOptions {
  branch: string;
  /** The path of flake.lock in the repository. */
  lockFile: string;
  submodules: boolean;
}

/** Called after each step of a pull with the number of completed `PULL_STEPS`. */
export type OnPullStep = (done: number) => void;
export const PULL_STEPS = 4;

export type Repository = ReturnType<typeof createRepository>;

/**
 * How a step of a pull ended. `fault`: the fault of the clone that made it fail; null for any other reason. `isOpen`: the
 * reason is not known, and may be the clone.
 */
type Pulled = { ok: true } | { ok: false; message: string; fault: LocalFault | null; isOpen: boolean };

export function createRepository(options: RepositoryOptions) {
  const { dir, branch, lockFile } = options;
  const isolated = options.url !== '';
  const git = createGit(options);
  const clone = createClone({ ...options, git });
  const gitDir = join(dir, '.git');
  const remoteRef = `refs/remotes/origin/${branch}`;
  const headKey = createHeadKey(dir);
  let head = { key: '', commit: '' };
  /** What another step could not read in the clone, although a pull does not need it; null: nothing. */
  let reportedFault: string | null = null;
  /** Clone and pull never run in parallel: the first clone may still run when a pull arrives. */
  let queue: Promise<unknown> = Promise.resolve();

  async function pullIsolated(shell: Shell, onStep: OnPullStep): Promise<RepositoryOutcome> {
    const ensured = await clone.ensure(shell);
    if (!ensured.ok) return ensured;
    await removeLocks(shell, LOCK_WAIT_MS);
    let pulled = await fetchAndReset(shell, onStep);
    if (!pulled.ok && pulled.fault !== null && (await repair(shell, pulled.fault)))
      pulled = await fetchAndReset(shell, onStep);
    if (pulled.ok && reportedFault !== null) {
      const replaced = await clone.replace(shell, reportedFault);
      if (!replaced.ok) return replaced;
      reportedFault = null;
      pulled = await fetchAndReset(shell, onStep);
    }
    let isCloneFaulty = !pulled.ok && needsNewCopyFor(pulled.fault);
    if (!pulled.ok && (await mayBeClone(pulled)) && (await git.hasRemoteBranch(branch))) {
      pulled = await fetchAndReset(shell, onStep);
      isCloneFaulty = !pulled.ok && (needsNewCopyFor(pulled.fault) || (await mayBeClone(pulled)));
    }
    if (!pulled.ok && isCloneFaulty) {
      const replaced = await clone.replace(shell, pulled.message);
      if (!replaced.ok) return replaced;
      pulled = await fetchAndReset(shell, onStep);
    }
    if (!pulled.ok) return failed(await explained(pulled));
    const contents = await describeContents(git, { dir, submodules: options.submodules });
    for (const line of contents) shell.say(line, 'stderr');
    onStep(PULL_STEPS);
    return { ok: true };
  }

  /** The reason is not known; not where a running process may hold the lock. */
  async function mayBeClone({ isOpen, fault }: Extract<Pulled, { ok: false }>): Promise<boolean> {
    if (!isOpen || fault !== 'locked') return isOpen;
    return (await removeLeftoverLocks(gitDir, dir, 0)).held === null;
  }

  async function fetchAndReset(shell: Shell, onStep: OnPullStep): Promise<Pulled> {
    const fetched = await git.runRemote(shell, (url) => ['fetch', url, `+refs/heads/${branch}:${remoteRef}`]);
    if ('refusedRedirect' in fetched || !fetched.ok) return notPulled(fetched);
    onStep(1);
    const reset = await git.run(shell, ['reset', '--hard', remoteRef, '--']);
    if (!reset.ok) return notPulled(reset);
    if (options.submodules) {
      const updated = await updateSubmodules(shell);
      // Their servers may be others, and a new clone would fetch them all again.
      if (!updated.ok) return { ...notPulled(updated), isOpen: false };
    }
    onStep(2);
    const clean = await git.run(shell, ['clean', '-fd']);
    if (!clean.ok) shell.say(`${clean.failure}; untracked files remain in ${dir}`, 'stderr');
    onStep(3);
    const found = await git.look(['rev-parse', 'HEAD', `${remoteRef}^{commit}`]);
    if (!found.ok) return notPulled(found);
    return found.lines[0] === found.lines[1]
      ? { ok: true }
      : { ok: false, message: `${dir} is not at origin/${branch} after the pull`, fault: null, isOpen: true };
  }

  async function updateSubmodules(shell: Shell): Promise<GitResult> {
    const synced = await git.look(['submodule', '--quiet', 'sync', '--recursive']);
    return synced.ok ? git.run(shell, ['submodule', 'update', '--init', '--recursive', '--force']) : synced;
  }

  function notPulled(result: GitResult | RefusedRedirect): Extract<Pulled, { ok: false }> {
    const outcome = outcomeOf(result);
    const stderr = 'stderr' in result ? result.stderr : '';
    const isOpen = 'stderr' in result && result.exited && mayBeFaultOfCopy(stderr);
    return { ok: false, message: outcome.ok ? '' : outcome.message, fault: localFaultOf(stderr), isOpen };
  }

  /** Repairs what can be repaired in place; true when it is worth another try. */
  async function repair(shell: Shell, fault: LocalFault): Promise<boolean> {
    switch (fault) {
      case 'locked':
        // It was waited for already.
        return (await removeLocks(shell, 0)) === null;
      case 'broken-ref':
        // They only say what was fetched last.
        shell.say(`The references to origin in ${dir} can't be used: fetching them again`, 'stderr');
        await removeTrackingReferences();
        return true;
      case 'broken-index':
        // The next reset writes it from the commit.
        shell.say(`The index of ${dir} can't be read: writing it again`, 'stderr');
        rmSync(join(gitDir, 'index'), { recursive: true, force: true });
        return true;
      case 'other-format':
      case 'damaged':
      case 'no-permission':
      case 'other-owner':
        return false;
    }
  }

  /** Removes the locks of git processes that were killed. Gives the one that stays. */
  async function removeLocks(shell: Shell, waitMs: number): Promise<{ path: string; pid: number | null } | null> {
    const { removed, held } = await removeLeftoverLocks(gitDir, dir, waitMs);
    if (removed.length > 0)
      shell.say(
        `Removed leftover locks (${removed.map((path) => relative(dir, path)).join(', ')}): no running git process could hold them`,
        'stderr',
      );
    return held;
  }

  async function removeTrackingReferences(): Promise<void> {
    const listed = await git.look(['for-each-ref', '--format=%(refname)', 'refs/remotes/origin']);
    for (const name of listed.lines) await git.look(['update-ref', '--no-deref', '-d', name]);
    rmSync(join(gitDir, 'refs', 'remotes', 'origin'), { recursive: true, force: true });
  }

  /** The message, with what to do where the clone can't be repaired by the agent. */
  async function explained({
    message,
    fault,
  }: Pick<Extract<Pulled, { ok: false }>, 'message' | 'fault'>): Promise<string> {
    if (fault === 'no-permission' || fault === 'other-owner')
      // A checkout of the operator stays the operator's.
      return isolated ? `${message}; ${permissionProblem(dir)}` : `${message}; let the agent's user write in ${dir}`;
    if (fault !== 'locked') return message;
    if (!isolated) return `${message}; if no git command runs in ${dir}, delete that lock file`;
    const { held } = await removeLeftoverLocks(gitDir, dir, 0);
    return held?.pid == null
      ? message
      : `${message}; the process ${held.pid} may hold that lock: pull again when it has ended, or end it`;
  }

  async function pullLegacy(shell: Shell, onStep: OnPullStep): Promise<RepositoryOutcome> {
    if (!existsSync(dir))
      return failed(`${dir} does not exist: check the repository out there, or set NIXFLEET_REPO_URL`);
    const run = await git.run(shell, ['pull', '--ff-only']);
    if (!run.ok) return failed(await explained({ message: run.failure, fault: localFaultOf(run.stderr) }));
    if (options.submodules) {
      const updated = await git.run(shell, ['submodule', 'update', '--init', '--recursive']);
      if (!updated.ok) return failed(updated.failure);
    }
    onStep(PULL_STEPS);
    return { ok: true };
  }

  async function isShallow(): Promise<boolean> {
    return (await git.look(['rev-parse', '--is-shallow-repository'])).lines[0] === 'true';
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
    url: git.url,
    exists: () => existsSync(gitDir),
    /** Clones at the first start; does nothing in legacy mode. */
    prepare: (shell: Shell): Promise<RepositoryOutcome> =>
      isolated ? inOrder(() => clone.ensure(shell)) : Promise.resolve({ ok: true }),
    pull: (shell: Shell, onStep: OnPullStep): Promise<RepositoryOutcome> =>
      inOrder(() => (isolated ? pullIsolated(shell, onStep) : pullLegacy(shell, onStep))),
    /** The full commit of HEAD, or ''. Runs git only when files in `.git` have changed. */
    async head(): Promise<string> {
      const key = headKey();
      if (key === null) return '';
      if (key === '' || key !== head.key) {
        const run = await git.look(['rev-parse', '--verify', 'HEAD']);
        const commit = run.ok ? (run.lines[0] ?? '') : '';
        head = { key: commit === '' ? '' : key, commit };
      }
      return head.commit;
    },
    /** Changed files that git follows, one line each; null where git can't tell. Files that it does not follow are no part of a flake. */
    async changes(): Promise<string[] | null> {
      const args = [
        '-c',
        'core.fsmonitor=false',
        'status',
        '--porcelain',
        '--untracked-files=no',
        '--ignore-submodules=none',
      ];
      const status = await git.look(args);
      return status.ok ? status.lines.map((line) => plainText(line.slice(3), 200)) : null;
    },
    /** "sha1" or "sha256"; null where git can't tell. */
    async objectFormat(): Promise<string | null> {
      const found = await git.look(['rev-parse', '--show-object-format']);
      const format = found.lines[0];
      return found.ok && (format === 'sha1' || format === 'sha256') ? format : null;
    },
    /** The address of the remote, without credentials; '' without one. */
    async remoteAddress(): Promise<string> {
      if (isolated) return git.url;
      const origin = await git.look(['remote', 'get-url', 'origin']);
      return origin.ok ? splitRepositoryAddress(origin.lines[0] ?? '').url : '';
    },
    /** Fetches a branch of the remote, and gives the commit that it is at. `problem`: a clause. */
    async fetchBranch(shell: Shell, name: string): Promise<{ commit: string } | { problem: string }> {
      // By its hash: a branch `release` that is gone by now would be in the way of `release/25.11`.
      const ref = `refs/nixfleet/branch/${createHash('sha256').update(name).digest('hex')}`;
      const args = (from: string) => ['fetch', '--no-tags', from, `+refs/heads/${name}:${ref}`];
      const fetched = isolated ? await git.runRemote(shell, args) : await git.run(shell, args('origin'));
      const outcome = outcomeOf(fetched);
      if (!outcome.ok) return { problem: outcome.message };
      const found = await git.look(['rev-parse', '--verify', `${ref}^{commit}`]);
      const commit = found.lines[0];
      return found.ok && commit !== undefined ? { commit } : { problem: found.failure };
    },
    /** The history can't be read as a whole (`why`, a clause): the next pull clones again. Gives what to do, as a clause. */
    async reportFault(why: string): Promise<string> {
      if (isolated) {
        reportedFault = why;
        return 'Pull repairs the clone';
      }
      return (await isShallow())
        ? `${dir} is a shallow checkout: run git fetch --unshallow there`
        : `look for damage in ${dir} with git fsck, or check the repository out again`;
    },
    /** Whether old commits are left out. */
    isShallow,
    /** Fetches the submodules of another checkout of this repository. Gives a clause when that fails. */
    async updateSubmodulesOf(shell: Shell, folder: string): Promise<string | null> {
      const updated = await git.run(shell, ['submodule', 'update', '--init', '--recursive', '--force'], folder);
      return updated.ok ? null : updated.failure;
    },
    /** Changes when HEAD or the index may have changed; null without a repository, '' if unknown. */
    headKey,
    /** ISO time of the last commit that changed flake.lock, or ''. */
    async lockCommittedAt(): Promise<string> {
      if (!existsSync(join(dir, lockFile))) return '';
      const run = await git.look(['log', '-1', '--format=%cI', '--', lockFile]);
      return run.ok ? (run.lines[0] ?? '') : '';
    },
    /**
     * The bytes of flake.lock at HEAD where git calls the file unchanged: the working tree may hold them in another form
     * (line endings, an encoding, a filter). Null where git can't tell.
     */
    async committedLock(): Promise<Buffer | 'changed' | null> {
      const status = await git.look(['status', '--porcelain=v1', '-z', '--untracked-files=all', '--', lockFile]);
      if (!status.ok) return null;
      if (status.bytes.byteLength > 0) return 'changed';
      const blob = await git.look(['cat-file', 'blob', `HEAD:./${lockFile}`]);
      if (blob.ok) return blob.bytes;
      // Ignored by git, and so not committed.
      return blob.exited ? 'changed' : null;
    },
  };
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
