/* eslint no-control-regex: off -- control characters are what this file is about */
/**
 * Makes text from a wire harmless. Everything an agent sends is text: it may not steer a terminal, forge a log
 * line or reorder what a person reads, whatever page, file or terminal it ends up in.
 */

/** Longest single value (a version, a path, a message) that is kept, in UTF-16 units. */
export const MAX_TEXT = 4_096;
/** Longest output line that is kept, in UTF-16 units: the reference agent reads lines of up to 64 KiB. */
export const MAX_LINE = 65_536;

// C0 and C1 controls, line and paragraph separators, bidirectional overrides and isolates, zero-width marks, BOM.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** One line of plain text: control and direction characters become a space, ends are trimmed, the length is bounded. */
export function plainText(value: string, max: number = MAX_TEXT): string {
  return value.slice(0, max).replace(UNSAFE, ' ').trim();
}

// A control sequence (ECMA-48 §5.4), an operating-system or device string up to its terminator (§5.6), any other escape.
const ESCAPE =
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])?|(?:\u001b[PX\]^_]|[\u0090\u0098\u009d\u009e\u009f])(?:[^\u0007\u001b\u009c]*)(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;
const SGR_PARAMETERS = /^[0-9;:]{0,64}$/;
const UNSAFE_IN_OUTPUT =
  /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * One line of program output: of control sequences only colours (SGR, `ESC [ … m`) survive; of a line that a
 * progress bar wrote over with carriage returns, what a terminal would show last is kept.
 */
export function outputLine(value: string): string {
  let line = value.length > MAX_LINE ? value.slice(0, MAX_LINE) : value;
  if (line.includes('\r')) {
    const parts = line.split('\r').filter((part) => part !== '');
    line = parts[parts.length - 1] ?? '';
  }
  if (line.includes('\u001b') || line.includes('\u009b') || /[\u0090\u0098\u009d-\u009f]/.test(line)) {
    line = line.replace(ESCAPE, (_whole, parameters: string | undefined, final: string | undefined) =>
      final === 'm' && parameters !== undefined && SGR_PARAMETERS.test(parameters) ? `\u001b[${parameters}m` : '',
    );
  }
  return line.replace(UNSAFE_IN_OUTPUT, '\ufffd');
}
