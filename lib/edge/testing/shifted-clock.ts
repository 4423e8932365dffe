/** The real clock, which a test can advance: due timers fire at once. */
import type { Clock, LoopTime } from '@/lib/fleet/records/environment';

interface Timer {
  at: number;
  callback: () => void;
  handle: NodeJS.Timeout;
}

export class ShiftedClock implements Clock {
  private shiftMs = 0;
  private readonly timers = new Set<Timer>();
  /** `LoopTime` of a loop that is never blocked. */
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

  /** Advances the clock. Due timers fire in order, each once. */
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
