import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputBuffer } from './output-buffer';
import { findIn, OutputSearch, searchPattern } from './output-search';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

const line = (seq: number, text = `line ${seq}`): OutputLine => ({ seq, at: seq * 10, stream: 'stdout', text });
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i));
const numbers = (buffer: OutputBuffer) => Array.from(buffer.rows(), (row) => row.seq);

describe('OutputBuffer', () => {
  it('stores lines in order and finds each by its index', () => {
    const buffer = new OutputBuffer();
    expect(buffer.append(lines(1, 2_500))).toEqual({ kind: 'appended', added: 2_500 });
    expect(buffer.size).toBe(2_500);
    expect(buffer.lastSeq).toBe(2_500);
    expect([0, 999, 1_000, 2_499].map((index) => buffer.row(index)?.seq)).toEqual([1, 1_000, 1_001, 2_500]);
    expect(buffer.row(-1)).toBeUndefined();
    expect(buffer.row(2_500)).toBeUndefined();
  });

  it('ignores repeated lines', () => {
    const buffer = new OutputBuffer();
    buffer.append(lines(1, 10));
    expect(buffer.append(lines(5, 12))).toEqual({ kind: 'appended', added: 2 });
    expect(numbers(buffer)).toEqual(numbers(bufferOf(lines(1, 12))));
  });

  it('reports a gap and stores nothing after it, so that the lines can be requested again', () => {
    const buffer = bufferOf(lines(1, 3));
    expect(buffer.append([line(4), line(7), line(8)])).toEqual({ kind: 'gap', after: 4, added: 1 });
    expect(buffer.lastSeq).toBe(4);
    expect(buffer.append(lines(5, 8))).toEqual({ kind: 'appended', added: 4 });
    expect(numbers(buffer)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('inserts a note in place of lines that no longer exist', () => {
    const buffer = bufferOf(lines(1, 2));
    buffer.append([line(5)]);
    expect(buffer.append([line(5), line(6)])).toEqual({ kind: 'appended', added: 3 });
    expect(buffer.row(2)).toMatchObject({ stream: 'note', seq: 3, text: '2 lines are missing here.' });
    expect(numbers(buffer)).toEqual([1, 2, 3, 5, 6]);
    // Another gap is reported first.
    expect(buffer.append([line(9)]).kind).toBe('gap');
  });

  it('does not mistake delayed lines for the answer', () => {
    const buffer = bufferOf(lines(1, 4));
    expect(buffer.append([line(7)]).kind).toBe('gap');
    expect(buffer.append([line(9)]).kind).toBe('gap');
    expect(buffer.append(lines(5, 9))).toEqual({ kind: 'appended', added: 5 });
    expect(numbers(buffer)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('keeps within its limits and counts dropped lines', () => {
    const byLines = new OutputBuffer({ lines: 100, characters: 1e9 });
    byLines.append(lines(1, 1_000));
    expect(byLines.size).toBeLessThanOrEqual(100);
    expect(byLines.dropped + byLines.size).toBe(1_000);
    expect(byLines.row(byLines.size - 1)?.seq).toBe(1_000);
    expect(byLines.row(0)?.seq).toBe(byLines.dropped + 1);

    const byText = new OutputBuffer({ lines: 1_000, characters: 10_000 });
    byText.append(Array.from({ length: 900 }, (_, i) => line(i + 1, 'x'.repeat(100))));
    const kept = Array.from(byText.rows()).reduce((sum, row) => sum + row.text.length, 0);
    expect(kept).toBeLessThanOrEqual(25_000);
    expect(byText.dropped + byText.size).toBe(900);
  });

  it('continues a colour on the next line of the same stream only', () => {
    const buffer = bufferOf([
      { ...line(1, '\u001b[31mred starts'), stream: 'stderr' },
      line(2, 'plain'),
      { ...line(3, 'still red\u001b[0m'), stream: 'stderr' },
      { ...line(4, 'plain again'), stream: 'stderr' },
    ]);
    expect(Array.from(buffer.rows(), (row) => row.startStyle.fg !== null)).toEqual([false, false, true, false]);
  });

  it('contains each line once and in order, however batches overlap and repeat', () => {
    const batch = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 30 }));
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 30 }), (batches) => {
        const buffer = new OutputBuffer();
        for (const [from, length] of batches) {
          const result = buffer.append(lines(from, from + length));
          // As the channel does: request the lines after the gap again.
          if (result.kind === 'gap') {
            expect(buffer.append(lines(result.after + 1, from + length)).kind).toBe('appended');
          }
        }
        expect(numbers(buffer)).toEqual(Array.from({ length: buffer.lastSeq }, (_, i) => i + 1));
      }),
    );
  });
});

describe('OutputSearch', () => {
  it('finds text in any case and colour, in slices, and continues with new lines', () => {
    const buffer = bufferOf([line(1, 'an \u001b[31mErr\u001b[0mor, an error'), line(2, 'fine'), line(3, 'ERROR')]);
    const search = new OutputSearch('error');
    expect(search.scan(buffer, 2)).toBe(false);
    expect(search.matches).toEqual([
      { position: 0, start: 3, end: 8 },
      { position: 0, start: 13, end: 18 },
    ]);
    expect(search.scan(buffer, 2)).toBe(true);
    expect(search.matches).toHaveLength(3);
    buffer.append([line(4, 'error at last')]);
    expect(search.scan(buffer, 10)).toBe(true);
    expect(search.matches[3]).toEqual({ position: 3, start: 0, end: 5 });
  });

  it('forgets matches in dropped lines', () => {
    const buffer = new OutputBuffer({ lines: 8, characters: 1e9 });
    const search = new OutputSearch('line');
    buffer.append(lines(1, 6));
    search.scan(buffer, 100);
    buffer.append(lines(7, 20));
    search.scan(buffer, 100);
    expect(search.matches.map((match) => match.position)).toEqual(
      Array.from({ length: buffer.size }, (_, i) => buffer.dropped + i),
    );
  });

  it('treats every query literally', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (query, rest) => {
        const [first] = findIn(query + rest, searchPattern(query));
        expect(first).toEqual({ start: 0, end: query.length });
      }),
    );
    expect(findIn('anything', searchPattern(''))).toEqual([]);
  });
});

function bufferOf(initial: OutputLine[]): OutputBuffer {
  const buffer = new OutputBuffer();
  buffer.append(initial);
  return buffer;
}
