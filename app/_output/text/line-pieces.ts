/** One line of output, cut where its colours and the marks of a search begin and end. */
import { findIn } from './output-search';
import { parseSgr, plainOutput, type SgrStyle } from './sgr';

export interface LinePiece {
  text: string;
  style: SgrStyle;
  /** `current`: the match that the operator stands on. */
  mark: 'none' | 'match' | 'current';
}

/**
 * Cuts a line. `pattern` marks what it matches (global; null for no search); `currentStart` is where in the plain text
 * the current match begins, when it is on this line. The texts joined are exactly the plain text.
 */
export function linePieces(
  text: string,
  startStyle: SgrStyle,
  pattern: RegExp | null,
  currentStart: number | null,
): LinePiece[] {
  const segments = parseSgr(text, startStyle);
  const matches = pattern ? findIn(plainOutput(text), pattern) : [];
  if (matches.length === 0) return segments.map((segment) => ({ ...segment, mark: 'none' }));
  const pieces: LinePiece[] = [];
  let at = 0;
  let next = 0;
  for (const { text: whole, style } of segments) {
    const end = at + whole.length;
    let from = at;
    while (from < end) {
      while ((matches[next]?.end ?? Infinity) <= from) next += 1;
      const match = matches[next];
      const inside = match !== undefined && match.start <= from;
      const until = Math.min(end, match === undefined ? end : inside ? match.end : match.start);
      const mark = !inside ? 'none' : match.start === currentStart ? 'current' : 'match';
      pieces.push({ text: whole.slice(from - at, until - at), style, mark });
      from = until;
    }
    at = end;
  }
  return pieces;
}
