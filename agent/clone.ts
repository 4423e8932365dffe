/**
 * The agent's clone: created, adopted from an earlier agent, and replaced when it can't be read. A folder that somebody
 * else may have worked in is moved aside and never deleted.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { localFaultOf, mayBeFaultOfCopy, needsNewCopyFor } from '@/lib/git/local-faults';
import { refusedRedirect } from '@/lib/git/redirects';
import { permissionProblem } from './clone-permissions';
import type { Git, GitResult, RefusedRedirect } from './git';
import { splitRepositoryAddress } from './redact';
import type { Shell } from './shell';
import { readStateFile, writeStateFile } from './state-file';

export type RepositoryOutcome = { ok: true } | { ok: false; message: string };

/** The folder that this agent created: only that one may be replaced or reset without checks. */
const managedSchema = z.object({ dir: z.string() });
/** Damaged clones that are kept beside the new one: more would fill the disk. */
const MAX_KEPT_CLONES = 3;

export const failed = (message: string): RepositoryOutcome => ({ ok: false, message });
/** What to do when the folder or its neighbour can't be made. Only for missing rights is access to the parent the remedy. */
function accessAdvice(error: unknown, dir: string): string {
  const another = 'set NIXFLEET_REPO_DIR to another folder';
  return ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))
    ? `give the agent's user write access to ${dirname(dir)}, or ${another}`
    : `look at the disk of ${dirname(dir)}, or ${another}`;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';

export interface CloneOptions {
  dir: string;
  branch: string;
  stateDir: string;
  git: Git;
}

export type Clone = ReturnType<typeof createClone>;

export function createClone({ dir, branch, stateDir, git }: CloneOptions) {
  const managedFile = join(stateDir, 'repository.json');

  function isManaged(): boolean {
    return dir === join(stateDir, 'repo') || readStateFile(managedFile, managedSchema)?.dir === dir;
  }

  /** Ensures a clone that may be reset, or fails with the reason and what to do. */
  async function ensure(shell: Shell): Promise<RepositoryOutcome> {
    if (!existsSync(dir) || (statSync(dir).isDirectory() && readdirSync(dir).length === 0)) return create(shell);
    if (!statSync(dir).isDirectory())
      return failed(`${dir} is a file: move it away, or set NIXFLEET_REPO_DIR to another folder`);
    const found = await git.look(['rev-parse', '--git-dir']);
    if (found.ok) return isManaged() ? pointOrReplace(shell) : adopt();
    if (!found.exited) return failed(found.failure);
    const fault = localFaultOf(found.stderr);
    if (fault === 'other-owner' || fault === 'no-permission') return failed(permissionProblem(dir));
    if (!isManaged())
      return failed(
        `${dir} is not empty and not a readable git repository, and this agent did not create it, so it is left untouched: move it away, or set NIXFLEET_REPO_DIR to another folder`,
      );
    return replace(shell, found.failure);
  }

  async function create(shell: Shell): Promise<RepositoryOutcome> {
    try {
      // Of a replacement that was interrupted.
      rmSync(`${dir}.nixfleet-new`, { recursive: true, force: true });
      makeFolder(dir);
      // Saved first: an interrupted clone leaves a folder that only its creator may remove.
      writeStateFile(managedFile, { dir });
    } catch (error) {
      return failed(`${dir} can't be created (${codeOf(error)}): ${accessAdvice(error, dir)}`);
    }
    return cloneInto(shell, dir);
  }

  async function cloneInto(shell: Shell, folder: string): Promise<RepositoryOutcome> {
    return outcomeOf(
      await git.runRemote(
        shell,
        (url) => ['clone', '--branch', branch, '--single-branch', '--', url, folder],
        dirname(folder),
      ),
    );
  }

  /**
   * Clones again, because the clone can't be used. The old one stays until the new one is complete, and then beside it,
   * unless git can tell that it holds nothing but what was fetched.
   */
  async function replace(shell: Shell, why: string): Promise<RepositoryOutcome> {
    const fresh = `${dir}.nixfleet-new`;
    const holdsWork = (await workIn(['--ignored'])) !== null;
    const kept = keptClones();
    const aside = kept.find((path) => !existsSync(path));
    if (holdsWork && aside === undefined)
      return failed(
        `the clone in ${dir} can't be used (${why}), and ${kept.join(', ')} are earlier ones that could not be used: check whether they hold work that was never pushed, and delete them`,
      );
    shell.say(`The clone in ${dir} can't be used (${why}): cloning again`, 'stderr');
    try {
      rmSync(fresh, { recursive: true, force: true });
      makeFolder(fresh);
      const cloned = await cloneInto(shell, fresh);
      if (!cloned.ok) return cloned;
      if (!holdsWork) rmSync(dir, { recursive: true, force: true });
      else if (aside !== undefined) renameSync(dir, aside);
      renameSync(fresh, dir);
      if (holdsWork)
        shell.say(
          `The old clone is in ${aside ?? ''}: it may hold changes that were never pushed. Delete it if you don't need it.`,
          'stderr',
        );
      return { ok: true };
    } catch (error) {
      return failed(`the clone in ${dir} can't be replaced (${codeOf(error)}): ${accessAdvice(error, dir)}`);
    } finally {
      removeLeftover(fresh);
    }
  }

  function keptClones(): string[] {
    return Array.from({ length: MAX_KEPT_CLONES }, (_, index) => `${dir}.nixfleet-damaged-${index + 1}`);
  }

  /** What the repository holds beside the commits of its remote; null when it holds nothing else. */
  async function workIn(more: readonly string[] = []): Promise<string | null> {
    const status = ['status', '--porcelain', '--untracked-files=all', '--ignore-submodules=none', ...more];
    const changes = await git.look(status);
    if (!changes.ok || changes.lines.length > 0 || (await hidesChanges())) return 'it has uncommitted changes';
    // Git looks at the files of one working tree only.
    if (existsSync(join(dir, '.git', 'worktrees'))) return 'it has other working trees';
    const stash = await git.look(['rev-parse', '--verify', '--quiet', 'refs/stash']);
    if (stash.ok) return 'it has a stash';
    // Also what a tag alone holds. The agent's own references are of commits of the remote.
    const every = ['--exclude=refs/nixfleet/*', '--all', 'HEAD'];
    const unpushed = await git.look(['rev-list', '--max-count=1', ...every, '--not', '--remotes']);
    return !unpushed.ok || unpushed.lines.length > 0 ? 'it has unpushed commits' : null;
  }

  /** `git status` says nothing of files that git was asked not to look at (`--skip-worktree`, `--assume-unchanged`). */
  async function hidesChanges(): Promise<boolean> {
    const listed = await git.look(['ls-files', '-v', '-z']);
    if (!listed.ok) return true;
    const hidden = listed.bytes
      .toString('utf8')
      .split('\0')
      .filter((entry) => /^[a-zS] /.test(entry));
    return hidden.some((entry) => existsSync(join(dir, entry.slice(2))));
  }

  /** Adopts an existing repository if a reset loses nothing: the clone of an earlier agent stays in use, and no work is lost. */
  async function adopt(): Promise<RepositoryOutcome> {
    const advice = `this agent did not create ${dir}, so it is left untouched: move it away, or set NIXFLEET_REPO_DIR to another folder`;
    const origin = await git.look(['remote', 'get-url', 'origin']);
    if (!origin.ok || splitRepositoryAddress(origin.lines[0] ?? '').url !== git.url)
      return failed(`${advice} (its origin is not NIXFLEET_REPO_URL)`);
    const work = await workIn();
    if (work !== null) return failed(`${advice} (${work})`);
    try {
      writeStateFile(managedFile, { dir });
    } catch (error) {
      return failed(`${managedFile} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`);
    }
    const failure = await pointToAddress();
    return failure === null ? { ok: true } : failed(failure.failure);
  }

  async function pointOrReplace(shell: Shell): Promise<RepositoryOutcome> {
    const failure = await pointToAddress();
    if (failure === null) return { ok: true };
    const fault = localFaultOf(failure.stderr);
    const isOpen = failure.exited && fault !== 'locked' && mayBeFaultOfCopy(failure.stderr);
    return isOpen || needsNewCopyFor(fault) ? replace(shell, failure.failure) : failed(failure.failure);
  }

  /** The address may have changed, and older clones have the credentials in theirs. Null: it is that of origin now. */
  async function pointToAddress(): Promise<GitResult | null> {
    const origin = await git.look(['remote', 'get-url', 'origin']);
    if (origin.ok && origin.lines[0] === git.url) return null;
    const run = await git.look(['remote', origin.ok ? 'set-url' : 'add', 'origin', git.url]);
    return run.ok ? null : run;
  }

  return { ensure, replace };
}

/** The next attempt removes what stays; the reason of this one must not be hidden by another. */
function removeLeftover(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // As above.
  }
}

/** Readable by its owner only. */
function makeFolder(path: string): void {
  const parent = dirname(path);
  if (!existsSync(parent)) mkdirSync(parent, { recursive: true, mode: 0o700 });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

/** The outcome of a command with the repository's server. */
export function outcomeOf(result: GitResult | RefusedRedirect): RepositoryOutcome {
  if ('refusedRedirect' in result)
    return failed(`the repository ${refusedRedirect(result.refusedRedirect, 'the agent', 'NIXFLEET_REPO_URL')}`);
  return result.ok ? { ok: true } : failed(result.failure);
}
