/**
 * An error of Nix or git with the lines that belong to it. Nix prints the trace before the error in newer versions and
 * behind it in older ones, then the place, and for a builder the last lines of its log. Pure.
 */
import { isConsequence } from './error-lines';
import type { CauseFinder } from './find-cause';

/** Lines of a list or of a message of several lines ("Failed assertions:", files that a merge would overwrite). */
const MAX_DETAILS = 3;
const NESTED = /^error: ?(.*)$/;
const PLACE = /^(?:at|-->) (\S.*?:\d{1,9}:\d{1,9}):?$/;
/** Source lines beside an error: `12| foo`, `|  ^`. */
const SOURCE_LINE = /^\d{0,9}\|/;
/** The copy of a flake in the store: what follows is the path in the repository. */
const SOURCE_FOLDER = /\/nix\/store\/[0-9a-z]{32}-source\//g;
const STORE_NAME = /^\/\S*\/[0-9a-z]{32}-(\S+?)(?:\.drv)?$/;
const BUILDER = /^builder for '([^']{1,400})' (failed .*)$/;
const CANNOT_BUILD = /^Cannot build '([^']{1,400})'/;
const HASH_MISMATCH = /^hash mismatch in fixed-output derivation '([^']{1,400})'/;
const MEMORY_SIGNAL = /signal 9\b/;

export interface ErrorBlock {
  /** A line of this block; false when it belongs to it no longer. `indent`: blanks before `text`. */
  add(text: string, indent: number): boolean;
  /** What it says, in one line; `follows`: another error is the cause. */
  close(): { text: string; follows: boolean };
}

/**
 * `first`: the text behind "error: ", empty when the error follows its trace. `createLog`: makes the finder for a builder's
 * log.
 */
export function createErrorBlock(first: string, createLog: () => CauseFinder | null): ErrorBlock {
  let log: CauseFinder | null = null;
  let text = first;
  let place = '';
  let reason = '';
  let specified = '';
  let got = '';
  let inTrace = false;
  let details: string[] = [];

  function addLine(line: string): void {
    const nested = NESTED.exec(line)?.[1];
    if (nested !== undefined) {
      text = nested;
      place = '';
      details = [];
      inTrace = false;
    } else if (line.startsWith('… ') || line.startsWith('... while')) inTrace = true;
    else if (line === '>' || line.startsWith('> ')) {
      log ??= createLog();
      log?.add(line.slice(2));
    } else if (line.startsWith('Reason: ')) reason = line.slice('Reason: '.length);
    else if (line.startsWith('specified: ') || line.startsWith('wanted: ')) specified = valueOf(line);
    else if (line.startsWith('got: ')) got = valueOf(line);
    else if (!inTrace) addToError(line);
  }

  /** A line that belongs to the error itself, not to its trace. */
  function addToError(line: string): void {
    const found = PLACE.exec(line)?.[1];
    if (text !== '' && place === '' && found !== undefined) place = found;
    else if (text === '') text = line;
    else if (text.endsWith(':') && isRoomFor(details) && !SOURCE_LINE.test(line)) details.push(line);
  }

  return {
    add(line, indent) {
      if (line === '') return true;
      const goesOn = text === '' || (text.endsWith(':') && line.startsWith('- '));
      if (indent === 0 && (!goesOn || NESTED.test(line))) return false;
      addLine(line);
      return true;
    },
    close() {
      const mismatch = HASH_MISMATCH.exec(text)?.[1];
      if (mismatch !== undefined) {
        const hashes = specified === '' ? '' : `: specified ${specified}, got ${got}`;
        return { text: `error: hash mismatch in fixed-output derivation ${nameOf(mismatch)}${hashes}`, follows: false };
      }
      const [, derivation, how] = BUILDER.exec(text) ?? CANNOT_BUILD.exec(text) ?? [];
      if (derivation !== undefined) {
        const failed = how ?? reason;
        const follows = /^\d{1,9} dependenc/.test(failed);
        return { text: `${nameOf(derivation)} failed to build${howText(failed)}${logText(log)}`, follows };
      }
      if (text === '') return { text, follows: true };
      const at = place === '' ? '' : ` (at ${place})`;
      const all = [`error: ${text}`, ...details].join(' ') + at;
      return { text: all.replace(SOURCE_FOLDER, '').replace(/:$/, ''), follows: isConsequence(text) };
    },
  };
}

/** A detail that ends with a colon is followed by code. */
function isRoomFor(details: readonly string[]): boolean {
  return details.length < MAX_DETAILS && details.at(-1)?.endsWith(':') !== true;
}

function valueOf(line: string): string {
  return line.slice(line.indexOf(':') + 1).trim();
}

/** `foo-1.0` of `/nix/store/…-foo-1.0.drv`. */
function nameOf(path: string): string {
  return STORE_NAME.exec(path)?.[1] ?? path;
}

/** " (exit code 2)" of "failed with exit code 2;", and what a signal usually means. */
function howText(how: string): string {
  const words = how
    .replace(/^(?:builder )?failed (?:with )?/, '')
    .replace(/[;:.,]$/, '')
    .replace(/^due to /, '');
  if (words === '') return '';
  return MEMORY_SIGNAL.test(words) ? ` (${words}, often because memory ran out)` : ` (${words})`;
}

function logText(log: CauseFinder | null): string {
  const cause = log?.cause() ?? null;
  return cause === null ? '' : `: ${cause.text}`;
}
