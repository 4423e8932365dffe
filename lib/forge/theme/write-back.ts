/** Writes a host's colour back into the configuration repository, as a commit or as a pull request. */
import type { Log } from '@/lib/log';
import { plainText } from '@/lib/text/plain-text';
import type { Forge } from '../forge';
import { checkNixFile } from './check-edit';
import { setThemeColor } from './edit-theme';
import type { ColorCommitMode } from './theme-mode';
import { openWritableRepository, WriteFault, type WritableRepository } from './theme-repository';
import type { Clock } from '@/lib/fleet/records/environment';
import type {
  DashboardOperationEnd,
  DashboardExecutor,
  DashboardOperationTask,
} from '@/lib/fleet/records/executor-port';

/** Attempts when the branch changes in between. */
const ATTEMPTS = 3;

export interface WriteBackOptions {
  mode: Exclude<ColorCommitMode, 'off'>;
  repository: string;
  /** For http(s) addresses without credentials. */
  token: string | null;
  branch: string;
  /** Path of the Nix file in the repository. */
  file: string;
  /** The folder of the copy. */
  folder: string;
  /** Needed for pull requests. */
  forge: Forge | null;
  clock: Clock;
  log: Log;
  environment?: NodeJS.ProcessEnv;
}

/**
 * The part of `set-color` outside the fleet. One colour is written at a time, because they share a copy and a branch.
 */
export function createColorWriteBack(options: WriteBackOptions): DashboardExecutor {
  const repository = openWritableRepository({
    ...options,
    environment: options.environment ?? process.env,
    now: () => options.clock.now(),
  });
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = last.then(() => write(repository, options, task));
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function write(
  repository: WritableRepository,
  options: WriteBackOptions,
  task: DashboardOperationTask,
): Promise<DashboardOperationEnd> {
  const { color } = task.args;
  if (typeof color !== 'string') {
    return {
      outcome: 'succeeded',
      reason: 'The agent chooses the colour again; the repository is unchanged.',
    };
  }
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await writeOnce(repository, options, task, color);
      } catch (error) {
        if (!(error instanceof WriteFault) || !error.isStale || attempt >= ATTEMPTS) throw error;
        task.note('The branch has changed: reading it again.');
      }
    }
  } catch (error) {
    if (error instanceof WriteFault) return { outcome: 'failed', reason: error.message };
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    options.log.warn({ problem: code, folder: options.folder }, 'a colour was not written back');
    return {
      outcome: 'failed',
      reason: `The copy of the repository at ${options.folder} can’t be written (${code}): make the folder writable and make sure that it has free space.`,
    };
  } finally {
    await repository.clean();
  }
}

async function writeOnce(
  repository: WritableRepository,
  { mode, branch, file, forge, log }: WriteBackOptions,
  task: DashboardOperationTask,
  color: string,
): Promise<DashboardOperationEnd> {
  const { host, by, signal } = task;
  task.note(`Fetching ${branch} of ${repository.shown}.`);
  const fetched = await repository.fetch(file, signal);
  const edited = setThemeColor(fetched.text, host.name, color);
  if (!edited.ok) return { outcome: 'failed', reason: `The file ${file} ${edited.problem}. Nothing was written.` };
  if (edited.value === fetched.text) return { outcome: 'unchanged', reason: `${file} already has ${color}.` };

  task.note(`Checking ${file} with nix-instantiate.`);
  const fault = await checkNixFile(await repository.draft(edited.value), repository.environment, signal);
  if (fault !== null) return { outcome: 'failed', reason: fault };

  const title = `theme(${host.name}): change color to ${color}`;
  const body = `Set in NixFleet by ${plainText(by.userName, 100)}.`;
  const commit = await repository.commit(file, fetched, `${title}\n\n${body}`, signal);
  const target = mode === 'push' ? branch : `nixfleet/color-${host.name}`;
  task.note(`Pushing ${commit.slice(0, 7)} to ${target}.`);
  await repository.push(commit, target, mode === 'pr', signal);
  log.info({ host: host.name, commit, branch: target }, 'colour written back');
  if (mode === 'push') {
    return { outcome: 'succeeded', reason: `The colour is ${color}, committed to ${branch} as ${commit.slice(0, 7)}.` };
  }
  if (forge === null) return { outcome: 'failed', reason: 'No forge is configured to open a pull request.' };
  task.note(`Opening a pull request at ${forge.name}.`);
  const opened = await forge.createPullRequest({ head: target, base: branch, title, body }, signal);
  if (opened.ok) {
    return {
      outcome: 'succeeded',
      reason: `The colour is ${color}; pull request #${opened.value.number} brings it into ${branch}.`,
    };
  }
  // A pull request of an earlier colour is still open and follows its branch.
  if (opened.fault.kind === 'refused' && /already exists/i.test(opened.fault.message)) {
    return {
      outcome: 'succeeded',
      reason: `The colour is ${color}; the open pull request from ${target} brings it into ${branch}.`,
    };
  }
  return {
    outcome: 'failed',
    reason: `The branch ${target} was pushed, but no pull request was opened. ${opened.fault.message}`,
  };
}
