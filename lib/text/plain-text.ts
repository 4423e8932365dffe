/* eslint no-control-regex: off -- control characters are what this file is about */
/**
 * Sanitises received text. Text from an agent must not control a terminal, forge a log line or reorder what a person
 * reads, on any page, file or terminal.
 */

/** Longest single value (a version, a path, a message), in UTF-16 units. */
export const MAX_TEXT = 4_096;
/** Longest output line, in UTF-16 units: the reference agent reads lines of up to 64 KiB. */
export const MAX_LINE = 65_536;

// DEL and C1 controls, line and paragraph separators, bidirectional marks, overrides and isolates, zero-width marks, BOM.
const UNSAFE_BEYOND_ASCII = '\\u007f-\\u009f\\u061c\\u2028\\u2029\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff';
/** The same with C0 controls. */
const UNSAFE = new RegExp(`[\\u0000-\\u001f${UNSAFE_BEYOND_ASCII}]`, 'g');
/** Unsafe characters that JSON leaves unescaped: it escapes only C0 controls (RFC 8259, 7). */
const UNSAFE_IN_JSON = new RegExp(`[${UNSAFE_BEYOND_ASCII}]`, 'g');
// Half of a pair has no UTF-8 form, so the stored text would differ from what was hashed or sent.
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** ESC and the C1 controls, with which every escape sequence begins. */
const MAY_ESCAPE = /[\u001b\u0080-\u009f]/;

/** Printable ASCII without spaces at its ends. */
const PRINTABLE = /^[!-~](?:[ -~]*[!-~])?$/;

/** A text is read up to this many times its bound: escape sequences take room and leave nothing. */
const ESCAPES_FACTOR = 4;

/**
 * One line of plain text: escape sequences are removed whole, other control characters and direction characters become
 * a space, ends are trimmed, the length is bounded.
 */
export function plainText(value: string, max: number = MAX_TEXT): string {
  // Nearly every text of a heartbeat, which has twenty.
  if (value.length <= max && (value === '' || PRINTABLE.test(value))) return value;
  const bare = withoutEscapes(value.slice(0, ESCAPES_FACTOR * max)).slice(0, max);
  return bare.replace(LONE_SURROGATE, '\ufffd').replace(UNSAFE, ' ').trim();
}

/** The text without escape sequences: colours, cursor movements, titles, links. Linear in its length. */
export function withoutEscapes(value: string): string {
  if (!MAY_ESCAPE.test(value)) return value;
  let kept = '';
  let from = 0;
  for (let at = 0; at < value.length;) {
    const end = escapeEnd(value, at, value.length);
    if (end === at) {
      at += 1;
      continue;
    }
    kept += value.slice(from, at);
    from = end;
    at = end;
  }
  return from === 0 ? value : kept + value.slice(from);
}

/** As `plainText`, for a text that identifies: an unsafe character stays visible, so that it can't pass as another name. */
export function plainName(value: string, max: number): string {
  return value.trim().slice(0, max).replace(LONE_SURROGATE, '\ufffd').replace(UNSAFE, '\ufffd');
}

/** Escapes every character of a JSON text that could control a terminal or reorder what a person reads. */
export function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE_IN_JSON, (unsafe) => `\\u${unsafe.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const TAB = 0x09;
const BEL = 0x07;
const LF = 0x0a;
const CR = 0x0d;
const ESC = 0x1b;
const C1_CSI = 0x9b;
const C1_ST = 0x9c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const SMALL_M = 0x6d;
const REPLACEMENT = 0xfffd;
/** Longest parameters of a kept colour, in characters. */
const MAX_SGR_PARAMETERS = 64;
/** Buffer for a rewritten line. A line grows by half at most: C1 CSI and `m` become `ESC [ m`. */
const rewritten = new Uint16Array(1.5 * MAX_LINE);
// All supported processors are little-endian, too.
const decoder = new TextDecoder('utf-16le', { ignoreBOM: true });

/**
 * One line of program output. Of control sequences, only colours (SGR, `ESC [ … m`) are kept; of a line overwritten
 * with carriage returns by a progress bar, the last visible part is kept.
 *
 * Agents send as much output as their connection carries, so this reads every character once or twice and allocates
 * only its result: patterns with a callback per match took 0.3 s for 1 MB of escapes.
 */
export function outputLine(value: string): string {
  let to = Math.min(value.length, MAX_LINE);
  while (to > 0 && isLineEnd(value.charCodeAt(to - 1))) to -= 1;
  let from = to === 0 ? 0 : value.lastIndexOf('\r', to - 1) + 1;
  if (from === 0) return cleaned(value, 0, to);
  while (!hasText(value, from, to)) {
    if (from === 0) return '';
    to = from - 1;
    from = to === 0 ? 0 : value.lastIndexOf('\r', to - 1) + 1;
  }
  return cleaned(value, from, to);
}

function isLineEnd(unit: number): boolean {
  return unit === CR || unit === LF;
}

/** Whether the part has anything but control sequences. */
function hasText(line: string, from: number, to: number): boolean {
  let at = from;
  while (at < to) {
    const end = escapeEnd(line, at, to);
    if (end === at) return true;
    at = end;
  }
  return false;
}

/** The part of a line without control sequences except colours, with unsafe characters replaced. */
function cleaned(line: string, from: number, to: number): string {
  return isClean(line, from, to)
    ? line.slice(from, to)
    : decoder.decode(rewritten.subarray(0, rewrite(line, from, to)));
}

/** Whether nothing needs to change. Also false for surrogate pairs, which `rewrite` handles. */
function isClean(line: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const unit = line.charCodeAt(at);
    if ((unit < 0x20 && unit !== TAB) || unit >= 0x7f) {
      if (unit <= 0x9f || isUnsafeBeyondLatin(unit) || isSurrogate(unit)) return false;
    }
  }
  return true;
}

/** Writes the sanitised form into `rewritten`; returns its length in UTF-16 units. */
function rewrite(line: string, from: number, to: number): number {
  let length = 0;
  // True when the last written unit is the first half of a pair. Based on the result, because halves separated by an
  // escape join.
  let isHalf = false;
  let at = from;
  while (at < to) {
    const end = escapeEnd(line, at, to);
    if (end > at) {
      const parameters = at + (line.charCodeAt(at) === ESC ? 2 : 1);
      if (isColour(line, at, parameters, end)) {
        if (isHalf) rewritten[length - 1] = REPLACEMENT;
        isHalf = false;
        rewritten[length++] = ESC;
        rewritten[length++] = OPEN_BRACKET;
        for (let index = parameters; index < end; index += 1) rewritten[length++] = line.charCodeAt(index);
      }
      at = end;
      continue;
    }
    const unit = line.charCodeAt(at);
    at += 1;
    if (isHalf && isSecondHalf(unit)) {
      isHalf = false;
      rewritten[length++] = unit;
      continue;
    }
    if (isHalf) rewritten[length - 1] = REPLACEMENT;
    isHalf = isFirstHalf(unit);
    rewritten[length++] = isUnsafe(unit) || isSecondHalf(unit) ? REPLACEMENT : unit;
  }
  if (isHalf) rewritten[length - 1] = REPLACEMENT;
  return length;
}

/**
 * The end of the escape at `at`; `at` itself when there is none. A control sequence (ECMA-48 §5.4), an operating-system
 * or device string up to its terminator (§5.6), or any other escape; each may be cut off.
 */
function escapeEnd(line: string, at: number, to: number): number {
  const unit = line.charCodeAt(at);
  if (unit === C1_CSI) return sequenceEnd(line, at + 1, to);
  if (unit !== ESC) return isC1String(unit) ? stringEnd(line, at + 1, to) : at;
  const next = at + 1 < to ? line.charCodeAt(at + 1) : 0;
  if (next === OPEN_BRACKET) return sequenceEnd(line, at + 2, to);
  // P, X, ], ^ and _: the same strings as in C1.
  if (isC1String(next + 0x40) && next < 0x60) return stringEnd(line, at + 2, to);
  const final = whileWithin(line, at + 1, to, 0x20, 0x2f);
  return afterOne(line, final, to, 0x30);
}

/** The end of a control sequence whose parameters begin at `at`. */
function sequenceEnd(line: string, at: number, to: number): number {
  const intermediates = whileWithin(line, at, to, 0x30, 0x3f);
  return afterOne(line, whileWithin(line, intermediates, to, 0x20, 0x2f), to, 0x40);
}

/** The end of a string that began before `at`: another escape ends it too. */
function stringEnd(line: string, at: number, to: number): number {
  for (let index = at; index < to; index += 1) {
    const unit = line.charCodeAt(index);
    if (unit === BEL || unit === C1_ST) return index + 1;
    if (unit === ESC) return index + 1 < to && line.charCodeAt(index + 1) === BACKSLASH ? index + 2 : index;
  }
  return to;
}

function whileWithin(line: string, from: number, to: number, first: number, last: number): number {
  let at = from;
  while (at < to) {
    const unit = line.charCodeAt(at);
    if (unit < first || unit > last) break;
    at += 1;
  }
  return at;
}

/** The position after a final byte from `first` to `~`, if there is one. */
function afterOne(line: string, at: number, to: number, first: number): number {
  if (at >= to) return at;
  const unit = line.charCodeAt(at);
  return unit >= first && unit <= 0x7e ? at + 1 : at;
}

/** Whether the escape from `at` to `end` is a colour (SGR) with plain parameters. */
function isColour(line: string, at: number, parameters: number, end: number): boolean {
  if (end <= parameters || end - 1 - parameters > MAX_SGR_PARAMETERS || line.charCodeAt(end - 1) !== SMALL_M)
    return false;
  if (line.charCodeAt(at) === ESC ? line.charCodeAt(at + 1) !== OPEN_BRACKET : line.charCodeAt(at) !== C1_CSI)
    return false;
  // Digits, `:` and `;`.
  return whileWithin(line, parameters, end - 1, 0x30, 0x3b) === end - 1;
}

/** DCS, SOS, OSC, PM and APC. */
function isC1String(unit: number): boolean {
  return unit === 0x90 || unit === 0x98 || unit === 0x9d || unit === 0x9e || unit === 0x9f;
}

/** Controls except the tab, line and paragraph separators, bidirectional overrides and isolates. */
function isUnsafe(unit: number): boolean {
  if (unit < 0x20) return unit !== TAB;
  return unit >= 0x7f && (unit <= 0x9f || isUnsafeBeyondLatin(unit));
}

function isUnsafeBeyondLatin(unit: number): boolean {
  return unit >= 0x2028 && (unit <= 0x202e || (unit >= 0x2066 && unit <= 0x2069));
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
