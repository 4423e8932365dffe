/** The contract of `FleetStore` for the output of commands. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { OutputBatch } from '@/lib/fleet/records/command-record';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import { testCommand, testHost, testOutput } from '../sqlite/testing/sample-records';
import { CONSTRAINT, LARGEST, LONE_SURROGATE, throughClone, UNUSUAL_TEXT, type Open, useStore } from './contract';

const TOTAL = 100_000;
/** Longest line that agents send. */
const LINE_LENGTH = 65_536;

/** Lines numbered from 1 with these texts. */
const withTexts = (commandId: string, texts: readonly string[]): OutputBatch => ({
  commandId,
  lines: texts.map((text, index) => ({ seq: index + 1, at: 1, stream: 'stdout', text })),
});

export function fleetOutputContract(name: string, open: Open<FleetStore>): void {
  describe(`output: ${name}`, () => {
    let store: FleetStore;
    /** The same without a clone of what it answers. */
    let direct: FleetStore;
    const { reopen } = useStore(open, (made) => {
      direct = made;
      store = throughClone(made);
    });
    beforeEach(async () => {
      await store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a'), testCommand('d', 'a')] });
    });

    const numbersOf = async (after = 0) => (await store.output('c', after, 1_000)).map(({ seq }) => seq);
    /** Reads page by page, as a browser does. */
    async function pagesOf(limit: number, maxCharacters?: number): Promise<string[][]> {
      const pages: string[][] = [];
      for (let after = 0; ;) {
        const page = await store.output('c', after, limit, maxCharacters);
        const last = page.at(-1);
        if (last === undefined) return pages;
        pages.push(page.map(({ text }) => text));
        after = last.seq;
      }
    }

    it('is given in the order of the numbers, whichever batch was stored first, also across a reopening', async () => {
      await store.commit({ output: [testOutput('c', 10, 20), testOutput('d', 1, 3), testOutput('c', 1, 4)] });
      await store.commit({ output: [testOutput('c', 5, 9)] });
      await reopen();
      await store.commit({ output: [testOutput('c', 21, 21)] });
      expect(await store.output('c', 0, 1_000)).toEqual(testOutput('c', 1, 21).lines);
      expect(await store.output('d', 1, 1_000)).toEqual(testOutput('d', 2, 3).lines);
      expect(await store.output('nothing', 0, 1_000)).toEqual([]);
    });

    it('may leave out numbers between batches', async () => {
      await store.commit({ output: [testOutput('c', 3, 4), testOutput('c', 8, 9)] });
      expect(await numbersOf()).toEqual([3, 4, 8, 9]);
      expect([await numbersOf(5), await numbersOf(8), await numbersOf(9)]).toEqual([[8, 9], [9], []]);
    });

    it('refuses a batch with a gap, a repeated number or a wrong order', async () => {
      const { commandId, lines } = testOutput('c', 1, 3);
      const [one, two, three] = lines;
      if (!one || !two || !three) throw new Error('three lines');
      for (const wrong of [
        [one, three],
        [one, one],
        [two, one],
        [one, two, two],
      ]) {
        await expect(store.commit({ output: [{ commandId, lines: wrong }] })).rejects.toMatchObject(CONSTRAINT);
      }
      expect(await numbersOf()).toEqual([]);
    });

    it('refuses a batch that overlaps a stored one or one of the same commit', async () => {
      const stored = [...testOutput('c', 10, 20).lines, ...testOutput('c', 40, 50).lines];
      await store.commit({ output: [testOutput('c', 10, 20), testOutput('c', 40, 50)] });
      for (const [from, to] of [
        [10, 20],
        [5, 10],
        [20, 25],
        [12, 13],
        [1, 60],
        [39, 40],
        [50, 51],
      ] as const) {
        const overlap = store.commit({ output: [testOutput('c', from, to)] });
        await expect(overlap, `${from} to ${to}`).rejects.toMatchObject(CONSTRAINT);
      }
      const both = [testOutput('c', 60, 62), testOutput('c', 62, 63)];
      await expect(store.commit({ output: both })).rejects.toMatchObject(CONSTRAINT);
      expect(await store.output('c', 0, 1_000)).toEqual(stored);
      await store.commit({ output: [testOutput('c', 21, 39), testOutput('c', 51, 51), testOutput('c', 9, 9)] });
      expect(await store.output('c', 0, 1_000)).toEqual(testOutput('c', 9, 51).lines);
    });

    it('stores nothing for an empty batch', async () => {
      await store.commit({ output: [{ commandId: 'c', lines: [] }] });
      expect(await numbersOf()).toEqual([]);
    });

    it('is read from any number on, of 100,000 lines', async () => {
      const sizes = [1, 7, 250, 499];
      const batches: OutputBatch[] = [];
      for (let from = 1; from <= TOTAL;) {
        const to = Math.min(TOTAL, from + (sizes[batches.length % sizes.length] ?? 1) - 1);
        batches.push(testOutput('c', from, to));
        from = to + 1;
      }
      await store.commit({ output: batches });
      const all = testOutput('c', 1, TOTAL).lines;
      // Compared at once: a difference of so many lines is not worth printing.
      expect(isDeepStrictEqual(await direct.output('c', 0, TOTAL + 1), all)).toBe(true);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: TOTAL + 5 }),
          fc.integer({ min: 0, max: 600 }),
          async (after, limit) => {
            expect(await store.output('c', after, limit)).toEqual(all.slice(after, after + limit));
          },
        ),
        {
          numRuns: 30,
          examples: [
            [TOTAL - 1, 10],
            [TOTAL, 10],
            [0, 1],
            [257, 3],
          ],
        },
      );
    });

    it('is read in pages of lines that together have every line once', async () => {
      await store.commit({ output: [testOutput('c', 1, 3), testOutput('c', 4, 10)] });
      const pages = await pagesOf(4);
      expect(pages.map(({ length }) => length)).toEqual([4, 4, 2]);
      expect(pages.flat()).toEqual(testOutput('c', 1, 10).lines.map(({ text }) => text));
      expect([await store.output('c', 0, 0), await store.output('c', 0, -1)]).toEqual([[], []]);
    });

    it('ends a page with the line that reaches its characters', async () => {
      const texts = [10, 100, 3, 250, 0, 99, 1, 400, 5].map((length) => 'x'.repeat(length));
      await store.commit({ output: [withTexts('c', texts)] });
      const lengths = (await pagesOf(100, 110)).map((page) => page.map(({ length }) => length));
      expect(lengths).toEqual([[10, 100], [3, 250], [0, 99, 1, 400], [5]]);
      expect(await store.output('c', 0, 2, 1_000)).toHaveLength(2);
      expect(await store.output('c', 0, 100, 0)).toHaveLength(1);
      expect(await store.output('c', 0, 100)).toHaveLength(texts.length);
    });

    it('counts UTF-16 units as characters', async () => {
      await store.commit({ output: [withTexts('c', ['\u{1f600}', 'ż', '漢', 'x'])] });
      expect((await pagesOf(100, 2)).map((page) => page.length)).toEqual([1, 2, 1]);
    });

    it('has lines of 64 KiB, whatever their characters', async () => {
      const texts = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'x' : '漢').repeat(LINE_LENGTH));
      await store.commit({ output: [withTexts('c', texts)] });
      expect(await pagesOf(1_000, 10 * LINE_LENGTH)).toEqual(
        Array.from({ length: 6 }, (_, page) => texts.slice(page * 10, page * 10 + 10)),
      );
      expect((await store.output('c', 41, 2)).map(({ seq }) => seq)).toEqual([42, 43]);
      await expect(store.commit({ output: [testOutput('c', 30, 30)] })).rejects.toMatchObject(CONSTRAINT);
    });

    it('keeps any text, also NUL, no text, and half a character', async () => {
      const texts = [
        '',
        '\0',
        'a\0b',
        UNUSUAL_TEXT,
        '\r\n',
        '\u2028\u2029',
        LONE_SURROGATE,
        `x\udc00${LONE_SURROGATE}y`,
      ];
      await store.commit({ output: [withTexts('c', texts)] });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ unit: fc.integer({ max: 0xffff }).map((c) => String.fromCharCode(c)) })),
          async (more) => {
            const before = await numbersOf();
            const from = (before.at(-1) ?? 0) + 1;
            const lines = more.map((text, index) => ({ seq: from + index, at: 1, stream: 'stderr', text }) as const);
            await store.commit({ output: [{ commandId: 'c', lines }] });
            expect(await store.output('c', from - 1, 1_000)).toEqual(lines);
          },
        ),
        { numRuns: 20 },
      );
      await reopen();
      expect((await store.output('c', 0, texts.length)).map(({ text }) => text)).toEqual(texts);
    });

    it('keeps the largest numbers and times', async () => {
      const lines = [LARGEST - 1, LARGEST].map((seq) => ({ seq, at: seq, stream: 'note', text: '' }) as const);
      await store.commit({ output: [{ commandId: 'c', lines }, testOutput('c', 1, 1)] });
      expect(await store.output('c', 1, 10)).toEqual(lines);
      expect(await numbersOf(LARGEST - 1)).toEqual([LARGEST]);
      expect(await numbersOf(LARGEST)).toEqual([]);
      const again = store.commit({ output: [{ commandId: 'c', lines: lines.slice(1) }] });
      await expect(again).rejects.toMatchObject(CONSTRAINT);
    });
  });
}
