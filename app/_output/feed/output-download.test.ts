import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downloadName, outputStream } from './output-download';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

const line = (seq: number, text: string, stream: OutputLine['stream'] = 'stdout'): OutputLine => ({
  seq,
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  stream,
  text,
});

const reader = (lines: OutputLine[]) => (after: number, limit: number) =>
  Promise.resolve(lines.filter((one) => one.seq > after).slice(0, limit));

describe('outputStream', () => {
  it('contains every line once, in order, over many pages', async () => {
    const lines = Array.from({ length: 3_501 }, (_, i) => line(i + 1, `line ${i + 1}`));
    const text = await new Response(outputStream(reader(lines), false)).text();
    expect(text).toBe(lines.map((one) => `${one.text}\n`).join(''));
  });

  it('limits the characters of each read', async () => {
    const sizes: number[] = [];
    const read = (after: number, _limit: number, maxCharacters: number) => {
      sizes.push(maxCharacters);
      return Promise.resolve(after === 0 ? [line(1, 'x')] : []);
    };
    expect(await new Response(outputStream(read, false)).text()).toBe('x\n');
    expect(sizes).toEqual([256 * 1024, 256 * 1024]);
  });

  it('strips colours, marks notes, and adds timestamps on request', async () => {
    const lines = [line(1, '\u001b[31mred\u001b[0m ü', 'stderr'), line(2, '3 lines are missing here', 'note')];
    expect(await new Response(outputStream(reader(lines), true)).text()).toBe(
      '2026-01-02T03:04:05.006Z  red ü\n2026-01-02T03:04:05.006Z  [dashboard] 3 lines are missing here\n',
    );
  });

  it('is empty for a command without output', async () => {
    expect(await new Response(outputStream(reader([]), false)).text()).toBe('');
  });
});

describe('downloadName', () => {
  it('consists of host, operation and time', () => {
    const command = { operation: 'pull-switch', generation: null, createdAt: Date.UTC(2026, 0, 2, 3, 4, 5) } as const;
    expect(downloadName('web-01', command)).toBe('web-01-pull-switch-2026-01-02T03-04-05.log');
    expect(downloadName('web-01', { ...command, operation: 'switch-generation', generation: 12 })).toBe(
      'web-01-switch-generation-12-2026-01-02T03-04-05.log',
    );
  });

  it('is safe in a header and on a disk for every host name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const file = downloadName(name, { operation: 'pull', generation: null, createdAt: 0 });
        expect(file).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]*\.log$/);
        expect(file.length).toBeLessThan(120);
      }),
    );
  });
});
