import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nixTokens } from './nix-tokens';

/** Paths, URLs and numbers in one pattern, which reads a long first part again at each of its tokens. */
const OTHER =
  /^(?:[\w~.+-]*(?:\/[\w.+-]+)+\/?|<[\w./+-]+>|[A-Za-z][\w+.-]*:[\w%/?:@&=+$,.!~*'-]+|[\d.]+(?:[eE][+-]?\d+)?)/;
const WORD = /^[A-Za-z_][\w'-]*/;
const MARK = /^(?:\$\{|==|!=|<=|>=|->|&&|\|\||\/\/|\+\+|\.\.\.|[{}()[\];=:,.?@!<>+*/-])/;

/** The tokens of a text without strings and comments, by these patterns; null where a character is unexpected. */
function byPatterns(text: string): string[] | null {
  const tokens: string[] = [];
  for (let rest = text.trimStart(); rest !== '';) {
    const [other = '', word = '', mark = ''] = [OTHER, WORD, MARK].map((pattern) => pattern.exec(rest)?.[0] ?? '');
    const found = other.length > word.length && other.length > mark.length ? other : word || mark || other;
    if (found === '') return null;
    tokens.push(found);
    rest = rest.slice(found.length).trimStart();
  }
  return tokens;
}

describe('nixTokens', () => {
  it('finds the same tokens as a single pattern for paths, URLs and numbers', () => {
    const part = fc.constantFrom(
      ...['a', 'b1', 'rec', '_x', "y'", '1', '1.5', '2e3', '.', '..', '...', '~', '+', '-', '/', '//', ':', '://'],
      ...['<', '>', '<nixpkgs>', 'https', 'x.y', '{', '}', '=', ';', ' ', '\n', '?', '@', '&&', '%', '->'],
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        fc.pre(!text.includes("''") && !text.includes('/*'));
        const read = nixTokens(text);
        expect(read.ok ? read.tokens.map((token) => token.text) : null).toEqual(byPatterns(text));
      }),
      { numRuns: 5_000 },
    );
  });

  // What is not linear takes minutes for these, and the runner ends the test.
  it.each([
    ['attributes', 'a.'.repeat(80_000)],
    ['parts of names', 'a-.'.repeat(53_000)],
    ['numbers', '1.a'.repeat(53_000)],
    ['parts of paths', '~+'.repeat(80_000)],
    ['slashes', 'a/'.repeat(80_000)],
    ['schemes', 'a:'.repeat(80_000)],
    ['brackets', '<a'.repeat(80_000)],
    ['interpolations', '${a.'.repeat(40_000)],
    ['quotes in names', "a'.".repeat(53_000)],
  ])('reads a flood of %s', (_name, text) => {
    expect(nixTokens(text)).toBeDefined();
  });
});
