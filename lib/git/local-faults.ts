/** What git's messages (in the locale C) say about a local copy of a repository. */

export type LocalFault =
  /** Files belong to another user, or may not be written. */
  | 'no-permission'
  /** Git refuses a repository of another user ("dubious ownership", git-config(1), safe.directory). */
  | 'other-owner'
  /** A lock file exists: of a git process that runs, or of one that was killed. */
  | 'locked'
  /** The remote has another object format (SHA-1, SHA-256) than the copy. */
  | 'other-format'
  /** The index can't be read. */
  | 'broken-index'
  /** A reference can't be read, or its name is in the way of another one. */
  | 'broken-ref'
  /** Anything else that can't be read. */
  | 'damaged';

export type ObjectFormat = 'sha1' | 'sha256';

/** In the order in which they are asked: the first that matches a line counts. */
const PATTERNS: readonly (readonly [fault: LocalFault, pattern: RegExp])[] = [
  ['other-owner', /dubious ownership/i],
  [
    'no-permission',
    /insufficient permission for adding an object|(?:cannot|could not|can't|unable to|failed to) [^:]{0,300}(?:: [^:]{0,100})?: (?:Permission denied|Operation not permitted|Read-only file system)$/i,
  ],
  ['locked', /\.lock'?: File exists|could not lock config file .{0,1000}: File exists/i],
  ['other-format', /mismatched algorithms: client \w+; server \w+/i],
  [
    'broken-index',
    /index file (?:corrupt|smaller|open)|bad signature 0x|bad index (?:file|version)|index entr(?:y|ies)/i,
  ],
  [
    'broken-ref',
    /cannot lock ref|unable to resolve reference|invalid sha1 pointer|blocking reference|bad ref |does not point to a valid object|unexpected line in .{0,1000}packed-refs|appears to be broken/i,
  ],
  [
    'damaged',
    /not a git repository|bad config|bad object|corrupt|loose object|object file|packfile|unable to read|could not read|missing (?:blob|tree|commit)|inflate|unable to parse|unresolved deltas|did not send all necessary objects|bad revision 'HEAD'|unable to find [0-9a-f]{40}/i,
  ],
];
/** A full disk damages nothing, and a new copy would need more of it. */
const DISK_FULL = /No space left on device|Disk quota exceeded/i;
/** The program on the other side (over ssh its messages have no prefix) ended before it sent anything. */
const REMOTE_ENDED = /could not read from remote repository/i;
/** Similar messages about the remote or about access. */
const NOT_LOCAL =
  /could not read (?:Username|Password|from remote)|does not appear to be a git repository|unable to access '|Permission denied \(/i;

/** The lines of this machine: what the server printed begins with `remote:`. */
export function localLines(stderr: string): string[] {
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('remote:'));
}

/** The fault of the local copy that messages report; null when they report none. */
export function localFaultOf(stderr: string): LocalFault | null {
  if (DISK_FULL.test(stderr) || REMOTE_ENDED.test(stderr)) return null;
  const lines = localLines(stderr).filter((line) => !NOT_LOCAL.test(line) && !/^(?:warning|hint|From) ?:?/i.test(line));
  for (const [fault, pattern] of PATTERNS) {
    if (lines.some((line) => pattern.test(line))) return fault;
  }
  return null;
}

const NEED_NEW_COPY: ReadonlySet<LocalFault> = new Set(['damaged', 'broken-ref', 'broken-index', 'other-format']);

/** True for a fault that a new copy cures. */
export const needsNewCopyFor = (fault: LocalFault | null): boolean => fault !== null && NEED_NEW_COPY.has(fault);

/** Of the machine or its disk: a new copy would have the same fault. */
const OF_MACHINE =
  /No space left on device|quota exceeded|Permission denied|Operation not permitted|Read-only file system|Input\/output error|Too many open files|Cannot allocate memory|Out of memory|Resource temporarily unavailable/i;

/**
 * Whether a command of git that failed may have failed because of the local copy, although no message is known for that
 * fault: git has hundreds of them. What remains is to ask whether the remote answers from outside of the copy. `locked`
 * counts: call this only when no running process can hold the lock.
 */
export function mayBeFaultOfCopy(stderr: string): boolean {
  const fault = localFaultOf(stderr);
  return (fault === null || fault === 'locked') && !localLines(stderr).some((line) => OF_MACHINE.test(line));
}

/** The object format that the remote has, when a fetch failed because the copy has another one. */
export function remoteFormatOf(stderr: string): ObjectFormat | null {
  const server = /mismatched algorithms: client \w+; server (\w+)/i.exec(stderr)?.[1]?.toLowerCase();
  return server === 'sha1' || server === 'sha256' ? server : null;
}
