/** A bare copy that belongs to the dashboard alone: nobody works in it, so it may be repaired or created anew. */
import type { GitProblem } from './git-faults';
import type { GitEnd } from './git-run';
import { removeLeftoverLocks } from './leftover-locks';
import { localFaultOf, remoteFormatOf, type LocalFault, type ObjectFormat } from './local-faults';

type End = GitEnd | GitProblem;

export const hasSucceeded = (end: End): boolean => end.kind === 'exit' && end.code === 0;

/** The fault of the copy that made a command fail; null when it succeeded or the reason is elsewhere. */
export function copyFaultOf(end: End): LocalFault | null {
  return end.kind === 'exit' && end.code !== 0 ? localFaultOf(end.stderr) : null;
}

const CREATE_ANEW: ReadonlySet<LocalFault> = new Set(['damaged', 'broken-ref', 'broken-index', 'other-format']);

/** True when a new copy is the cure. */
export function needsNewCopy(end: End): boolean {
  const fault = copyFaultOf(end);
  return fault !== null && CREATE_ANEW.has(fault);
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
