import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FairQueue, MAX_HOLD_MS, MAX_WAIT_MS, type EndTurn } from './fair-queue';

const LIMITS = { id: 'x', label: 'X', maxRunning: 3, maxRunningEach: 2, maxWaiting: 6, maxWaitingEach: 4 };

let queue: FairQueue;
/** Who got a turn, in order. */
let started: string[];
let ends: EndTurn[];
beforeEach(() => {
  queue = new FairQueue(LIMITS);
  started = [];
  ends = [];
});

/** Gives the way to leave. */
function enter(who: string): { turn: Promise<boolean>; leave: () => void } {
  let leave: () => void = () => undefined;
  const turn = queue
    .enter(who, (onLeave) => (leave = onLeave))
    .then((end) => {
      if (end === null) return false;
      started.push(who);
      ends.push(end);
      return true;
    });
  return { turn, leave: () => leave() };
}

/** Lets all go on that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
}

describe('FairQueue', () => {
  it('runs up to its limits, in total and per client, and starts the next when one ends', async () => {
    for (const who of ['a', 'a', 'a', 'b', 'b']) enter(who);
    await settle();
    expect(started).toEqual(['a', 'a', 'b']);
    ends[2]?.();
    await settle();
    expect(started).toEqual(['a', 'a', 'b', 'b']);
    ends[0]?.();
    await settle();
    expect(started).toEqual(['a', 'a', 'b', 'b', 'a']);
  });

  it('alternates between waiting clients, however many requests one of them sends', async () => {
    const all = ['a', 'a', 'b', 'a', 'a', 'a', 'c', 'd'].map(enter);
    await settle();
    expect(started).toEqual(['a', 'a', 'b']);
    for (let n = 0; n < all.length; n += 1) {
      ends[n]?.();
      await settle();
    }
    expect(started.slice(3)).toEqual(['a', 'c', 'd', 'a', 'a']);
    expect(queue.use()).toMatchObject({ used: 0, refused: 0 });
  });

  it('refuses at once when too many wait, per client and in total', async () => {
    const own = Array.from({ length: 7 }, () => enter('a'));
    expect(await own[6]?.turn).toBe(false);
    enter('b');
    for (const who of ['c', 'd']) enter(who);
    expect(await enter('e').turn).toBe(false);
    expect(queue.use()).toMatchObject({ used: 6, max: 6, refused: 2, by: [{ who: 'a', count: 4 }, {}, {}] });
  });

  it('forgets a client that left while waiting, and ignores a second end of the same turn', async () => {
    for (const who of ['a', 'a', 'b']) enter(who);
    const waiting = enter('c');
    waiting.leave();
    expect(await waiting.turn).toBe(false);
    expect(queue.use()).toMatchObject({ used: 0, refused: 0 });
    ends[0]?.();
    ends[0]?.();
    for (const who of ['d', 'e']) enter(who);
    await settle();
    expect(started).toEqual(['a', 'a', 'b', 'd']);
  });

  describe('as time passes', () => {
    afterEach(() => {
      vi.useRealTimers();
    });

    it('frees the place of a page with a slow reader, so that no page waits forever', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      queue = new FairQueue({ ...LIMITS, maxRunning: 1 });
      for (const who of ['a', 'b']) enter(who);
      const last = enter('c');
      vi.advanceTimersByTime(MAX_HOLD_MS);
      await settle();
      expect(started).toEqual(['a', 'b']);
      queue = new FairQueue({ ...LIMITS, maxRunning: 0 });
      const never = enter('d');
      vi.advanceTimersByTime(MAX_WAIT_MS);
      expect(await never.turn).toBe(false);
      last.leave();
    });
  });
});
