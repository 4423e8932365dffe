/**
 * One peer's socket, as ws sees it. Received bytes are passed on in small pieces, at a rate that the process can
 * handle. A piece is handled before the next is passed on, so only raw bytes wait, and work can stop after any piece.
 * Work runs at once while the turn of the event loop has time for it. A peer with much recent use waits for its turn;
 * one that spent its budget is not read until it has recovered, so TCP buffers fill and the peer waits.
 *
 * A peer that ends may have sent more than was read. The first write to it makes its machine drop what that still has to
 * deliver, the second one fails, and then Node drops what has arrived. So a write waits until what has arrived is read,
 * at most `WRITE_HOLD_MS`.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { FairTurns } from './fair-turns';
import type { LinkBudget, LinkLimits } from './link-budget';

/** Work for one peer in one turn of the event loop. The piece that exceeds it is finished. */
export const SLICE_MS = 10;
/** Bytes passed on at once: at most 170 messages, because an empty masked frame takes 6 bytes. */
export const PIECE_BYTES = 1_024;
/** Longest pause before an overdrawn peer is checked again. */
export const MAX_PAUSE_MS = 1_000;
/** Recent use (see `LinkBudget.recentMs`) up to which a peer is handled without queueing. */
const LIGHT_MS = 20;
/** A dropped peer is terminated after this long, or after this many further bytes. */
export const DROP_MS = 1_000;
const DROP_BYTES = 64 * 1_024;
/** A stop must reach a peer that sends without a pause. */
export const WRITE_HOLD_MS = 2_000;
/** A resumed socket is read from the next turn of the event loop. */
const RESUMED_TURNS = 2;

/** How fast one peer is read. */
export interface Pace {
  limits: LinkLimits;
  /** Milliseconds of a monotonic clock. */
  now: () => number;
}

export interface PacedStreamOptions {
  net: Socket;
  /** Bytes received after the upgrade request. */
  head: Buffer;
  turns: FairTurns;
  budget: LinkBudget;
  now: () => number;
}

/** `stopped`: by `pause()`. `ending`: the socket is closed and bytes received before are still handled. */
type State = 'reading' | 'queued' | 'overdrawn' | 'stopped' | 'ending' | 'dropped' | 'closed';

export class PacedStream extends Duplex {
  /** Shared by the connections of one peer. Changes when the peer is identified. */
  budget: LinkBudget;
  /** Called with the number of bytes before they are handled. */
  onBytes: (bytes: number) => void = () => undefined;
  /** Called after the messages of each piece. Must not throw. */
  afterPiece: () => void = () => undefined;
  private state: State = 'queued';
  /** Received bytes that were not passed on yet: what Node reads at once and buffers itself, about 128 KiB at most. */
  private rest: Buffer;
  private hasEnded = false;
  private isPumping = false;
  private budgetTimer: NodeJS.Timeout | null = null;
  private dropTimer: NodeJS.Timeout | null = null;
  private droppedBytes = 0;
  private heldWrite: (() => void) | null = null;
  private writeTimer: NodeJS.Timeout | null = null;
  private whenWorked: (() => void) | null = null;
  private readonly net: Socket;
  private readonly onData = (chunk: Buffer) => this.received(chunk);
  private readonly turns: FairTurns;
  private readonly now: () => number;

  constructor(options: PacedStreamOptions) {
    // A piece is always consumed: ws reads synchronously.
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

  /** True while the dashboard itself is not reading: the peer does not count as silent meanwhile. */
  get isHeld(): boolean {
    return this.state === 'queued' || this.state === 'overdrawn' || this.state === 'stopped';
  }

  /** True when nothing more of it is handled. */
  get isDropped(): boolean {
    return this.state === 'dropped';
  }

  /** Received bytes that wait to be handled. */
  get restBytes(): number {
    return this.rest.length;
  }

  /**
   * Reads nothing more, because the peer is being closed for what it sent. Sends what was written (a close frame), and
   * terminates the connection when the peer has closed its side, after a second, or when it keeps sending.
   */
  discard(): void {
    if (this.state === 'dropped' || this.state === 'closed') return;
    const isEnding = this.state === 'ending';
    this.state = 'dropped';
    this.writeHeld();
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

  /** Handles all waiting bytes now, 128 KiB at most. Used only where the order of two connections depends on it. */
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
    // Pieces are pushed by `pump`.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.heldWrite = () => {
      // An error of the socket ends this stream through the socket's events, after received bytes are handled.
      if (this.net.destroyed) {
        done();
        return;
      }
      this.net.cork();
      for (const { chunk } of chunks.slice(0, -1)) this.net.write(chunk);
      const last = chunks.at(-1);
      if (last) this.net.write(last.chunk, () => done());
      this.net.uncork();
    };
    this.writeWhenRead(1);
  }

  override _final(done: () => void): void {
    if (this.net.destroyed) done();
    else this.net.end(() => done());
  }

  /** Closes the socket at once; `close` follows when the bytes received before are handled. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.stopBudgetTimer();
    if (this.dropTimer !== null) clearTimeout(this.dropTimer);
    const isDropped = this.state === 'dropped';
    // `read()` emits `data` as well.
    this.net.off('data', this.onData);
    const held: unknown = isDropped ? null : this.net.read();
    if (Buffer.isBuffer(held)) this.rest = Buffer.concat([this.rest, held]);
    this.net.destroy();
    this.writeHeld();
    this.whenWorked = () => done(error);
    if (this.rest.length === 0) {
      this.worked();
      return;
    }
    this.state = 'ending';
    this.queueTurn();
  }

  /** Writes what waits once so many turns of the event loop in a row have read nothing. */
  private writeWhenRead(turns: number): void {
    const { bytesRead } = this.net;
    setImmediate(() => {
      if (this.heldWrite === null) return;
      const isReading = this.state === 'reading';
      const isQuiet = isReading && this.net.bytesRead === bytesRead;
      if (this.net.destroyed || this.isDropped || (isQuiet && turns === 1)) this.writeHeld();
      // While it is not read, `readOn` tries again.
      else if (isReading) this.writeWhenRead(isQuiet ? turns - 1 : 1);
      this.armWriteTimer();
    });
  }

  private armWriteTimer(): void {
    if (this.heldWrite === null || this.writeTimer !== null) return;
    this.writeTimer = setTimeout(() => this.writeHeld(), WRITE_HOLD_MS);
    this.writeTimer.unref();
  }

  private writeHeld(): void {
    if (this.writeTimer !== null) clearTimeout(this.writeTimer);
    this.writeTimer = null;
    const write = this.heldWrite;
    this.heldWrite = null;
    write?.();
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

  /** Passes on received bytes for one slice at most; then other peers come first. */
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
    // If it was dropped or destroyed meanwhile, that call decided what comes next.
    if (this.state === state) this.goOn();
  }

  private handOn(piece: Buffer): void {
    this.onBytes(piece.length);
    if (this.isDropped) return;
    // A destroyed stream accepts no `push`, but its listeners are still attached.
    if (this.destroyed) this.emit('data', piece);
    else this.push(piece);
    this.afterPiece();
  }

  /** Decides what follows a slice. */
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
    if (wasHeld && this.heldWrite !== null) this.writeWhenRead(RESUMED_TURNS);
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
        // It was dropped or destroyed meanwhile; `_destroy` queues its own turn.
        if (this.state !== state) return;
        if (state === 'queued' && this.budget.isOverdrawn) this.overdraw();
        else this.pump();
      },
      () => this.budget.recentMs(this.now(), this.rest.length),
    );
  }

  /** Stops reading until the budget has recovered. */
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
