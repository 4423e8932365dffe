/** The real clock, which a test can put forward: what is due by then happens at once. */
import type { Clock, LoopTime } from '@/lib/fleet/records/environment';

interface Timer {
  at: number;
  callback: () => void;
  handle: NodeJS.Timeout;
}

export class ShiftedClock implements Clock {
  private shiftMs = 0;
  private readonly timers = new Set<Timer>();
  /** As of a loop that is never held. */
  readonly loop: LoopTime = {
    now: () => this.now(),
    after: (ms, callback) => this.after(ms, callback),
    afterRead(callback) {
      callback();
      return () => undefined;
    },
  };

  now(): number {
    return Date.now() + this.shiftMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.now() + ms, callback, handle: setTimeout(() => this.fire(timer), ms) };
    this.timers.add(timer);
    return () => {
      clearTimeout(timer.handle);
      this.timers.delete(timer);
    };
  }

  /** Puts the clock forward. Timers fire in their order, each once. */
  advance(ms: number): void {
    this.shiftMs += ms;
    const now = this.now();
    for (const timer of [...this.timers].sort((a, b) => a.at - b.at)) {
      clearTimeout(timer.handle);
      if (timer.at <= now) this.fire(timer);
      else timer.handle = setTimeout(() => this.fire(timer), timer.at - now);
    }
  }

  private fire(timer: Timer): void {
    if (this.timers.delete(timer)) timer.callback();
  }
}
