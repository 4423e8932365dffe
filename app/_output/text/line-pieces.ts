/** Splits one line of output where its colours and search matches start and end. */
import { findIn } from './output-search';
import { parseSgr, plainOutput, type SgrStyle } from './sgr';

export interface LinePiece {
  text: string;
  style: SgrStyle;
  /** `current`: the selected match. */
  mark: 'none' | 'match' | 'current';
}

/**
 * Splits a line. `pattern` marks its matches (global; null for no search); `currentStart` is where the current match
 * starts in the plain text, if it is on this line. The joined texts are exactly the plain text.
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
