import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createLog } from './log';
import { createOutbox, type OutboxOptions } from './outbox';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame, AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';

const folder = mkdtempSync(join(tmpdir(), 'nixfleet-outbox-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const DONE = { status: 'ok', exitCode: 0, message: '', generation: 'abc', restarting: false } as const;

function setUp(more: Partial<OutboxOptions> = {}, stateDir = join(folder, String(count++))) {
  const wire = { up: true, ids: true, frames: [] as AgentFrame[] };
  const outbox = createOutbox({
    stateDir,
    log: createLog('error'),
    onResultSent: () => undefined,
    link: {
      ready: () => wire.up,
      withIds: () => wire.ids,
      send(frame: AgentFrameInput) {
        const parsed = parseAgentFrame(JSON.stringify(frame));
        if (parsed.kind !== 'frame') throw new Error(JSON.stringify(parsed));
        wire.frames.push(parsed.frame);
      },
    },
    ...more,
  });
  return { outbox, wire, stateDir };
}

function numbered(frames: AgentFrame[]): { seq: number; line: string }[] {
  return frames.flatMap((frame) => (frame.type === 'output_batch' ? frame.payload.lines : []));
}

describe('outbox', () => {
  it.each([
    ['escapes of six bytes', '\u0001'],
    ['characters of three bytes', '€'],
    ['plain letters', 'x'],
  ])('makes frames that the dashboard reads of lines full of %s, long and short', (_name, character) => {
    // The link parses every frame as the dashboard does and fails on one that it would refuse.
    const { outbox, wire } = setUp();
    const entry = outbox.begin('a', 'test');
    const lengths = [65_536, 65_536, 300, 20_000, ...Array<number>(1_500).fill(900), 65_536];
    for (const length of lengths) outbox.addLine(entry, character.repeat(length), 'stdout');
    outbox.finish(entry, DONE);
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual(lengths.map((_, index) => index + 1));
  });

  it('sends everything again that was not acknowledged, in order, and nothing that was', async () => {
    const { outbox, wire } = setUp();
    const entry = outbox.begin('a', 'pull');
    for (let i = 1; i <= 1_200; i++) outbox.addLine(entry, `line ${i}`, 'stdout');
    outbox.finish(entry, DONE);
    expect(wire.frames.map((frame) => frame.type)).toEqual(['output_batch', 'output_batch', 'output_batch', 'status']);
    outbox.acknowledge('a', 700, false);
    wire.frames = [];
    outbox.restart();
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => 701 + index));
    expect(wire.frames.at(-1)).toMatchObject({ type: 'status', payload: { command_id: 'a', last_seq: 1_200 } });
    expect(outbox.finished()).toEqual(['a']);
    outbox.acknowledge('a', 1_200, true);
    await outbox.settled(entry);
    expect(outbox.finished()).toEqual([]);
    wire.frames = [];
    outbox.restart();
    expect(wire.frames).toEqual([]);
    expect(outbox.size()).toBe(0);
  });

  it('keeps ids and results over a restart, in a file of its owner alone', () => {
    const { outbox, stateDir } = setUp();
    outbox.finish(outbox.begin('done', 'pull'), { ...DONE, restarting: true });
    outbox.begin('half', 'switch');
    outbox.refuse('no', 'test');
    const path = join(stateDir, 'commands.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const after = setUp({}, stateDir);
    expect(after.outbox.seen('done').kind).toBe('finished');
    expect(after.outbox.seen('half').kind).toBe('lost');
    expect(after.outbox.seen('no').kind).toBe('refused');
    expect(after.outbox.seen('new').kind).toBe('new');
    expect(after.outbox.finished()).toEqual(['done']);
    after.outbox.restart();
    // The restart that it announced lies behind this process.
    expect(after.wire.frames).toMatchObject([{ type: 'status', payload: { command_id: 'done', restarting: false } }]);
    after.outbox.acknowledge('done', undefined, true);
    const third = setUp({}, stateDir);
    expect(third.outbox.finished()).toEqual([]);
    third.outbox.repeat('done');
    expect(third.wire.frames).toMatchObject([{ type: 'status', payload: { command_id: 'done' } }]);
    writeFileSync(path, '{"commands": [{"id": 5}');
    expect(setUp({}, stateDir).outbox.seen('done').kind).toBe('new');
  });

  it('remembers the last 256 commands', () => {
    const { outbox, stateDir } = setUp();
    for (let i = 0; i < 300; i++) {
      outbox.finish(outbox.begin(`c${i}`, 'pull'), DONE);
      outbox.acknowledge(`c${i}`, undefined, true);
    }
    expect(outbox.seen('c43').kind).toBe('new');
    expect(outbox.seen('c44').kind).toBe('finished');
    const parsed = JSON.parse(readFileSync(join(stateDir, 'commands.json'), 'utf8')) as { commands: unknown[] };
    expect(parsed.commands).toHaveLength(256);
  });

  it('holds its bound, and one line with the number of the last stands for those that were dropped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 120 }),
        fc.nat({ max: 60 }),
        (lengths, sentBefore) => {
          const { outbox, wire } = setUp({ maxBytes: 4_000 });
          const entry = outbox.begin(null, 'update');
          const withId = outbox.begin('x', 'update');
          lengths.forEach((length, index) => {
            wire.up = index < sentBefore;
            outbox.addLine(withId, `${index + 1} ${'x'.repeat(length)}`, 'stdout');
            outbox.pump();
            expect(outbox.size()).toBeLessThanOrEqual(4_000 + 64);
          });
          wire.up = true;
          outbox.pump();
          let expected = 1;
          for (const { seq, line } of numbered(wire.frames)) {
            const missing = /^\[(\d+) lines? (is|are) missing/.exec(line);
            if (missing === null) expect(line.startsWith(`${seq} `)).toBe(true);
            expected += missing === null ? 0 : Number(missing[1]) - 1;
            expect(seq).toBe(expected);
            expected++;
          }
          expect(expected).toBe(lengths.length + 1);
          outbox.close(entry);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('sends plain frames once where there are no ids', () => {
    const { outbox, wire } = setUp();
    wire.ids = false;
    const entry = outbox.begin('a', 'pull');
    outbox.addLine(entry, 'one', 'stdout');
    outbox.addLine(entry, 'two', 'stderr');
    outbox.finish(entry, DONE);
    expect(wire.frames.map((frame) => frame.type)).toEqual(['output', 'output', 'status']);
    expect(wire.frames.at(-1)).toMatchObject({ payload: { command_id: null, last_seq: null } });
    wire.frames = [];
    outbox.restart();
    expect(wire.frames).toEqual([]);
  });

  it('waits while the link is congested and goes on where it stopped', () => {
    const { outbox, wire } = setUp();
    const entry = outbox.begin('a', 'pull');
    wire.up = false;
    for (let i = 1; i <= 10; i++) outbox.addLine(entry, '\u0001'.repeat(65_536), 'stdout');
    outbox.finish(entry, DONE);
    expect(wire.frames).toEqual([]);
    wire.up = true;
    outbox.pump();
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    // Each fits the largest frame that the dashboard accepts.
    expect(wire.frames.filter((frame) => frame.type === 'output_batch')).toHaveLength(10);
  });
});
