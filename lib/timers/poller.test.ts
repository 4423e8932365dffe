import { describe, expect, it } from 'vitest';
import { createPoller } from './poller';
import { TestClock } from '@/lib/fleet/testing/test-clock';

function setUp(random = 0.5) {
  const clock = new TestClock();
  const runs: { signal: AbortSignal; end: () => void }[] = [];
  const poller = createPoller({
    intervalMs: 100_000,
    clock,
    random: () => random,
    run: (signal) => new Promise<void>((resolve) => runs.push({ signal, end: resolve })),
  });
  /** Ends the newest run and lets its callbacks run. */
  const end = async () => {
    const joined = poller.now();
    runs[runs.length - 1]?.end();
    await joined;
  };
  return { clock, runs, poller, end };
}

describe('the poller', () => {
  it('fetches at once, then after the interval', async () => {
    const { clock, runs, poller, end } = setUp();
    poller.start();
    expect(runs).toHaveLength(1);
    await end();
    clock.advance(99_999);
    expect(runs).toHaveLength(1);
    clock.advance(1);
    expect(runs).toHaveLength(2);
  });

  it.each([
    [0, 90_000],
    [0.999999, 110_000],
  ])('spreads the interval by a tenth (random %d)', async (random, wait) => {
    const { clock, poller, end } = setUp(random);
    poller.start();
    await end();
    expect(clock.planned()).toEqual([wait]);
  });

  it('runs one fetch at a time', async () => {
    const { runs, poller, end } = setUp();
    poller.start();
    const first = poller.now();
    expect(poller.now()).toBe(first);
    expect(runs).toHaveLength(1);
    await end();
    await first;
  });

  it('is not delayed because the clock was set back', async () => {
    const { clock, runs, poller, end } = setUp();
    poller.start();
    await end();
    clock.step(-3_600_000);
    poller.soon();
    clock.advance(15_000);
    expect(runs).toHaveLength(2);
  });

  it('fetches on demand at most every 15 s', async () => {
    const { clock, runs, poller, end } = setUp();
    poller.start();
    await end();
    for (let asked = 0; asked < 50; asked += 1) poller.soon();
    clock.advance(14_999);
    expect(runs).toHaveLength(1);
    clock.advance(1);
    expect(runs).toHaveLength(2);
    await end();
    clock.advance(20_000);
    expect(runs).toHaveLength(2);
    poller.soon();
    clock.advance(0);
    expect(runs).toHaveLength(3);
  });

  it('stops the running fetch and fetches no more', async () => {
    const { clock, runs, poller } = setUp();
    poller.start();
    poller.soon();
    const stopped = poller.stop();
    expect(runs[0]?.signal.aborted).toBe(true);
    runs[0]?.end();
    await stopped;
    expect(clock.planned()).toEqual([]);
    await poller.now();
    poller.soon();
    clock.advance(1_000_000);
    expect(runs).toHaveLength(1);
  });
});
