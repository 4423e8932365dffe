/**
 * A clock that counts only the time in which this process could read from its peers. It stands still while the event
 * loop is blocked (long synchronous work, a stopped or suspended process), so a deadline never passes while the answer
 * is unread in a socket. It is independent of the wall clock.
 */
import { performance } from 'node:perf_hooks';
import type { LoopTime } from '@/lib/fleet/records/environment';

/** The clock reads the time this often. */
export const BEAT_INTERVAL_MS = 100;
/** Time beyond this between two beats does not count: the process could not read. */
const MAX_BEAT_MS = 2 * BEAT_INTERVAL_MS;
/**
 * Turns of the event loop after which data that had arrived counts as read. Timers run before the poll phase and
 * callers may be in the middle of one, so three full polls happen in between. One poll reads up to 2 MiB of a socket
 * (libuv reads 32 times 64 KiB), and Linux holds up to 6 MiB of it by default.
 */
const READ_TURNS = 4;

/** Source of the time. */
export interface LoopSource {
  /** Milliseconds of a monotonic clock. */
  monotonicMs(): number;
  /** Calls back periodically without keeping the process alive. Returns a function that cancels. */
  every(ms: number, callback: () => void): () => void;
  /** Calls back after the current turn of the event loop has polled for input. Returns a function that cancels. */
  nextTurn(callback: () => void): () => void;
}

const PROCESS: LoopSource = {
  monotonicMs: () => performance.now(),
  every(ms, callback) {
    const beatTimer = setInterval(callback, ms);
    beatTimer.unref();
    return () => clearInterval(beatTimer);
  },
  nextTurn(callback) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

interface Waiting {
  at: number;
  callback: () => void;
}

export class LoopClock implements LoopTime {
  private passedMs = 0;
  private beatAt: number;
  /** The earliest pending deadline; infinite when there is none. */
  private nextAt = Infinity;
  private readonly waiting = new Set<Waiting>();
  private readonly endBeat: () => void;

  constructor(private readonly source: LoopSource = PROCESS) {
    this.beatAt = source.monotonicMs();
    this.endBeat = source.every(BEAT_INTERVAL_MS, () => this.beat());
  }

  now(): number {
    return this.passedMs + Math.min(this.source.monotonicMs() - this.beatAt, MAX_BEAT_MS);
  }

  after(ms: number, callback: () => void): () => void {
    let cancelRead: (() => void) | null = null;
    const waiting = { at: this.now() + ms, callback: () => (cancelRead = this.afterRead(callback)) };
    this.waiting.add(waiting);
    this.nextAt = Math.min(this.nextAt, waiting.at);
    return () => {
      this.waiting.delete(waiting);
      cancelRead?.();
    };
  }

  afterRead(callback: () => void): () => void {
    let cancelTurn: () => void = () => undefined;
    const go = (turns: number) => {
      cancelTurn = this.source.nextTurn(() => (turns > 1 ? go(turns - 1) : callback()));
    };
    go(READ_TURNS);
    return () => cancelTurn();
  }

  /** Cancels all callbacks. */
  stop(): void {
    this.endBeat();
    this.waiting.clear();
  }

  /** Adds `ms` to the time in which the process could read. */
  protected pass(ms: number): void {
    this.passedMs += ms;
    this.beat();
  }

  private beat(): void {
    this.passedMs = this.now();
    this.beatAt = this.source.monotonicMs();
    if (this.passedMs < this.nextAt) return;
    this.nextAt = Infinity;
    for (const waiting of this.waiting) {
      if (waiting.at > this.passedMs) {
        this.nextAt = Math.min(this.nextAt, waiting.at);
        continue;
      }
      this.waiting.delete(waiting);
      waiting.callback();
    }
  }
}
