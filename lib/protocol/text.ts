/* eslint no-control-regex: off -- control characters are what this file is about */
/**
 * Makes text from a wire harmless. Everything an agent sends is text: it may not steer a terminal, forge a log
 * line or reorder what a person reads, whatever page, file or terminal it ends up in.
 */

/** Longest single value (a version, a path, a message) that is kept, in UTF-16 units. */
export const MAX_TEXT = 4_096;
/** Longest output line that is kept, in UTF-16 units: the reference agent reads lines of up to 64 KiB. */
export const MAX_LINE = 65_536;

// DEL and C1 controls, line and paragraph separators, bidirectional marks, overrides and isolates, zero-width marks, BOM.
const UNSAFE_BEYOND_ASCII = '\\u007f-\\u009f\\u061c\\u2028\\u2029\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff';
/** The same with C0 controls. */
const UNSAFE = new RegExp(`[\\u0000-\\u001f${UNSAFE_BEYOND_ASCII}]`, 'g');
/** What JSON leaves as it is: it escapes C0 controls only (RFC 8259, 7). */
const UNSAFE_IN_JSON = new RegExp(`[${UNSAFE_BEYOND_ASCII}]`, 'g');
// Half of a pair: UTF-8 has no form for it, so that what is stored would differ from what was hashed or sent.
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** One line of plain text: control and direction characters become a space, ends are trimmed, the length is bounded. */
export function plainText(value: string, max: number = MAX_TEXT): string {
  return value.slice(0, max).replace(LONE_SURROGATE, '\ufffd').replace(UNSAFE, ' ').trim();
}

/** As `plainText`, for a text that identifies: an unsafe character stays visible, so that it can't pass as another name. */
export function plainName(value: string, max: number): string {
  return value.trim().slice(0, max).replace(LONE_SURROGATE, '\ufffd').replace(UNSAFE, '\ufffd');
}

/** The same JSON text with every character escaped that could steer a terminal or reorder what a person reads. */
export function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE_IN_JSON, (unsafe) => `\\u${unsafe.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// A control sequence (ECMA-48 §5.4), an operating-system or device string up to its terminator (§5.6), any other escape.
const ESCAPE =
  /(?:\u001b\[|\u009b)([0-?]*)([ -/]*)([@-~])?|(?:\u001b[PX\]^_]|[\u0090\u0098\u009d\u009e\u009f])(?:[^\u0007\u001b\u009c]*)(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;
const SGR_PARAMETERS = /^[0-9;:]{0,64}$/;
const UNSAFE_IN_OUTPUT =
  /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * One line of program output: of control sequences only colours (SGR, `ESC [ … m`) survive; of a line that a
 * progress bar wrote over with carriage returns, the last part with anything to see is kept.
 */
export function outputLine(value: string): string {
  let end = Math.min(value.length, MAX_LINE);
  // Not by a pattern: one that looks for the last line end needs quadratic time on a line of carriage returns.
  while (end > 0 && (value[end - 1] === '\r' || value[end - 1] === '\n')) end -= 1;
  const line = value.slice(0, end);
  if (!line.includes('\r')) return withoutControls(line);
  const parts = line.split('\r');
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const part = withoutControls(parts[index] ?? '');
    if (hasText(part)) return part;
  }
  return '';
}

function withoutControls(text: string): string {
  return text
    .replace(ESCAPE, (_whole, parameters?: string, intermediates?: string, final?: string) =>
      final === 'm' && intermediates === '' && parameters !== undefined && SGR_PARAMETERS.test(parameters)
        ? `\u001b[${parameters}m`
        : '',
    )
    .replace(UNSAFE_IN_OUTPUT, '\ufffd')
    .replace(LONE_SURROGATE, '\ufffd');
}

/** Whether anything but colours is there: of what has passed `withoutControls`, an escape is always a whole SGR. */
function hasText(text: string): boolean {
  return text.replace(/\u001b\[[0-9;:]*m/g, '') !== '';
}
