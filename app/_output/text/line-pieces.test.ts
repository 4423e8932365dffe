import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linePieces } from './line-pieces';
import { searchPattern } from './output-search';
import { PLAIN_STYLE, plainOutput } from './sgr';

const brief = (text: string, query: string, current: number | null = null) =>
  linePieces(text, PLAIN_STYLE, searchPattern(query), current).map(({ text, style, mark }) =>
    [text, style.fg === null ? '' : 'red', mark].join('|'),
  );

describe('linePieces', () => {
  it('marks a match across a change of colour', () => {
    expect(brief('an er\u001b[31mror\u001b[0m here', 'error')).toEqual([
      'an ||none',
      'er||match',
      'ror|red|match',
      ' here||none',
    ]);
  });

  it('distinguishes the current match, also between adjacent matches', () => {
    expect(brief('aaaab', 'aa', 2)).toEqual(['aa||match', 'aa||current', 'b||none']);
  });

  it('preserves the text and marks exactly the matches', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'A', ' ', '\u001b[31m', '\u001b[0m'), { maxLength: 40 });
    fc.assert(
      fc.property(text, fc.constantFrom('a', 'ab', 'aa', ' b', 'x'), (parts, query) => {
        const line = parts.join('');
        const pieces = linePieces(line, PLAIN_STYLE, searchPattern(query), null);
        expect(pieces.map((piece) => piece.text).join('')).toBe(plainOutput(line));
        expect(pieces.every((piece) => piece.text !== '')).toBe(true);
        const marked = pieces
          .filter((piece) => piece.mark === 'match')
          .reduce((sum, piece) => sum + piece.text.length, 0);
        const count = plainOutput(line).toLowerCase().split(query).length - 1;
        expect(marked).toBe(count * query.length);
      }),
    );
  });
});
