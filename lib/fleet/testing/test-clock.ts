/** A clock that stands still until a test moves it. */
import type { Clock, LoopTime } from '../records/environment';

interface Timer {
  at: number;
  callback: () => void;
  inLoop: boolean;
}

export class TestClock implements Clock {
  private time = 1_800_000_000_000;
  /** How far the wall clock moved while the loop was blocked or because the clock was set. */
  private leadMs = 0;
  private timers: Timer[] = [];
  private waiters: { count: number; resolve: () => void }[] = [];
  /** Input that has arrived and is not read yet: `loop.afterRead` reads it first. */
  unread: (() => void)[] = [];

  readonly loop: LoopTime = {
    now: () => this.time - this.leadMs,
    after: (ms, callback) => this.arm(ms, () => this.loop.afterRead(callback), true),
    afterRead: (callback) => {
      for (const read of this.unread.splice(0)) read();
      callback();
      return () => undefined;
    },
  };

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    return this.arm(ms, callback, false);
  }

  /** Blocks the event loop for `ms`: nothing is read and no callback runs. */
  hold(ms: number): void {
    this.time += ms;
    this.leadMs += ms;
    for (const timer of this.timers) if (timer.inLoop) timer.at += ms;
  }

  /** Sets the wall clock `ms` ahead (or back); timers are not affected. */
  step(ms: number): void {
    this.time += ms;
    this.leadMs += ms;
    for (const timer of this.timers) timer.at += ms;
  }

  /** Drops all timers, as the end of the process does. */
  forget(): void {
    this.timers = [];
  }

  /** Moves on by `ms`; timers fire in order, each at its time. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = until;
  }

  /** As `advance`; after each timer, lets what it caused come to an end. */
  async advanceSettled(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.time + ms;
    await settle();
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
      await settle();
    }
    this.time = until;
  }

  /** Milliseconds until each planned call, soonest first. */
  planned(): number[] {
    return this.timers.map(({ at }) => at - this.time).sort((a, b) => a - b);
  }

  /** Resolves when at least `count` calls are planned. */
  whenPlanned(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.timers.length >= count) resolve();
      else this.waiters.push({ count, resolve });
    });
  }

  private arm(ms: number, callback: () => void, inLoop: boolean): () => void {
    const timer = { at: this.time + ms, callback, inLoop };
    this.timers.push(timer);
    const ready = this.waiters.filter(({ count }) => this.timers.length >= count);
    this.waiters = this.waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }
}
