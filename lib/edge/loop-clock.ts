/**
 * The time in which this process could read what its peers sent. It stands still while the event loop is held (a long
 * synchronous piece of work, a stopped or suspended process): a deadline measured in it never passes while the answer
 * lies unread in a socket. Steps of the wall clock don't touch it.
 */
import { performance } from 'node:perf_hooks';
import type { LoopTime } from '@/lib/fleet/records/environment';

/** The clock looks at the time this often. */
export const BEAT_INTERVAL_MS = 100;
/** More than this between two beats was not time in which the process could read. */
const MAX_BEAT_MS = 2 * BEAT_INTERVAL_MS;
/**
 * Turns of the event loop after which what had arrived counts as read. Timers run before the poll phase and callers may
 * be in the middle of one, so that three full polls lie in between. One poll reads up to 2 MiB of a socket (libuv reads
 * 32 times 64 KiB), and Linux holds up to 6 MiB of it by default.
 */
const READ_TURNS = 4;

/** Where the time comes from. */
export interface LoopSource {
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number;
  /** Calls back again and again, without keeping the process alive; returns the way to end it. */
  every(ms: number, callback: () => void): () => void;
  /** Calls back after the present turn of the event loop has polled for input; returns the way to cancel. */
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
  /** The earliest time at which somebody waits; infinite while nobody does. */
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

  /** Calls nobody back any more. */
  stop(): void {
    this.endBeat();
    this.waiting.clear();
  }

  /** Counts `ms` as passed in which the process could read. */
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
