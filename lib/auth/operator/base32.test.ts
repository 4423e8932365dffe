import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase32, encodeBase32 } from './base32';

describe('base32', () => {
  it('decodes what it encoded, however a person types it', () => {
    const typed = fc.tuple(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.boolean(),
      fc.constantFrom('', ' ', '-', '\t'),
      fc.boolean(),
    );
    fc.assert(
      fc.property(typed, ([bytes, lower, separator, padded]) => {
        const plain = encodeBase32(bytes);
        const grouped = plain.match(/.{1,4}/g)?.join(separator) ?? '';
        const text = `${lower ? grouped.toLowerCase() : grouped}${padded ? '='.repeat((8 - (plain.length % 8)) % 8) : ''}`;
        expect(decodeBase32(text)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each(['', ' ', '=', 'A', 'ABC', 'ABCDEF', 'JBSWY3DPEHPK3PX1', 'JBSWY3DP!', 'ÄBSWY3DP', '\u0000'])(
    'rejects %j',
    (text) => {
      expect(decodeBase32(text)).toBeNull();
    },
  );

  it('reads the vectors of RFC 4648, 10', () => {
    for (const [text, plain] of [
      ['MY======', 'f'],
      ['MZXQ====', 'fo'],
      ['MZXW6===', 'foo'],
      ['MZXW6YQ=', 'foob'],
      ['MZXW6YTB', 'fooba'],
      ['MZXW6YTBOI======', 'foobar'],
    ] as const) {
      expect(decodeBase32(text)?.toString()).toBe(plain);
      expect(encodeBase32(Buffer.from(plain))).toBe(text.replace(/=+$/, ''));
    }
  });
});
