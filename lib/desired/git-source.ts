/**
 * The desired state from the configuration repository. A bare copy in the data folder holds every branch, so the
 * ancestry of any pushed commit can be determined. It is recreated when it belongs to another address or is damaged.
 */
import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostRelation } from '@/lib/fleet/hosts/desired';
import { plainText } from '@/lib/text/plain-text';
import { commitPage } from '@/lib/git/repository-address';
import { gitAccess } from '@/lib/git/git-access';
import {
  createBareCopy,
  hasSucceeded,
  judgeFetch,
  mayNeedNewCopy,
  needsNewCopy,
  runPastLocks,
} from '@/lib/git/bare-copy';
import { COMMIT_PREFIX } from '@/lib/git/commit-id';
import { lockFileIn } from '@/lib/git/flake-folder';
import { explainGitEnd, type GitProblem } from '@/lib/git/git-faults';
import { runGit, type GitEnd } from '@/lib/git/git-run';
import { makeMarkedFolder, placeAt, type Place } from '@/lib/git/mirror-folder';
import { createRemoteGit, remoteAnswers } from '@/lib/git/remote-git';
import type { FetchedState, FetchOutcome, DesiredStateSource } from './source';

export const FETCH_TIMEOUT_MS = 60_000;
/** The first fetch copies the whole history. */
export const FIRST_FETCH_TIMEOUT_MS = 300_000;
const LOCAL_TIMEOUT_MS = 20_000;
const TIDY_TIMEOUT_MS = 120_000;
const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const MAX_MESSAGE = 500;

const MIRROR_FOLDER = 'config-mirror.git';

export interface GitSourceOptions {
  /** https, ssh or file address, `user@host:path`, or a path. */
  repository: string;
  branch: string;
  /** The folder of the flake in the repository; '' for its root. */
  flakeDir: string;
  /** An existing folder, in which the copy is created. */
  dataDir: string;
  /** Shortened by tests. */
  fetchTimeoutMs?: number;
  environment?: NodeJS.ProcessEnv;
}

/** The result of reading a copy: an answer, a fault of the repository, or a damaged copy. */
type Reading = FetchOutcome | { kind: 'damaged'; end: GitEnd };

export function createGitSource(options: GitSourceOptions): DesiredStateSource {
  const { branch } = options;
  const folder = join(options.dataDir, MIRROR_FOLDER);
  const aside = `${folder}.new`;

  const lockPath = lockFileIn(options.flakeDir);

  const access = gitAccess(options.repository, null, options.environment ?? process.env, [
    ['log.showSignature', 'false'],
    // Keep commits removed by a force-push: hosts may still run them.
    ['gc.pruneExpire', 'never'],
    ['gc.autoDetach', 'false'],
  ]);
  const { url, shown, environment, secrets, hasCredentials } = access;
  const remoteGit = createRemoteGit(access);
  const hintAboutAccess =
    hasCredentials && url.startsWith('http://') && !isLoopback(new URL(url).hostname)
      ? 'The credentials of the repository are sent over plain http: use an https address in NIXFLEET_CONFIG_REPO.'
      : null;

  let damaged = false;
  let tidying: Promise<unknown> = Promise.resolve();

  function git(
    mirror: string,
    args: readonly string[],
    signal: AbortSignal,
    timeoutMs: number,
    maxOutputBytes?: number,
  ) {
    return runGit([`--git-dir=${mirror}`, ...args], { environment, signal, timeoutMs, maxOutputBytes });
  }

  function failed(end: GitEnd | GitProblem, timeoutMs: number): FetchOutcome {
    return { kind: 'failed', message: explainGitEnd(end, shown, timeoutMs, secrets) };
  }

  function fetchInto(mirror: string, signal: AbortSignal, timeoutMs: number): Promise<GitEnd | GitProblem> {
    // Outside refs/heads, so that a branch named "deadbee" can't be mistaken for a commit.
    const refs = '+refs/heads/*:refs/mirror/*';
    const flags = [
      '--quiet',
      '--prune',
      '--no-tags',
      '--no-auto-gc',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
    ];
    return remoteGit((from) => [`--git-dir=${mirror}`, 'fetch', ...flags, '--', from, refs], {
      environment,
      signal,
      timeoutMs,
    });
  }

  /** The commit of the branch, or the reason there is none. */
  async function target(mirror: string, signal: AbortSignal): Promise<string | Reading> {
    const local = (args: readonly string[]) => git(mirror, args, signal, LOCAL_TIMEOUT_MS);
    const found = await local(['show-ref', '--verify', '--hash', `refs/mirror/${branch}`]);
    if (found.kind !== 'exit') return failed(found, LOCAL_TIMEOUT_MS);
    if (found.code === 0) return found.stdout.toString('utf8').trim();
    const heads = await local(['for-each-ref', '--count=10', '--format=%(refname:lstrip=2)', 'refs/mirror']);
    if (heads.kind !== 'exit' || heads.code !== 0) return { kind: 'damaged', end: heads };
    const names = heads.stdout
      .toString('utf8')
      .split('\n')
      .filter(Boolean)
      .map((name) => plainText(name, 100));
    if (names.includes(branch)) return { kind: 'damaged', end: found };
    if (names.length === 0) {
      return {
        kind: 'failed',
        message: `The repository ${shown} is empty: push a first commit to its branch ${branch}.`,
      };
    }
    return {
      kind: 'failed',
      message: `The repository ${shown} has no branch "${branch}": set NIXFLEET_CONFIG_BRANCH to an existing one (${names.join(', ')}), or push it.`,
    };
  }

  /** Reads the desired state from a copy that was just fetched. */
  async function read(mirror: string, signal: AbortSignal): Promise<Reading> {
    const commit = await target(mirror, signal);
    if (typeof commit !== 'string') return commit;

    const local = (args: readonly string[], max?: number) => git(mirror, args, signal, LOCAL_TIMEOUT_MS, max);
    const log = await local(['log', '-1', '--encoding=UTF-8', '--format=%ct%x00%B', '--end-of-options', commit]);
    if (log.kind !== 'exit') return failed(log, LOCAL_TIMEOUT_MS);
    if (log.code !== 0) return { kind: 'damaged', end: log };
    const [seconds = '', message = ''] = log.stdout.toString('utf8').split('\0');

    const answer: FetchedState = {
      branch,
      commit,
      message: plainText(message.trimStart().split('\n')[0] ?? '', MAX_MESSAGE),
      committedAt: /^\d{1,12}$/.test(seconds) ? Number(seconds) * 1000 : null,
      lockHash: '',
      commitUrl: commitPage(url, commit),
      hint: null,
    };
    const entry = await local(['ls-tree', '-z', commit, '--', lockPath]);
    if (entry.kind !== 'exit') return failed(entry, LOCAL_TIMEOUT_MS);
    if (entry.code !== 0) return { kind: 'damaged', end: entry };
    const blob = /^100\d{3} blob ([0-9a-f]+)\t/.exec(entry.stdout.toString('utf8'))?.[1];
    const hints = hintAboutAccess === null ? [] : [hintAboutAccess];
    if (blob === undefined) {
      hints.push(
        `Branch ${branch} has no ${options.flakeDir === '' ? 'flake.lock at its root' : lockPath}, so the lock of hosts cannot be checked: run \`nix flake lock\` and commit the file, or set NIXFLEET_FLAKE_DIR to the folder of the flake.`,
      );
    } else {
      const lock = await local(['cat-file', 'blob', blob], MAX_LOCK_BYTES);
      if (lock.kind === 'exit' && lock.code === 0) {
        answer.lockHash = createHash('sha256').update(lock.stdout).digest('hex');
      } else if (lock.kind === 'exit') return { kind: 'damaged', end: lock };
      else if (lock.kind === 'too-large')
        hints.push(`${lockPath} is larger than 16 MiB, so the lock of hosts cannot be checked.`);
      else return failed(lock, LOCAL_TIMEOUT_MS);
    }
    if (hints.length > 0) answer.hint = hints.join(' ');
    return { kind: 'ok', answer };
  }

  /** Creates a new copy, which replaces the old one only when it is complete. */
  async function recreateCopy(signal: AbortSignal, replaces: Place): Promise<FetchOutcome> {
    if ((await placeAt(aside, null)) === 'foreign') return foreign(aside);
    const timeoutMs = options.fetchTimeoutMs ?? FIRST_FETCH_TIMEOUT_MS;
    try {
      const fetched = await createBareCopy({
        async makeFolder() {
          await rm(aside, { recursive: true, force: true });
          await makeMarkedFolder(aside, url);
        },
        git: (args) => git(aside, args, signal, LOCAL_TIMEOUT_MS),
        fetch: () => fetchInto(aside, signal, timeoutMs),
      });
      if (!hasSucceeded(fetched)) return failed(fetched, timeoutMs);
      const reading = await read(aside, signal);
      if (reading.kind === 'damaged') return failed(reading.end, timeoutMs);
      if (replaces !== 'missing') await rm(folder, { recursive: true, force: true });
      await rename(aside, folder);
      damaged = false;
      return reading;
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  async function fetchNow(signal: AbortSignal): Promise<FetchOutcome> {
    await tidying;
    const place = await placeAt(folder, url);
    if (place === 'foreign') return foreign(folder);
    if (place !== 'ours' || damaged) return recreateCopy(signal, place);

    const timeoutMs = options.fetchTimeoutMs ?? FETCH_TIMEOUT_MS;
    const again = () => runPastLocks(folder, () => fetchInto(folder, signal, timeoutMs));
    const answers = () => remoteAnswers(remoteGit, { environment, signal, timeoutMs });
    const { end: fetched, isCopy } = await judgeFetch(await again(), { answers, again });
    if (hasSucceeded(fetched)) {
      const reading = await read(folder, signal);
      if (reading.kind === 'damaged') return recreateCopy(signal, place);
      tidying = git(folder, ['gc', '--auto', '--quiet'], signal, TIDY_TIMEOUT_MS);
      return reading;
    }
    return isCopy ? recreateCopy(signal, place) : failed(fetched, timeoutMs);
  }

  async function compare(targetCommit: string, commit: string, signal: AbortSignal): Promise<HostRelation> {
    if (!COMMIT_PREFIX.test(commit)) return { relation: 'unknown', commits: null };
    const query = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{commit}`];
    const known = await git(folder, query, signal, LOCAL_TIMEOUT_MS);
    if (known.kind !== 'exit') throw new Error(explainGitEnd(known, shown, LOCAL_TIMEOUT_MS, secrets));
    if (known.code !== 0) return { relation: 'unknown', commits: null };
    const id = known.stdout.toString('utf8').trim();
    const range = `${targetCommit}...${id}`;
    const counted = await git(folder, ['rev-list', '--left-right', '--count', range, '--'], signal, LOCAL_TIMEOUT_MS);
    const counts = counted.kind === 'exit' ? /^(\d+)\s+(\d+)/.exec(counted.stdout.toString('utf8')) : null;
    if (counts === null) {
      // The remote has no part in it.
      if (needsNewCopy(counted) || mayNeedNewCopy(counted)) damaged = true;
      throw new Error(explainGitEnd(counted, shown, LOCAL_TIMEOUT_MS, secrets));
    }
    return relationOf(Number(counts[1]), Number(counts[2]));
  }

  return {
    kind: 'git',
    branch,
    compare,
    async fetch(signal) {
      try {
        return await fetchNow(signal);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
        return {
          kind: 'failed',
          message: `The copy of the repository at ${folder} cannot be written (${code}): make the data folder writable and make sure that it has free space.`,
        };
      }
    },
  };
}

/** `behind`: commits only in the target; `ahead`: commits only on the host. */
function relationOf(behind: number, ahead: number): HostRelation {
  if (behind > 0 && ahead > 0) return { relation: 'diverged', commits: null };
  if (behind > 0) return { relation: 'behind', commits: behind };
  if (ahead > 0) return { relation: 'ahead', commits: ahead };
  return { relation: 'equal', commits: 0 };
}

function foreign(path: string): FetchOutcome {
  return {
    kind: 'failed',
    message: `The folder ${path} was not created by NixFleet and is left alone: move it away so that the repository can be copied there.`,
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
