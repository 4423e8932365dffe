/** The real clock, which a test can advance: due timers fire at once. */
import type { Clock, LoopTime } from '@/lib/fleet/records/environment';

interface Timer {
  at: number;
  callback: () => void;
  handle: NodeJS.Timeout;
}

export class ShiftedClock implements Clock {
  private shiftMs = 0;
  /** How far the wall clock was set ahead. */
  private setMs = 0;
  private readonly timers = new Set<Timer>();
  /** `LoopTime` of a loop that is never blocked. */
  readonly loop: LoopTime = {
    now: () => this.passed(),
    after: (ms, callback) => this.after(ms, callback),
    afterRead(callback) {
      callback();
      return () => undefined;
    },
  };

  now(): number {
    return this.passed() + this.setMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.passed() + ms, callback, handle: setTimeout(() => this.fire(timer), ms) };
    this.timers.add(timer);
    return () => {
      clearTimeout(timer.handle);
      this.timers.delete(timer);
    };
  }

  /** Advances the clock. Due timers fire in order, each once. */
  advance(ms: number): void {
    this.shiftMs += ms;
    const now = this.passed();
    for (const timer of [...this.timers].sort((a, b) => a.at - b.at)) {
      clearTimeout(timer.handle);
      if (timer.at <= now) this.fire(timer);
      else timer.handle = setTimeout(() => this.fire(timer), timer.at - now);
    }
  }

  /** Sets the wall clock `ms` ahead (or back); timers are not affected. */
  set(ms: number): void {
    this.setMs += ms;
  }

  private passed(): number {
    return Date.now() + this.shiftMs;
  }

  private fire(timer: Timer): void {
    if (this.timers.delete(timer)) timer.callback();
  }
}
