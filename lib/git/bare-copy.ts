/** A bare copy that belongs to the dashboard alone: nobody works in it, so it may be repaired or created anew. */
import type { GitProblem } from './git-faults';
import type { GitEnd } from './git-run';
import { removeLeftoverLocks } from './leftover-locks';
import {
  localFaultOf,
  mayBeFaultOfCopy,
  needsNewCopyFor,
  remoteFormatOf,
  type LocalFault,
  type ObjectFormat,
} from './local-faults';

type End = GitEnd | GitProblem;

export const hasSucceeded = (end: End): boolean => end.kind === 'exit' && end.code === 0;

/** The fault of the copy that made a command fail; null when it succeeded or the reason is elsewhere. */
export function copyFaultOf(end: End): LocalFault | null {
  return end.kind === 'exit' && end.code !== 0 ? localFaultOf(end.stderr) : null;
}

/** True when a new copy is the cure. */
export function needsNewCopy(end: End): boolean {
  return needsNewCopyFor(copyFaultOf(end));
}

/**
 * True when a new copy may be the cure: where the remote answers from outside of the copy, and the command fails again.
 * For a lock that a running process may hold, `runPastLocks` gives another end.
 */
export function mayNeedNewCopy(end: End): boolean {
  return end.kind === 'exit' && end.code !== 0 && mayBeFaultOfCopy(end.stderr);
}

/**
 * The end of a command with the remote that failed; with `isCopy`, a new copy is the cure. Decides by elimination: where
 * the message is not known, the remote is asked from outside of the copy, and the command runs again.
 */
export async function judgeFetch(
  end: End,
  { answers, again }: { answers: () => Promise<boolean>; again: () => Promise<End> },
): Promise<{ end: End; isCopy: boolean }> {
  if (hasSucceeded(end) || !mayNeedNewCopy(end)) return { end, isCopy: needsNewCopy(end) };
  if (!(await answers())) return { end, isCopy: false };
  const second = await again();
  return { end: second, isCopy: needsNewCopy(second) || mayNeedNewCopy(second) };
}

/** Runs a command; when a lock that a killed process left behind stopped it, removes the lock and runs it again. */
export async function runPastLocks(gitDir: string, command: () => Promise<End>): Promise<End> {
  const end = await command();
  if (copyFaultOf(end) !== 'locked') return end;
  const { held } = await removeLeftoverLocks(gitDir, gitDir);
  return held === null ? command() : { kind: 'locked', ...held };
}

/** The arguments that create a bare repository. No template: it could contain hooks. */
function initArguments(format: ObjectFormat): string[] {
  // Not named where it is the default: git before 2.29 does not know the option.
  const named = format === 'sha1' ? [] : [`--object-format=${format}`];
  return ['init', '--bare', '--quiet', '--template=', ...named];
}

export interface NewCopySteps {
  /** Removes what is there and makes the marked folder. */
  makeFolder: () => Promise<void>;
  git: (args: readonly string[]) => Promise<GitEnd>;
  fetch: () => Promise<End>;
}

/** Creates a copy in the object format of its repository, which is known only after a fetch. */
export async function createBareCopy({ makeFolder, git, fetch }: NewCopySteps): Promise<End> {
  const createAs = async (format: ObjectFormat): Promise<End> => {
    await makeFolder();
    const made = await git(initArguments(format));
    return hasSucceeded(made) ? fetch() : made;
  };
  const end = await createAs('sha1');
  const format = end.kind === 'exit' ? remoteFormatOf(end.stderr) : null;
  return format === null ? end : createAs(format);
}
