/**
 * The dashboard's copy of the configuration repository, for writing one file. It is bare, without a working tree, so
 * that links, filters and hooks of the repository can't affect what is written or run.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findCause } from '@/lib/causes/find-cause';
import { plainText } from '@/lib/text/plain-text';
import { redactText } from '@/lib/git/repository-address';
import { gitAccess } from '@/lib/git/git-access';
import { createBareCopy, hasSucceeded, judgeFetch, needsNewCopy, runPastLocks } from '@/lib/git/bare-copy';
import { explainGitEnd, type GitProblem } from '@/lib/git/git-faults';
import { runGit, type GitEnd } from '@/lib/git/git-run';
import { makeMarkedFolder, placeAt } from '@/lib/git/mirror-folder';
import { createRemoteGit, remoteAnswers } from '@/lib/git/remote-git';

export const NETWORK_TIMEOUT_MS = 60_000;
const LOCAL_TIMEOUT_MS = 20_000;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_REASON = 200;

/** A fault as a sentence for the operator. Thrown inside the write-back only. */
export class WriteFault extends Error {
  constructor(
    message: string,
    /** The branch changed between reading and writing; a retry helps. */
    readonly isStale = false,
  ) {
    super(message);
  }
}

export interface FetchedFile {
  commit: string;
  mode: string;
  text: string;
}

export interface WritableRepositoryOptions {
  repository: string;
  token: string | null;
  branch: string;
  /** The folder of the copy; created here. */
  folder: string;
  environment: NodeJS.ProcessEnv;
  now: () => number;
}

export interface WritableRepository {
  /** The address without credentials. */
  shown: string;
  environment: NodeJS.ProcessEnv;
  /** Fetches the branch and returns the file. */
  fetch(path: string, signal: AbortSignal): Promise<FetchedFile>;
  /** Writes a changed text to be checked and committed, and returns its path; removed by `clean`. */
  draft(text: string): Promise<string>;
  /** Commits the draft as `path` on top of the fetched commit. Returns the commit. */
  commit(path: string, file: FetchedFile, message: string, signal: AbortSignal): Promise<string>;
  /** Pushes it as a branch. `force`: for a branch that belongs to the dashboard. */
  push(commit: string, branch: string, force: boolean, signal: AbortSignal): Promise<void>;
  clean(): Promise<void>;
}

export function openWritableRepository(options: WritableRepositoryOptions): WritableRepository {
  const { branch, folder, now } = options;
  const access = gitAccess(options.repository, options.token, options.environment, [['gc.auto', '0']]);
  const { url, shown, secrets } = access;
  const remoteGit = createRemoteGit(access);
  const bare = join(folder, 'repository.git');
  const draftPath = join(folder, 'draft.nix');
  const index = join(folder, 'index');

  const limits = (signal: AbortSignal, timeoutMs: number, more: Readonly<Record<string, string>> = {}) => ({
    environment: { ...access.environment, GIT_INDEX_FILE: index, GIT_LITERAL_PATHSPECS: '1', ...more },
    signal,
    timeoutMs,
    maxOutputBytes: MAX_FILE_BYTES,
  });
  const run = (args: readonly string[], signal: AbortSignal, more: Readonly<Record<string, string>> = {}) =>
    runGit([`--git-dir=${bare}`, ...args], limits(signal, LOCAL_TIMEOUT_MS, more));
  /** With the repository's server; `args` gets its address. */
  const runRemote = (args: (url: string) => readonly string[], signal: AbortSignal) =>
    remoteGit((from) => [`--git-dir=${bare}`, ...args(from)], limits(signal, NETWORK_TIMEOUT_MS));

  async function runOrThrow(
    args: readonly string[],
    signal: AbortSignal,
    more?: Readonly<Record<string, string>>,
  ): Promise<string> {
    const end = await runPastLocks(folder, () => run(args, signal, more));
    if (end.kind === 'exit' && end.code === 0) return end.stdout.toString('utf8').trim();
    throw new WriteFault(explainGitEnd(end, shown, LOCAL_TIMEOUT_MS, secrets));
  }

  function fetchBranch(signal: AbortSignal): Promise<GitEnd | GitProblem> {
    const refs = `+refs/heads/${branch}:refs/nixfleet/base`;
    const flags = ['--quiet', '--depth=1', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    return runRemote((from) => ['fetch', ...flags, '--', from, refs], signal);
  }

  /** The file of the fetched commit, or how git failed to read it. */
  async function read(path: string, signal: AbortSignal): Promise<FetchedFile | GitEnd | GitProblem> {
    const head = await run(['rev-parse', '--verify', 'refs/nixfleet/base^{commit}'], signal);
    if (head.kind !== 'exit' || head.code !== 0) return head;
    const commit = head.stdout.toString('utf8').trim();
    const entry = await run(['ls-tree', '-z', '--full-tree', commit, '--', path], signal);
    if (entry.kind !== 'exit' || entry.code !== 0) return entry;
    const [, mode, blob] = /^(100\d{3}) blob ([0-9a-f]+)\t/.exec(entry.stdout.toString('utf8')) ?? [];
    if (mode === undefined || blob === undefined) {
      throw new WriteFault(
        `Branch ${branch} of ${shown} has no file ${path}: set NIXFLEET_COLOR_FILE to the file with the sets palettes and hostPalette.`,
      );
    }
    const content = await run(['cat-file', 'blob', blob], signal);
    if (content.kind !== 'exit' || content.code !== 0) return content;
    return { commit, mode, text: content.stdout.toString('utf8') };
  }

  /** Fetches into the copy, and creates it where it is missing or of another address. */
  async function fetchCopy(signal: AbortSignal): Promise<GitEnd | GitProblem> {
    const place = await placeAt(folder, url);
    if (place === 'foreign') {
      throw new WriteFault(
        `The folder ${folder} was not created by NixFleet and is left alone: move it away, or set NIXFLEET_NIXCFG_PATH to another one.`,
      );
    }
    if (place !== 'ours') return newCopy(signal);
    const again = () => runPastLocks(folder, () => fetchBranch(signal));
    const answers = () => remoteAnswers(remoteGit, limits(signal, NETWORK_TIMEOUT_MS));
    const { end, isCopy } = await judgeFetch(await again(), { answers, again });
    return isCopy ? newCopy(signal) : end;
  }

  function newCopy(signal: AbortSignal): Promise<GitEnd | GitProblem> {
    return createBareCopy({
      async makeFolder() {
        await rm(folder, { recursive: true, force: true });
        await mkdir(dirname(folder), { recursive: true });
        await makeMarkedFolder(folder, url);
      },
      git: (args) => run(args, signal),
      fetch: () => fetchBranch(signal),
    });
  }

  return {
    shown,
    environment: access.environment,
    async fetch(path, signal) {
      const attempt = async (fetched: GitEnd | GitProblem) => (hasSucceeded(fetched) ? read(path, signal) : fetched);
      let found = await attempt(await fetchCopy(signal));
      if ('kind' in found && needsNewCopy(found)) found = await attempt(await newCopy(signal));
      if ('kind' in found) throw new WriteFault(explainGitEnd(found, shown, NETWORK_TIMEOUT_MS, secrets));
      return found;
    },
    async draft(text) {
      await writeFile(draftPath, text, { mode: 0o600 });
      return draftPath;
    },
    async commit(path, { commit, mode }, message, signal) {
      const blob = await runOrThrow(['hash-object', '-w', '--no-filters', '--', draftPath], signal);
      await runOrThrow(['read-tree', commit], signal);
      await runOrThrow(['update-index', '--cacheinfo', `${mode},${blob},${path}`], signal);
      const tree = await runOrThrow(['write-tree'], signal);
      const date = `${Math.floor(now() / 1_000)} +0000`;
      const identity = Object.fromEntries(
        ['AUTHOR', 'COMMITTER'].flatMap((who) => [
          [`GIT_${who}_NAME`, 'NixFleet'],
          [`GIT_${who}_EMAIL`, 'nixfleet@localhost'],
          [`GIT_${who}_DATE`, date],
        ]),
      );
      return runOrThrow(['commit-tree', '-p', commit, '-m', message, tree], signal, identity);
    },
    async push(commit, target, force, signal) {
      const refs = `${force ? '+' : ''}${commit}:refs/heads/${target}`;
      const end = await runRemote((to) => ['push', '--porcelain', '--no-verify', '--', to, refs], signal);
      if (end.kind !== 'exit' || end.code !== 0) throw pushFault(end, target, shown, secrets);
    },
    async clean() {
      await rm(draftPath, { force: true });
      await rm(index, { force: true });
    },
  };
}

/** Lines of git-push(1) about a branch that changed in the meantime. */
const REJECTED = /\[(?:remote )?rejected\]/i;
const STALE = /non-fast-forward|fetch first|stale info|failed to update ref|cannot lock ref/i;

function pushFault(end: GitEnd | GitProblem, branch: string, shown: string, secrets: readonly string[]): WriteFault {
  if (end.kind !== 'exit') return new WriteFault(explainGitEnd(end, shown, NETWORK_TIMEOUT_MS, secrets));
  const output = `${end.stdout.toString('utf8')}\n${end.stderr}`;
  if (output.split('\n').some((line) => REJECTED.test(line) && STALE.test(line))) {
    return new WriteFault(
      `The branch ${branch} of ${shown} kept changing while the colour was written: try again.`,
      true,
    );
  }
  if (/protected branch|GH006|GH013|pre-receive hook declined|hook declined/i.test(output)) {
    return new WriteFault(
      `${shown} does not let NixFleet push to ${branch}: set NIXFLEET_COLOR_COMMIT_MODE=pr, or let its token push there.`,
    );
  }
  if (
    /returned error: 40[13]|Authentication failed|Permission [^\n]{0,200}denied|could not read Username|read only/i.test(
      output,
    )
  ) {
    return new WriteFault(
      `NixFleet is not allowed to write to ${shown}: give its token (or key) the right to push (at GitHub "Contents: read and write").`,
    );
  }
  // Redacted first: a reason is cut, and half of a secret would not be recognised.
  const reason = plainText(findCause(redactText(output, secrets))?.text ?? '', MAX_REASON);
  return new WriteFault(
    `The colour can't be pushed to ${branch} of ${shown} (git says "${reason}"): check the repository's rules.`,
  );
}
