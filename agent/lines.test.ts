import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineReader } from './lines';

function read(chunks: Uint8Array[], maxLength?: number): string[] {
  const lines: string[] = [];
  const reader = createLineReader((line) => lines.push(line), maxLength);
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return lines;
}

function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const borders = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...borders].map((from, index) => bytes.subarray(from, borders[index] ?? bytes.length));
}

describe('createLineReader', () => {
  it('gives the same lines wherever the chunks are split', () => {
    const line = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), fc.boolean(), (lines, places, windows) => {
        const text = lines.map((one) => `${one}${windows ? '\r' : ''}\n`).join('');
        const bytes = new TextEncoder().encode(text);
        expect(read(cut(bytes, places))).toEqual(
          lines.map((one) => new TextDecoder().decode(new TextEncoder().encode(`\ufeff${one}`))),
        );
      }),
    );
  });

  it('splits any bytes into bounded pieces without losing any of a long line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat()), (bytes, places) => {
        for (const line of read(cut(bytes, places), 16)) expect(line.length).toBeLessThanOrEqual(16);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.array(fc.nat()), (text, places) => {
        fc.pre(!/[\r\n\ufeff]/.test(text) && !/\p{Cs}/u.test(text));
        expect(read(cut(new TextEncoder().encode(text), places), 16).join('')).toBe(text);
      }),
    );
  });

  it('replaces invalid UTF-8, keeps the last state of a progress bar, and gives a last line without a line break', () => {
    expect(read([Uint8Array.from([0x61, 0xff, 0x62, 0x0a])])).toEqual(['a\ufffdb']);
    expect(read([Buffer.from('10%\r50%\r100%\nplain\r\n\nlast')])).toEqual(['100%', 'plain', '', 'last']);
    expect(read([Buffer.from('x'.repeat(20)), Buffer.from('\r'), Buffer.from('y'.repeat(5))], 10)).toEqual([
      'x'.repeat(10),
      'x'.repeat(10),
      'y'.repeat(5),
    ]);
  });
});
