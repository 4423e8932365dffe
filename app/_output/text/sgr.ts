/* eslint no-control-regex: off -- escape sequences are what this file is about */
/**
 * Select Graphic Rendition (ECMA-48 §8.3.117, with the colour extensions of xterm and ITU T.416): what of a
 * terminal's language survives in a stored output line. Gives plain data; markup is made by React, never from text.
 */

/** 0 to 15: the named colours; `r, g, b` for the rest of the 256 and for true colour. */
export type SgrColor = { kind: 'named'; index: number } | { kind: 'rgb'; r: number; g: number; b: number };

export interface SgrStyle {
  readonly fg: SgrColor | null;
  readonly bg: SgrColor | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
  readonly strike: boolean;
}

export interface SgrSegment {
  text: string;
  style: SgrStyle;
}

export const PLAIN_STYLE: SgrStyle = Object.freeze({
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  strike: false,
});

const SGR = /\u001b\[([0-9;:]*)m/g;

/** The text that a person reads: without any colour sequence. */
export function plainOutput(text: string): string {
  return text.includes('\u001b') ? text.replace(SGR, '') : text;
}

/** The style that is on after a line. */
export function styleAfter(text: string, start: SgrStyle = PLAIN_STYLE): SgrStyle {
  if (!text.includes('\u001b')) return start;
  let style = start;
  for (const match of text.matchAll(SGR)) style = applySgr(style, match[1] ?? '');
  return style;
}

/** Cuts a line into pieces of one style each. Their texts joined are exactly `plainOutput(text)`. Never throws. */
export function parseSgr(text: string, start: SgrStyle = PLAIN_STYLE): SgrSegment[] {
  if (!text.includes('\u001b')) return text === '' ? [] : [{ text, style: start }];
  const segments: SgrSegment[] = [];
  let style = start;
  let from = 0;
  const take = (until: number) => {
    if (until > from) segments.push({ text: text.slice(from, until), style });
  };
  for (const match of text.matchAll(SGR)) {
    take(match.index);
    style = applySgr(style, match[1] ?? '');
    from = match.index + match[0].length;
  }
  take(text.length);
  return segments;
}

/** Applies the parameters of one sequence. What is unknown or malformed changes nothing. */
export function applySgr(style: SgrStyle, parameters: string): SgrStyle {
  let next = style;
  const groups = parameters.split(';');
  for (let i = 0; i < groups.length; i += 1) {
    const group = groups[i] ?? '';
    // `38:2::r:g:b` and `4:3` carry their parameters inside one group.
    const [code = 0, ...inner] = group.split(':').map((part) => (part === '' ? 0 : Number(part)));
    if (code === 38 || code === 48) {
      let color: SgrColor | null;
      if (inner.length > 0) {
        color = extendedColor(inner[0], inner.length > 4 ? inner.slice(2) : inner.slice(1));
      } else {
        const mode = Number(groups[i + 1] ?? '');
        const length = mode === 5 ? 1 : mode === 2 ? 3 : 0;
        color = extendedColor(mode, groups.slice(i + 2, i + 2 + length).map(Number));
        i += 1 + length;
      }
      if (color) next = code === 38 ? { ...next, fg: color } : { ...next, bg: color };
      continue;
    }
    next = applyCode(next, code, inner[0]);
  }
  return next;
}

function applyCode(style: SgrStyle, code: number, sub: number | undefined): SgrStyle {
  if (code >= 30 && code <= 37) return { ...style, fg: named(code - 30) };
  if (code >= 40 && code <= 47) return { ...style, bg: named(code - 40) };
  if (code >= 90 && code <= 97) return { ...style, fg: named(code - 90 + 8) };
  if (code >= 100 && code <= 107) return { ...style, bg: named(code - 100 + 8) };
  switch (code) {
    case 0:
      return PLAIN_STYLE;
    case 1:
      return { ...style, bold: true };
    case 2:
      return { ...style, dim: true };
    case 3:
      return { ...style, italic: true };
    case 4:
      return { ...style, underline: sub !== 0 };
    case 7:
      return { ...style, inverse: true };
    case 9:
      return { ...style, strike: true };
    case 21:
      return { ...style, underline: true };
    case 22:
      return { ...style, bold: false, dim: false };
    case 23:
      return { ...style, italic: false };
    case 24:
      return { ...style, underline: false };
    case 27:
      return { ...style, inverse: false };
    case 29:
      return { ...style, strike: false };
    case 39:
      return { ...style, fg: null };
    case 49:
      return { ...style, bg: null };
    default:
      return style;
  }
}

const named = (index: number): SgrColor => ({ kind: 'named', index });

function extendedColor(mode: number | undefined, values: readonly number[]): SgrColor | null {
  if (mode === 5) {
    const index = values[0];
    return index !== undefined && isByte(index) ? indexed(index) : null;
  }
  if (mode === 2) {
    const [r, g, b] = values;
    if (r === undefined || g === undefined || b === undefined) return null;
    return isByte(r) && isByte(g) && isByte(b) ? { kind: 'rgb', r, g, b } : null;
  }
  return null;
}

const isByte = (value: number) => Number.isInteger(value) && value >= 0 && value <= 255;

/** Xterm's table of 256: 16 named, a cube of 6×6×6, 24 greys. */
function indexed(index: number): SgrColor {
  if (index < 16) return named(index);
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return { kind: 'rgb', r: grey, g: grey, b: grey };
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return { kind: 'rgb', r: level(Math.floor(cube / 36)), g: level(Math.floor(cube / 6) % 6), b: level(cube % 6) };
}
