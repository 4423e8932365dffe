/**
 * One peer's socket, as ws sees it: what the peer sends is handed on in small pieces, at a pace that the process can bear.
 * A piece is worked through before the next is handed on, so that nothing waits but raw bytes, and work can stop after any
 * piece. Work is done at once while the turn of the event loop has time for it; a peer that used much lately waits for its
 * turn, and one that used up its budget is not read until it has recovered. What is not read fills the buffers of TCP, and
 * the peer waits. What is written goes straight through.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { FairTurns } from './fair-turns';
import type { LinkBudget, LinkLimits } from './link-budget';

/** Work for one peer in one turn of the event loop. The piece that exceeds it is worked through to its end. */
export const SLICE_MS = 10;
/** What is handed on at once: at most 170 messages, for a masked frame without content takes 6 bytes. */
export const PIECE_BYTES = 1_024;
/** A peer whose budget is overdrawn is looked at again after so long at the latest. */
export const MAX_PAUSE_MS = 1_000;
/** Recent use (see `LinkBudget.recentMs`) up to which a peer needs no turn of its own. */
const LIGHT_MS = 20;
/** A dropped peer is cut after so long, or when it sent so much more. */
export const DROP_MS = 1_000;
const DROP_BYTES = 64 * 1_024;

/** How much of one peer is read. */
export interface Pace {
  limits: LinkLimits;
  /** Milliseconds of a clock that never steps. */
  now: () => number;
}

export interface PacedStreamOptions {
  net: Socket;
  /** What came behind the request for the upgrade. */
  head: Buffer;
  turns: FairTurns;
  budget: LinkBudget;
  now: () => number;
}

/** `stopped`: by `pause()`. `ending`: the socket is closed and the rest of what came before is worked through. */
type State = 'reading' | 'queued' | 'overdrawn' | 'stopped' | 'ending' | 'dropped' | 'closed';

export class PacedStream extends Duplex {
  /** Who pays; links of one peer share it. May change when it becomes known who the peer is. */
  budget: LinkBudget;
  /** Called with what was received before it is worked through. */
  onBytes: (bytes: number) => void = () => undefined;
  /** Called after each piece, when its messages are worked through. Must not throw. */
  afterPiece: () => void = () => undefined;
  private state: State = 'queued';
  /** Bytes that came and were not handed on yet: what Node reads at once and what it held itself, some 128 KiB at most. */
  private rest: Buffer;
  private hasEnded = false;
  private isPumping = false;
  private budgetTimer: NodeJS.Timeout | null = null;
  private dropTimer: NodeJS.Timeout | null = null;
  private droppedBytes = 0;
  private whenWorked: (() => void) | null = null;
  private readonly net: Socket;
  private readonly onData = (chunk: Buffer) => this.received(chunk);
  private readonly turns: FairTurns;
  private readonly now: () => number;

  constructor(options: PacedStreamOptions) {
    // A piece is always taken: ws reads synchronously.
    super({ allowHalfOpen: true, readableHighWaterMark: 64 * PIECE_BYTES });
    this.net = options.net;
    this.turns = options.turns;
    this.budget = options.budget;
    this.now = options.now;
    this.rest = options.head;
    const { net } = this;
    net.setTimeout(0);
    net.setNoDelay();
    net.on('data', this.onData);
    net.on('end', () => {
      this.hasEnded = true;
      if (this.state === 'reading') this.push(null);
      if (this.state === 'dropped') this.destroy();
    });
    net.on('error', () => this.destroy());
    net.on('close', () => this.destroy());
    // ws attaches its listeners in this turn.
    net.pause();
    this.queue();
  }

  /** True while we are the ones that do not read: what the peer sends meanwhile is not seen, and it is not silent. */
  get isHeld(): boolean {
    return this.state === 'queued' || this.state === 'overdrawn' || this.state === 'stopped';
  }

  /** True when nothing more of it is worked through. */
  get isDropped(): boolean {
    return this.state === 'dropped';
  }

  /** Bytes that came and wait to be worked through. */
  get restBytes(): number {
    return this.rest.length;
  }

  /**
   * Reads nothing more: the peer is being closed for what it sent. Sends what was written (a close frame), and cuts the
   * connection when the peer has closed its side, after a second, or when it goes on sending.
   */
  discard(): void {
    if (this.state === 'dropped' || this.state === 'closed') return;
    const isEnding = this.state === 'ending';
    this.state = 'dropped';
    this.rest = Buffer.alloc(0);
    this.stopBudgetTimer();
    if (isEnding) {
      this.worked();
      return;
    }
    this.end();
    if (this.hasEnded) {
      this.destroy();
      return;
    }
    this.dropTimer = setTimeout(() => this.destroy(), DROP_MS);
    this.dropTimer.unref();
    this.net.resume();
  }

  /** Works through now what has come and waits: 128 KiB at most, and only where the order of two links depends on it. */
  finish(): void {
    if (this.isPumping || this.isPaused() || this.state === 'dropped' || this.state === 'closed') return;
    if (this.isHeld) this.net.read();
    while (this.rest.length > 0 && !this.isDropped) {
      const piece = this.rest.subarray(0, PIECE_BYTES);
      this.rest = this.rest.subarray(PIECE_BYTES);
      this.handOn(piece);
    }
  }

  override pause(): this {
    super.pause();
    if (this.state === 'reading') this.stop();
    return this;
  }

  override resume(): this {
    super.resume();
    if (this.state === 'stopped') this.queue();
    return this;
  }

  override _read(): void {
    // Pieces are pushed when it is their turn.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // A fault of the socket ends this stream by the socket's events, once what came before is worked through.
    if (this.net.destroyed) done();
    else this.net.write(chunk, () => done());
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    if (this.net.destroyed) {
      done();
      return;
    }
    this.net.cork();
    for (const { chunk } of chunks.slice(0, -1)) this.net.write(chunk);
    const last = chunks.at(-1);
    if (last) this.net.write(last.chunk, () => done());
    this.net.uncork();
  }

  override _final(done: () => void): void {
    if (this.net.destroyed) done();
    else this.net.end(() => done());
  }

  /** The socket is closed at once; `close` follows when what came before it is worked through. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.stopBudgetTimer();
    if (this.dropTimer !== null) clearTimeout(this.dropTimer);
    const isDropped = this.state === 'dropped';
    // What is read by hand is emitted as well.
    this.net.off('data', this.onData);
    const held: unknown = isDropped ? null : this.net.read();
    if (Buffer.isBuffer(held)) this.rest = Buffer.concat([this.rest, held]);
    this.net.destroy();
    this.whenWorked = () => done(error);
    if (this.rest.length === 0) {
      this.worked();
      return;
    }
    this.state = 'ending';
    this.queueTurn();
  }

  private received(chunk: Buffer): void {
    if (this.state === 'closed') return;
    if (this.state === 'dropped') {
      this.droppedBytes += chunk.length;
      if (this.droppedBytes > DROP_BYTES) this.destroy();
      return;
    }
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    if (this.state !== 'reading') return;
    if (this.turns.isSpent || this.budget.recentMs(this.now()) >= LIGHT_MS) {
      this.hold();
      this.queue();
    } else this.pump();
  }

  /** Hands on what came, for one slice at most; then the others come first. */
  private pump(): void {
    if (this.isPumping) return;
    if (this.isPaused() && this.state !== 'ending') {
      this.stop();
      return;
    }
    this.isPumping = true;
    const since = this.now();
    let before = since;
    const { state } = this;
    while (this.rest.length > 0) {
      const piece = this.rest.subarray(0, PIECE_BYTES);
      this.rest = this.rest.subarray(PIECE_BYTES);
      this.handOn(piece);
      const now = this.now();
      this.budget.spend(piece.length, now - before, now);
      this.turns.spend(now - before);
      before = now;
      if (this.state !== state || this.isPaused()) break;
      if (now - since >= SLICE_MS || this.turns.isSpent || (state !== 'ending' && this.budget.isOverdrawn)) break;
    }
    this.isPumping = false;
    // One that was dropped or destroyed meanwhile has seen to what comes next.
    if (this.state === state) this.goOn();
  }

  private handOn(piece: Buffer): void {
    this.onBytes(piece.length);
    if (this.isDropped) return;
    // A destroyed stream takes nothing more, but its listeners are still there.
    if (this.destroyed) this.emit('data', piece);
    else this.push(piece);
    this.afterPiece();
  }

  /** What comes after a slice. */
  private goOn(): void {
    switch (this.state) {
      case 'ending':
        if (this.rest.length > 0) this.queueTurn();
        else this.worked();
        return;
      case 'reading':
      case 'queued':
      case 'overdrawn':
      case 'stopped':
        if (this.budget.isOverdrawn) this.overdraw();
        else if (this.rest.length > 0) {
          this.hold();
          this.queue();
        } else this.readOn();
        return;
      case 'dropped':
      case 'closed':
    }
  }

  private readOn(): void {
    const wasHeld = this.state !== 'reading';
    this.state = 'reading';
    if (this.hasEnded) this.push(null);
    else if (wasHeld) this.net.resume();
  }

  private stop(): void {
    this.hold();
    this.state = 'stopped';
  }

  private hold(): void {
    if (this.state === 'reading') this.net.pause();
  }

  private queue(): void {
    this.state = 'queued';
    this.queueTurn();
  }

  private queueTurn(): void {
    const { state } = this;
    this.turns.add(
      () => {
        // It was dropped or destroyed meanwhile, which queues by itself.
        if (this.state !== state) return;
        if (state === 'queued' && this.budget.isOverdrawn) this.overdraw();
        else this.pump();
      },
      () => this.budget.recentMs(this.now(), this.rest.length),
    );
  }

  /** Nothing is read until the budget has recovered. */
  private overdraw(): void {
    this.hold();
    this.state = 'overdrawn';
    const pauseMs = Math.min(this.budget.waitMs(this.now()), MAX_PAUSE_MS);
    this.budgetTimer = setTimeout(() => {
      this.budgetTimer = null;
      if (this.budget.waitMs(this.now()) > 0) this.overdraw();
      else this.queue();
    }, pauseMs);
    this.budgetTimer.unref();
  }

  private worked(): void {
    this.state = 'closed';
    const done = this.whenWorked;
    this.whenWorked = null;
    if (done) done();
    else this.destroy();
  }

  private stopBudgetTimer(): void {
    if (this.budgetTimer !== null) clearTimeout(this.budgetTimer);
    this.budgetTimer = null;
  }
}
