import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputChannel, type OutputMessage } from './output-channel';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { LiveClientMessage } from '@/lib/protocol/live/from-browser';

const line = (seq: number): OutputLine => ({ seq, at: 0, stream: 'stdout', text: String(seq) });
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i));
const seqs = (messages: OutputMessage[]) =>
  messages.flatMap((message) => (message.t === 'output' ? message.lines.map(({ seq }) => seq) : []));

function open(channel: OutputChannel): LiveClientMessage[] {
  const sent: LiveClientMessage[] = [];
  channel.connected((message) => sent.push(message));
  return sent;
}

describe('OutputChannel', () => {
  it('watches when connected, and stops with the last subscriber', () => {
    const channel = new OutputChannel();
    const first = channel.subscribeOutput('c', 0, () => undefined);
    const sent = open(channel);
    const second = channel.subscribeOutput('c', 0, () => undefined);
    first();
    expect(sent).toEqual([
      { t: 'watch', commandId: 'c', after: 0 },
      { t: 'watch', commandId: 'c', after: 0 },
    ]);
    second();
    second();
    expect(sent.at(-1)).toEqual({ t: 'unwatch', commandId: 'c' });
    expect(sent).toHaveLength(3);
  });

  it('requests from the earliest missing line and gives each subscriber only new lines', () => {
    const channel = new OutputChannel();
    const sent = open(channel);
    const early: OutputMessage[] = [];
    const late: OutputMessage[] = [];
    channel.subscribeOutput('c', 8, (message) => late.push(message));
    channel.subscribeOutput('c', 3, (message) => early.push(message));
    expect(sent.at(-1)).toEqual({ t: 'watch', commandId: 'c', after: 3 });
    channel.receive({ t: 'output', commandId: 'c', lines: lines(4, 9) });
    expect(seqs(early)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(seqs(late)).toEqual([9]);
  });

  it('does not request output again that is complete or unavailable', () => {
    const channel = new OutputChannel();
    const seen: OutputMessage[] = [];
    channel.subscribeOutput('done', 0, (message) => seen.push(message));
    channel.subscribeOutput('gone', 0, (message) => seen.push(message));
    open(channel);
    channel.receive({ t: 'output', commandId: 'done', lines: [], done: true });
    channel.receive({ t: 'no-output', commandId: 'gone', reason: 'It was removed.' });
    expect(seen).toHaveLength(2);
    channel.disconnected();
    expect(open(channel)).toEqual([]);
  });

  it('lets a listener unsubscribe and subscribe again in a callback', () => {
    const channel = new OutputChannel();
    const sent = open(channel);
    const seen: OutputMessage[] = [];
    const stop = channel.subscribeOutput('c', 0, () => {
      stop();
      channel.subscribeOutput('c', 1, (message) => seen.push(message));
    });
    channel.receive({ t: 'output', commandId: 'c', lines: [line(1)] });
    channel.receive({ t: 'output', commandId: 'c', lines: lines(1, 2) });
    expect(sent.map((message) => message.t)).toEqual(['watch', 'unwatch', 'watch']);
    expect(seqs(seen)).toEqual([2]);
  });

  it('delivers every line once and in order over any number of reconnects', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(12), fc.nat(12), fc.boolean()), { maxLength: 30 }), (steps) => {
        const channel = new OutputChannel();
        const seen: OutputMessage[] = [];
        channel.subscribeOutput('c', 0, (message) => seen.push(message));
        let sent = open(channel);
        let last = 0;
        for (const [overlap, fresh, reconnect] of steps) {
          if (reconnect) {
            channel.disconnected();
            sent = open(channel);
            expect(sent).toEqual([{ t: 'watch', commandId: 'c', after: last }]);
          }
          channel.receive({ t: 'output', commandId: 'c', lines: lines(Math.max(1, last - overlap), last + fresh) });
          last += fresh;
        }
        expect(seqs(seen)).toEqual(lines(1, last).map(({ seq }) => seq));
      }),
    );
  });
});
