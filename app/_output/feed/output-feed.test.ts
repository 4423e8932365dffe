import { describe, expect, it } from 'vitest';
import { OutputFeed, OutputFeeds, type FeedWorld, type OutputMessage } from './output-feed';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

const line = (seq: number, text = `line ${seq}`): OutputLine => ({ seq, at: 0, stream: 'stdout', text });
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i));
const output = (from: number, to: number, done?: true): OutputMessage => ({
  t: 'output',
  commandId: 'c1',
  lines: lines(from, to),
  ...(done ? { done } : {}),
});

/** A channel and animation frames controlled by the test. */
function world() {
  const watches: { after: number; listener: (message: OutputMessage) => void; stopped: boolean }[] = [];
  const frames = new Set<() => void>();
  const it: FeedWorld = {
    watch: (_commandId, after, listener) => {
      const watch = { after, listener, stopped: false };
      watches.push(watch);
      return () => {
        watch.stopped = true;
      };
    },
    nextFrame: (callback) => {
      frames.add(callback);
      return () => frames.delete(callback);
    },
  };
  const frame = () => {
    const due = [...frames];
    frames.clear();
    for (const callback of due) callback();
  };
  return { it, watches, frames, frame };
}

describe('OutputFeed', () => {
  it('notifies its listeners once per frame for any number of messages', () => {
    const { it: channel, watches, frame } = world();
    const feed = new OutputFeed('c1', channel);
    let calls = 0;
    feed.subscribe(() => (calls += 1));
    for (let i = 0; i < 50; i += 1) watches[0]!.listener(output(i * 10 + 1, i * 10 + 10));
    expect(calls).toBe(0);
    frame();
    expect(calls).toBe(1);
    expect(feed.get()).toMatchObject({ size: 500, status: { kind: 'live' } });
  });

  it('continues after its last line when it is opened again, without duplicates', () => {
    const { it: channel, watches, frame } = world();
    const feed = new OutputFeed('c1', channel);
    const close = feed.subscribe(() => undefined);
    watches[0]!.listener(output(1, 5));
    close();
    expect(watches[0]!.stopped).toBe(true);
    expect(feed.get().size).toBe(5);
    feed.subscribe(() => undefined);
    expect(watches[1]!.after).toBe(5);
    watches[0]!.listener(output(6, 7));
    watches[1]!.listener(output(4, 9, true));
    frame();
    expect(feed.buffer.lastSeq).toBe(9);
    expect(feed.get()).toMatchObject({ size: 9, status: { kind: 'complete' } });
  });

  it('requests missing lines once, then marks the gap', () => {
    const { it: channel, watches, frame } = world();
    const feed = new OutputFeed('c1', channel);
    feed.subscribe(() => undefined);
    watches[0]!.listener(output(1, 3));
    watches[0]!.listener(output(6, 8));
    expect(watches).toHaveLength(2);
    expect(watches[0]!.stopped).toBe(true);
    expect(watches[1]!.after).toBe(3);
    watches[1]!.listener(output(6, 8, true));
    frame();
    expect(watches).toHaveLength(2);
    expect(Array.from(feed.buffer.rows(), (row) => row.text)).toEqual([
      'line 1',
      'line 2',
      'line 3',
      '2 lines are missing here.',
      'line 6',
      'line 7',
      'line 8',
    ]);
    expect(feed.get().status).toEqual({ kind: 'complete' });
  });

  it('counts each line once in the progress of a build', () => {
    const { it: channel, watches, frame } = world();
    const feed = new OutputFeed('c1', channel);
    feed.subscribe(() => undefined);
    const build = [
      line(1, 'these 2 derivations will be built:'),
      line(2, "\u001b[1mbuilding '/nix/store/abc-a.drv'...\u001b[0m"),
    ];
    watches[0]!.listener({ t: 'output', commandId: 'c1', lines: build });
    watches[0]!.listener({ t: 'output', commandId: 'c1', lines: build });
    frame();
    expect(feed.get().progress).toMatchObject({ phase: 'build', built: 1, toBuild: 2 });
  });

  it('gives the reason when there is no output', () => {
    const { it: channel, watches, frame } = world();
    const feed = new OutputFeed('c1', channel);
    feed.subscribe(() => undefined);
    watches[0]!.listener({ t: 'no-output', commandId: 'c1', reason: 'It was removed.' });
    frame();
    expect(feed.get().status).toEqual({ kind: 'unavailable', reason: 'It was removed.' });
  });
});

describe('OutputFeeds', () => {
  it('keeps the most recently shown feeds', () => {
    const feeds = new OutputFeeds(world().it);
    const first = feeds.feed('a');
    for (const id of ['b', 'c', 'a', 'd']) feeds.feed(id);
    expect(feeds.feed('a')).toBe(first);
    for (const id of ['e', 'f', 'g', 'h']) feeds.feed(id);
    expect(feeds.feed('a')).not.toBe(first);
  });
});
