/**
 * Finds why a program failed in what it printed: the first error that others follow from, units that failed, git's
 * message rather than its advice. Reads line by line, in linear time and bounded memory: a build's log has a hundred
 * thousand lines. Pure.
 */
import { plainText, withoutEscapes } from '@/lib/text/plain-text';
import { createErrorBlock, type ErrorBlock } from './error-block';
import { isAboutGit, isConsequence, isErrorLine, isNoReason, isUnreadableRemote, mayBeError } from './error-lines';
import { createFailedUnits } from './failed-units';

/** Characters of a line that are read, and of a cause. */
const MAX_READ = 2_000;
export const MAX_CAUSE = 400;
/** The last lines that are kept, for the reason where no form is known. */
const MAX_RECENT = 12;
/** A builder that runs Nix has builders in its log. */
const MAX_DEPTH = 2;

export interface Cause {
  /** One line of plain text. */
  text: string;
  /** The units that failed to start, stop or reload. */
  units: readonly string[];
  /** False: no known form of an error was found, and this is the last line that is not advice. */
  isKnown: boolean;
}

export interface CauseFinder {
  /** The next line of output, without its line end; colours are ignored. */
  add(line: string): void;
  /** Null when nothing was printed. */
  cause(): Cause | null;
}

/** The cause in a text that is at hand as a whole. */
export function findCause(output: string | Iterable<string>): Cause | null {
  const finder = createCauseFinder();
  for (const line of typeof output === 'string' ? output.split('\n') : output) finder.add(line);
  return finder.cause();
}

const ERROR = /^error: ?(.*)$/;
const PRE_SWITCH_CHECK = /^Pre-switch check '[^']{1,100}' failed/;
/** A change that an inhibitor of a switch names: "dbus-implementation : dbus -> broker". */
const INHIBITED_CHANGE = /^\S{1,100} : \S.* -> \S/;

export function createCauseFinder(depth = 0): CauseFinder {
  const units = createFailedUnits();
  const recent: string[] = [];
  let found: { text: string; follows: boolean } | null = null;
  let block: ErrorBlock | null = null;
  let preSwitchCheck = '';

  /** The first error counts; one that follows from another gives way to any that does not. */
  function offer(text: string, follows: boolean): void {
    if (text === '') return;
    if (found === null || (found.follows && !follows)) found = { text, follows };
    else if (!found.follows && isAboutGit(text)) found = { text: `${text}: ${found.text}`, follows: false };
  }

  function closeBlock(): void {
    if (block === null) return;
    const { text, follows } = block.close();
    block = null;
    offer(text, follows);
  }

  function read(text: string, indent: number): void {
    if (block?.add(text, indent) === true) return;
    closeBlock();
    if (units.add(text) || isNoReason(text)) return;
    const error = ERROR.exec(text)?.[1];
    if (error !== undefined) {
      block = createErrorBlock(error, () => (depth < MAX_DEPTH ? createCauseFinder(depth + 1) : null));
    } else if (isUnreadableRemote(text)) {
      const before = lastReason(recent.slice(0, -1));
      offer(before === '' ? text : before, before === '');
    } else if (PRE_SWITCH_CHECK.test(text)) {
      const change = recent.map(lineOf).findLast((line) => INHIBITED_CHANGE.test(line));
      preSwitchCheck ||= change === undefined ? text : `${text}: ${change}`;
    } else if (isErrorLine(text)) offer(text, isConsequence(text));
  }

  return {
    add(line) {
      const cut = line.slice(0, MAX_READ);
      recent.push(cut);
      if (recent.length > MAX_RECENT) recent.shift();
      if (block === null && !mayBeError(cut) && !cut.includes('Active: ') && !/[×●] /.test(cut)) return;
      const bare = withoutEscapes(cut);
      read(plainText(bare), bare.length - bare.trimStart().length);
    },
    cause() {
      closeBlock();
      const known = units.sentence() || preSwitchCheck || (found?.text ?? '');
      const text = plainText(known === '' ? lastReason(recent) : known, MAX_CAUSE);
      return text === '' ? null : { text, units: units.names(), isKnown: known !== '' };
    },
  };
}

function lineOf(raw: string): string {
  return plainText(raw);
}

/** The last line that is a reason; the last one at all when every line is advice. */
function lastReason(lines: readonly string[]): string {
  const texts = lines.map(lineOf).filter((line) => line !== '');
  return texts.findLast((line) => !isNoReason(line)) ?? texts.at(-1) ?? '';
}
