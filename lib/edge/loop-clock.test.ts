import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BEAT_INTERVAL_MS, LoopClock, type LoopSource } from './loop-clock';

/** A monotonic clock, its one interval, and the turns of an event loop, as the test wants them. */
class GivenSource implements LoopSource {
  private time = 5_000;
  private beat: (() => void) | null = null;
  private turns: (() => void)[] = [];

  monotonicMs(): number {
    return this.time;
  }

  every(_ms: number, callback: () => void): () => void {
    this.beat = callback;
    return () => (this.beat = null);
  }

  nextTurn(callback: () => void): () => void {
    this.turns.push(callback);
    return () => (this.turns = this.turns.filter((other) => other !== callback));
  }

  /** The loop turns, a beat each time, for so long. */
  run(ms: number): void {
    for (let passed = 0; passed < ms; passed += BEAT_INTERVAL_MS) {
      this.time += BEAT_INTERVAL_MS;
      this.beat?.();
      this.read(10);
    }
  }

  /** The loop is held; then its timers run, before anything is read. */
  hold(ms: number): void {
    this.time += ms;
    this.beat?.();
  }

  /** So many turns of the loop, each with its poll. */
  read(turns: number): void {
    for (let turn = 0; turn < turns; turn += 1) for (const callback of this.turns.splice(0)) callback();
  }

  get isBeating(): boolean {
    return this.beat !== null;
  }
}

let source: GivenSource;
let clock: LoopClock;
let called: string[];
const call = (what: string) => () => void called.push(what);
beforeEach(() => {
  source = new GivenSource();
  clock = new LoopClock(source);
  called = [];
});
afterEach(() => clock.stop());

describe('the clock of the event loop', () => {
  it('follows the monotonic clock while the loop turns', () => {
    const before = clock.now();
    source.run(10_000);
    expect(clock.now() - before).toBe(10_000);
  });

  it('stands still while the loop is blocked, whenever it is read', () => {
    source.run(1_000);
    const before = clock.now();
    source.hold(12_000);
    expect(clock.now() - before).toBeLessThanOrEqual(2 * BEAT_INTERVAL_MS);
    source.run(1_000);
    expect(clock.now() - before).toBeLessThanOrEqual(1_000 + 2 * BEAT_INTERVAL_MS);
  });

  it('never goes back, and a beat does not change its time', () => {
    let last = clock.now();
    for (const ms of [30, 250, 12_000, 99, 100]) {
      source.hold(ms);
      expect(clock.now()).toBeGreaterThanOrEqual(last);
      last = clock.now();
    }
  });

  it('calls back when the time has passed', () => {
    clock.after(5_000, call('due'));
    source.run(4_900);
    expect(called).toEqual([]);
    source.run(200);
    expect(called).toEqual(['due']);
    source.run(10_000);
    expect(called).toEqual(['due']);
  });

  it('does not count time in which the loop was blocked', () => {
    clock.after(5_000, call('due'));
    source.run(1_000);
    source.hold(60_000);
    source.read(10);
    source.run(3_700);
    expect(called).toEqual([]);
    source.run(400);
    expect(called).toEqual(['due']);
  });

  it('lets received data be read before it calls back, which takes more than one poll', () => {
    clock.after(100, call('due'));
    source.hold(12_000);
    source.hold(100);
    expect(called).toEqual([]);
    source.read(1);
    expect(called).toEqual([]);
    source.read(10);
    expect(called).toEqual(['due']);
  });

  it('calls back in the order of the deadlines, each on its own', () => {
    clock.after(300, call('late'));
    clock.after(100, call('early'));
    clock.after(200, call('middle'));
    source.run(1_000);
    expect(called).toEqual(['early', 'middle', 'late']);
  });

  it('forgets cancelled callbacks: before they are due, and while received data is read', () => {
    clock.after(100, call('never'))();
    const cancel = clock.after(100, call('nor this'));
    source.hold(100);
    source.read(1);
    cancel();
    clock.afterRead(call('nor that'))();
    source.run(1_000);
    expect(called).toEqual([]);
  });

  it('calls nothing back once it is stopped', () => {
    clock.after(100, call('due'));
    clock.stop();
    source.run(1_000);
    expect(called).toEqual([]);
    expect(source.isBeating).toBe(false);
  });

  it('reads data waiting in a socket before a deadline fires, on the real event loop', async () => {
    const real = new LoopClock();
    const order = await new Promise<string[]>((resolve) => {
      const seen: string[] = [];
      const { port1, port2 } = new MessageChannel();
      real.after(1, () => {
        port1.close();
        resolve([...seen, 'judged']);
      });
      port1.onmessage = () => seen.push('read');
      port2.postMessage('a sign of life');
      const heldUntil = performance.now() + 500;
      while (performance.now() < heldUntil);
    });
    expect(order).toEqual(['read', 'judged']);
    real.stop();
  });
});
