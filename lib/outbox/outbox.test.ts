import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createCommandMemory } from './command-memory';
import type { OutboxFrame } from './frames';
import { createOutbox, type OutboxOptions } from './outbox';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame } from '@/lib/protocol/agent/from-agent';
import { MAX_BATCH_LINES, MAX_FINISHED_IDS } from '@/lib/protocol/agent/frame-limits';

const DONE = { status: 'ok', exitCode: 0, message: '', generation: 'abc', restarting: false } as const;

/** An outbox on a link that parses every frame as the dashboard does and fails on one that it would refuse. */
function setUp(more: Partial<OutboxOptions> = {}) {
  const wire = { up: true, ids: true, accepts: [] as string[], frames: [] as AgentFrame[] };
  const memory = createCommandMemory({ maxCommands: MAX_FINISHED_IDS });
  const outbox = createOutbox({
    memory,
    maxBatchLines: MAX_BATCH_LINES,
    onResultSent: () => undefined,
    link: {
      ready: () => wire.up,
      withIds: () => wire.ids,
      accepts: (name) => wire.accepts.includes(name),
      send(frame) {
        const parsed = parseAgentFrame(JSON.stringify(frame));
        if (parsed.kind !== 'frame') throw new Error(JSON.stringify(parsed));
        wire.frames.push(parsed.frame);
      },
    },
    ...more,
  });
  return { outbox, wire, memory };
}

function numbered(frames: readonly AgentFrame[]): { seq: number; line: string }[] {
  return frames.flatMap((frame) => (frame.type === 'output_batch' ? frame.payload.lines : []));
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('outbox', () => {
  it.each([
    ['characters that escape to six bytes', '\u0001'],
    ['characters of three bytes', '€'],
    ['plain letters', 'x'],
  ])('splits long and short lines of %s into frames that the dashboard accepts', (_name, character) => {
    const { outbox, wire } = setUp();
    const entry = outbox.begin('a', 'test');
    const lengths = [65_536, 65_536, 300, 20_000, ...Array<number>(1_500).fill(900), 65_536];
    wire.up = false;
    outbox.addLines(
      entry,
      'stdout',
      lengths.map((length) => character.repeat(length)),
    );
    wire.up = true;
    outbox.finish(entry, DONE);
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual(upTo(lengths.length));
  });

  it('sends again in order what was not acknowledged, and nothing else', async () => {
    const { outbox, wire } = setUp();
    const entry = outbox.begin('a', 'pull');
    outbox.addLines(
      entry,
      'stdout',
      upTo(1_200).map((i) => `line ${i}`),
    );
    outbox.finish(entry, DONE);
    expect(wire.frames.map((frame) => frame.type)).toEqual(['output_batch', 'output_batch', 'output_batch', 'status']);
    outbox.acknowledge('a', 700, false);
    wire.frames = [];
    outbox.resendAll();
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual(upTo(1_200, 701));
    expect(wire.frames.at(-1)).toMatchObject({ type: 'status', payload: { command_id: 'a', last_seq: 1_200 } });
    expect(outbox.finished()).toEqual(['a']);
    outbox.acknowledge('a', 1_200, true);
    await outbox.whenSettled(entry);
    expect(outbox.finished()).toEqual([]);
    wire.frames = [];
    outbox.resendAll();
    expect(wire.frames).toEqual([]);
    expect(outbox.size()).toBe(0);
  });

  it('delivers every line and the result, wherever the connection breaks', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), lines: fc.integer({ min: 1, max: 1_200 }) }),
      fc.record({ do: fc.constant('cut' as const) }),
      fc.record({ do: fc.constant('register' as const) }),
      fc.record({ do: fc.constant('acknowledge' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        // Without the parser: a hundred runs send millions of lines.
        const wire = { up: false, frames: [] as OutboxFrame[] };
        const send = (frame: OutboxFrame) => void wire.frames.push(frame);
        const { outbox } = setUp({ link: { ready: () => wire.up, withIds: () => true, accepts: () => false, send } });
        const entry = outbox.begin('id', 'test');
        let added = 0;
        /** The last line that arrived with all lines before it. */
        let received = 0;
        const receive = () => {
          for (const frame of wire.frames.splice(0)) {
            if (frame.type !== 'output_batch') continue;
            expect(frame.payload.lines.length).toBeLessThanOrEqual(MAX_BATCH_LINES);
            for (const { seq } of frame.payload.lines) {
              if (seq > received + 1) throw new Error(`line ${seq} came after ${received}`);
              received = Math.max(received, seq);
            }
          }
        };
        for (const next of steps) {
          if (next.do === 'add') {
            added += next.lines;
            outbox.addLines(entry, 'stdout', Array<string>(next.lines).fill('a line'));
          } else if (next.do === 'cut') wire.up = false;
          else if (next.do === 'register') {
            wire.up = true;
            outbox.resendAll();
          } else if (wire.up) outbox.acknowledge('id', Math.floor(received * next.share), false);
          receive();
        }
        outbox.finish(entry, DONE);
        wire.up = true;
        outbox.resendAll();
        expect(wire.frames.at(-1)).toMatchObject({ type: 'status', payload: { last_seq: added } });
        receive();
        expect(received).toBe(added);
        outbox.acknowledge('id', added, true);
        expect(outbox.finished()).toEqual([]);
      }),
    );
  });

  it('keeps results across a restart of the process, but not the commands that were running', () => {
    const { outbox, memory } = setUp();
    outbox.finish(outbox.begin('done', 'pull'), { ...DONE, restarting: true });
    outbox.begin('half', 'switch');
    outbox.refuse('no', 'test');
    expect(outbox.stateOf('half')).toBe('running');
    const second = setUp({ memory });
    expect(['done', 'half', 'no', 'new'].map((id) => second.outbox.stateOf(id))).toEqual([
      'finished',
      'lost',
      'refused',
      'new',
    ]);
    expect(second.outbox.finished()).toEqual(['done']);
    second.outbox.resendAll();
    // The restart that the result announced is over.
    expect(second.wire.frames).toMatchObject([{ type: 'status', payload: { command_id: 'done', restarting: false } }]);
    second.outbox.acknowledge('done', undefined, true);
    const third = setUp({ memory });
    expect(third.outbox.finished()).toEqual([]);
    third.outbox.resendResult('done');
    expect(third.wire.frames).toMatchObject([{ type: 'status', payload: { command_id: 'done' } }]);
  });

  it('continues a command of an earlier process, with the numbers that follow', () => {
    const { outbox, memory, wire } = setUp();
    outbox.addLines(outbox.begin('sw', 'switch'), 'stdout', ['built', 'activating', 'half of the']);
    const second = setUp({ memory });
    expect(second.outbox.stateOf('sw')).toBe('lost');
    // The activation's output is read again from its first line, which was number 2.
    const entry = second.outbox.resume('sw', 'switch', 1);
    expect(second.outbox.stateOf('sw')).toBe('running');
    second.outbox.addLines(entry, 'stdout', ['activating', 'half of the line']);
    second.outbox.finish(entry, DONE);
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(numbered(second.wire.frames)).toMatchObject([
      { seq: 2, line: 'activating' },
      { seq: 3, line: 'half of the line' },
    ]);
    expect(second.wire.frames.at(-1)).toMatchObject({ payload: { command_id: 'sw', last_seq: 3 } });
    expect(setUp({ memory }).outbox.stateOf('sw')).toBe('finished');
  });

  it('forgets the oldest commands beyond the bound', () => {
    const { outbox } = setUp();
    for (let i = 0; i < 300; i++) {
      outbox.finish(outbox.begin(`c${i}`, 'pull'), DONE);
      outbox.acknowledge(`c${i}`, undefined, true);
    }
    expect(outbox.stateOf('c43')).toBe('new');
    expect(outbox.stateOf('c44')).toBe('finished');
  });

  it('says in the output when a command could not be saved', () => {
    const { outbox, wire } = setUp({ memory: createCommandMemory({ maxCommands: 8, save: () => false }) });
    outbox.begin('a', 'pull');
    expect(numbered(wire.frames).map(({ line }) => line)).toEqual([
      '[the agent could not save this command: after a crash it may not recognise it]',
    ]);
  });

  it('keeps its bound, and one line with the number of the last replaces the lines that were dropped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 120 }),
        fc.nat({ max: 60 }),
        (lengths, sentBefore) => {
          const { outbox, wire } = setUp({ maxBytes: 4_000 });
          outbox.begin(null, 'update');
          const withId = outbox.begin('x', 'update');
          lengths.forEach((length, index) => {
            wire.up = index < sentBefore;
            outbox.addLines(withId, 'stdout', [`${index + 1} ${'x'.repeat(length)}`]);
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
        },
      ),
      { numRuns: 60 },
    );
  });

  it('sends plain frames once to a dashboard without ids', () => {
    const { outbox, wire } = setUp();
    wire.ids = false;
    const entry = outbox.begin('a', 'pull');
    outbox.addLines(entry, 'stdout', ['one']);
    outbox.addLines(entry, 'stderr', ['two']);
    outbox.finish(entry, DONE);
    expect(wire.frames.map((frame) => frame.type)).toEqual(['output', 'output', 'status']);
    expect(wire.frames.at(-1)).toMatchObject({ payload: { command_id: null, last_seq: null } });
    wire.frames = [];
    outbox.resendAll();
    expect(wire.frames).toEqual([]);
  });

  it('waits while the link is congested and continues where it stopped', () => {
    const { outbox, wire } = setUp();
    const entry = outbox.begin('a', 'pull');
    wire.up = false;
    for (let i = 1; i <= 10; i++) outbox.addLines(entry, 'stdout', ['\u0001'.repeat(65_536)]);
    outbox.finish(entry, DONE);
    expect(wire.frames).toEqual([]);
    wire.up = true;
    outbox.pump();
    expect(numbered(wire.frames).map(({ seq }) => seq)).toEqual(upTo(10));
    // One line in each frame: two would exceed the largest frame that the dashboard accepts.
    expect(wire.frames.filter((frame) => frame.type === 'output_batch')).toHaveLength(10);
  });

  it('sends the lines of a burst in one frame once the delay has passed, and a result at once', () => {
    vi.useFakeTimers();
    try {
      const { outbox, wire } = setUp({ batchDelayMs: 20 });
      const entry = outbox.begin('a', 'pull');
      outbox.addLines(entry, 'stdout', ['one']);
      outbox.addLines(entry, 'stdout', ['two']);
      expect(wire.frames).toEqual([]);
      vi.advanceTimersByTime(20);
      expect(wire.frames).toMatchObject([{ type: 'output_batch', payload: { lines: [{ seq: 1 }, { seq: 2 }] } }]);
      outbox.addLines(entry, 'stdout', ['three']);
      outbox.finish(entry, DONE);
      expect(wire.frames.map(({ type }) => type)).toEqual(['output_batch', 'output_batch', 'status']);
    } finally {
      vi.useRealTimers();
    }
  });
});
