/**
 * Reads one peer's socket at a pace that the process can bear. What a peer sends is worked through in the order in which
 * it came, at once while its budget lasts. A peer that took its slice of a turn of the event loop goes on when the others
 * had theirs; one that used up its budget is not read until it has recovered. Nothing is dropped: what is not read fills
 * the buffers of TCP, and the peer waits.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { FairTurns } from './fair-turns';
import { LinkBudget, type LinkLimits } from './link-budget';

/** Work for one peer in one turn of the event loop. The message that exceeds it is worked through to its end. */
export const SLICE_MS = 10;
/** A peer whose budget is overdrawn is looked at again after so long at the latest. */
export const MAX_PAUSE_MS = 1_000;

export interface PacedReaderOptions {
  socket: WebSocket;
  /** The stream below it, whose every chunk is counted: also what never becomes a message (fragments, pongs). */
  stream: Duplex;
  turns: FairTurns;
  pace: Pace;
}

/** How much of one peer is read. */
export interface Pace {
  limits: LinkLimits;
  /** Milliseconds of a clock that never steps. */
  now: () => number;
}

export class PacedReader {
  private state: 'reading' | 'yielding' | 'overdrawn' | 'closed' | 'discarding' = 'reading';
  /**
   * What came in the chunk that was being read when reading stopped: ws goes on to its end. At most 64 KiB of messages,
   * for that is what Node reads at once.
   */
  private waiting: (() => void)[] = [];
  /** Waits in the queue of turns. */
  private queued = false;
  private budgetTimer: NodeJS.Timeout | null = null;
  private whenEmpty: (() => void) | null = null;
  private readonly budget: LinkBudget;
  private readonly now: () => number;
  /** The turn of the event loop to which `sliceMs` belongs. */
  private turn = -1;
  /** Work that was done for this peer in that turn. */
  private sliceMs = 0;
  /** When the work on the present chunk began. */
  private since = 0;

  constructor(private readonly options: PacedReaderOptions) {
    const { limits, now } = options.pace;
    this.now = now;
    this.budget = new LinkBudget(limits, now());
    // Around the listener of ws, which parses a chunk and emits all of its messages before it returns.
    options.stream.prependListener('data', () => this.beginChunk());
    options.stream.on('data', (chunk: Buffer) => this.endChunk(chunk.length));
  }

  /** True while we are the ones that do not read: what the peer sends meanwhile is not seen, and it is not silent. */
  get isPaused(): boolean {
    return this.state === 'yielding' || this.state === 'overdrawn';
  }

  /** Messages that came and were not worked through yet. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Works a message through: now, or after those before it. `work` must not throw. */
  take(work: () => void): void {
    if (this.state === 'discarding') return;
    if (this.state !== 'reading') {
      this.waiting.push(work);
      return;
    }
    work();
    if (this.sliceMs + this.now() - this.since >= SLICE_MS) this.yieldTurn();
  }

  /** Lets go of everything that waits or still comes: the peer is being closed for what it sent. */
  discard(): void {
    this.state = 'discarding';
    this.waiting = [];
    this.stopTimer();
    // Its answer to the close frame has to be read.
    this.options.socket.resume();
  }

  /** The socket is closed: `done` is called when what came before that is worked through. */
  close(done: () => void): void {
    this.stopTimer();
    if (this.waiting.length === 0) {
      this.state = 'closed';
      done();
      return;
    }
    this.state = 'closed';
    this.whenEmpty = done;
    this.queue();
  }

  /** Works through now what waits after the socket was closed. */
  finish(): void {
    if (this.state !== 'closed') return;
    this.workOff(Infinity);
    this.closed();
  }

  private beginChunk(): void {
    this.beginWork();
  }

  private endChunk(bytes: number): void {
    this.endWork(bytes);
    if (this.state !== 'reading') return;
    if (this.budget.isOverdrawn) this.overdraw();
    else if (this.sliceMs >= SLICE_MS) this.yieldTurn();
  }

  private beginWork(): void {
    const turn = this.options.turns.current;
    if (turn !== this.turn) this.sliceMs = 0;
    this.turn = turn;
    this.since = this.now();
  }

  private endWork(bytes: number): void {
    const now = this.now();
    const workMs = now - this.since;
    this.since = now;
    this.sliceMs += workMs;
    this.budget.spend(bytes, workMs, now);
  }

  /** The others come first; then this peer goes on. */
  private yieldTurn(): void {
    this.state = 'yielding';
    this.options.socket.pause();
    this.queue();
  }

  /** Nothing is read until the budget has recovered. */
  private overdraw(): void {
    this.state = 'overdrawn';
    this.options.socket.pause();
    const pauseMs = Math.min(this.budget.waitMs(this.now()), MAX_PAUSE_MS);
    this.budgetTimer = setTimeout(() => {
      this.budgetTimer = null;
      this.queue();
    }, pauseMs);
    this.budgetTimer.unref();
  }

  private queue(): void {
    if (this.queued) return;
    this.queued = true;
    this.options.turns.add(() => {
      this.queued = false;
      this.goOn();
    });
  }

  private goOn(): void {
    switch (this.state) {
      case 'closed':
        this.workOff(SLICE_MS);
        this.closed();
        return;
      case 'overdrawn':
        if (this.budget.waitMs(this.now()) > 0) this.overdraw();
        else this.readOn();
        return;
      case 'yielding':
        this.readOn();
        return;
      case 'reading':
      case 'discarding':
    }
  }

  /** Works off what waits; when nothing is left, the socket is read again. */
  private readOn(): void {
    this.beginWork();
    this.workOff(SLICE_MS);
    this.endWork(0);
    if (!this.isPaused) return;
    if (this.budget.isOverdrawn) this.overdraw();
    else if (this.waiting.length > 0) this.queue();
    else {
      this.state = 'reading';
      this.options.socket.resume();
    }
  }

  /** Works off what waits, for so long at most. */
  private workOff(maxMs: number): void {
    const until = this.now() + maxMs;
    const works = this.waiting;
    let done = 0;
    while (done < works.length && this.state !== 'discarding') {
      works[done]?.();
      done += 1;
      if (this.now() >= until) break;
    }
    if (this.state !== 'discarding') this.waiting = works.slice(done);
  }

  private closed(): void {
    if (this.waiting.length > 0) {
      this.queue();
      return;
    }
    const done = this.whenEmpty;
    this.whenEmpty = null;
    done?.();
  }

  private stopTimer(): void {
    if (this.budgetTimer !== null) clearTimeout(this.budgetTimer);
    this.budgetTimer = null;
  }
}
