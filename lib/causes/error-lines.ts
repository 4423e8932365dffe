/** What single lines of programs mean: the forms of an error, of a consequence and of advice. Pure; linear in a line. */

/** Only a line that matches can begin an error; all others are kept as the last lines alone, unread. */
const MAY_BE_ERROR =
  /error|fatal|fail|denied|conflict|exception|panic|sudo:|ssh:|kill|memory|no space|quota|not found|undefined|could ?n[o']t|cannot|can't|refused|timed out|read-only|not permitted|existing file/i;

export const mayBeError = (line: string): boolean => MAY_BE_ERROR.test(line);

/** A line with one of these beginnings is an error. */
const ERROR_STARTS = [
  'fatal: ',
  'FATAL: ',
  'ERROR: ',
  'Error: ',
  'error[',
  'remote: fatal: ',
  'remote: error: ',
  'remote: ERROR: ',
  'CMake Error',
  'CONFLICT (',
  'Host key verification failed',
  'kex_exchange_identification: ',
  'sudo: ',
  'ssh: ',
  'npm error code ',
  'npm ERR! code ',
  "Existing file '",
  'Job for ',
  'Failed to ',
  'Could not acquire lock',
  'Activation script snippet ',
  'panic: ',
  'Out of memory',
];

/** A line with one of these anywhere is an error. */
const ERROR_PARTS = [
  ': error: ',
  ': fatal error: ',
  ': ERROR: ',
  ': Permission denied',
  ': permission denied',
  'No space left on device',
  'Disk quota exceeded',
  'Cannot allocate memory',
  'Read-only file system',
  'Operation not permitted',
  ': command not found',
  ': not found',
  'undefined reference to ',
  'Could not resolve host',
  'Connection refused',
  'Connection timed out',
];

const ERROR_ENDS = [': error:', ': Killed'];

/** TypeScript, Go, and the last line of a Python traceback. */
const ERROR_FORMS = [
  /\(\d{1,7},\d{1,7}\): error /,
  /\.go:\d{1,7}:\d{1,7}: /,
  /^[\w.]{1,100}(?:Error|Exception)(?:: |$)/,
  /^thread '[^']{1,100}' panicked at /,
];

/** Whether the line names what went wrong. `text`: without escapes and indentation. */
export function isErrorLine(text: string): boolean {
  return (
    text === 'Killed' ||
    ERROR_STARTS.some((start) => text.startsWith(start)) ||
    ERROR_ENDS.some((end) => text.endsWith(end)) ||
    ERROR_PARTS.some((part) => text.includes(part)) ||
    ERROR_FORMS.some((form) => form.test(text))
  );
}

/** Errors that follow from another one: they count only when nothing else is found. */
const CONSEQUENCES = [
  /^\d{1,9} dependenc(?:y|ies) of derivation /,
  /^build of .* failed$/,
  /^cannot build derivation /,
  /^Command '.*' returned non-zero exit status /,
  /^could not compile /,
  /^(?:fatal: )?(?:early EOF|unpack-objects failed|index-pack failed|fetch-pack: |failed to write object|the remote end hung up)/,
  /^(?:fatal: )?Could not read from remote repository/i,
  /^Failed to build\b/,
  /^(?:failed to push some refs|remote unpack failed)/,
  /^sudo: (?:a terminal is required|no tty present)/,
];

export const isConsequence = (text: string): boolean => CONSEQUENCES.some((form) => form.test(text));

/** The program that failed for git's reason names only itself; git's line was before it. */
export const isAboutGit = (text: string): boolean =>
  /^error: (?:Failed to fetch git repository |program 'git' failed)/.test(text);

/** ssh and forges print the reason on the line before. */
export const isUnreadableRemote = (text: string): boolean =>
  /^fatal: could not read from remote repository/i.test(text);

/** Advice, progress and the ends of messages: never a reason. */
const NO_REASON = [
  'hint:',
  'note:',
  'warning:',
  'evaluation warning:',
  'trace:',
  'error (ignored):',
  'Please ',
  'and the repository exists.',
  'Another git process ',
  "an editor opened by 'git commit'",
  'are terminated then try again',
  'may have crashed in this repository',
  'remove the file manually',
  'For full logs',
  'For more information',
  'See "systemctl',
  "See 'systemctl",
  'Did you mean',
  'Cloning into ',
  'From ',
  'Aborting',
  'Command ',
  'exit status ',
  'building ',
  'copying ',
  'fetching ',
  'unpacking ',
  'make: *** ',
  'make[',
  'ninja: build stopped',
  '(stack trace truncated',
  "(use '--show-trace'",
  'To add an exception for this directory',
  'git config --global --add safe.directory',
];

export const isNoReason = (text: string): boolean => text === '' || NO_REASON.some((start) => text.startsWith(start));
