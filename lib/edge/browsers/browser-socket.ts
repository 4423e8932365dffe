/** One browser's socket: what it has seen, what it watches, and how much of that it has read. */
import { WebSocket } from 'ws';
import type { LiveServerMessage, OutputLine } from '@/lib/protocol/live';
import type { FairTurns } from '../links/fair-turns';
import { Life, type Transport } from '../links/sign-of-life';
import type { LiveSource } from '@/lib/fleet/records/publisher';
import type { LoopTime } from '@/lib/fleet/records/environment';

/** More than this unread, and nothing more is sent until there is room. */
export const FULL_BYTES = 256 * 1024;
/** Without room for this long, the browser is dropped: time in which the dashboard could not write counts for nothing. */
export const STUCK_MS = 20_000;
/** Lines that are read from the database at a time. */
export const PAGE_LINES = 1_000;
/** A page ends with the line that brings its texts to so many UTF-16 units: a thousand lines may have 64 MB. */
export const PAGE_CHARACTERS = 256 * 1024;
export const MAX_WATCHES = 64;

interface Watch {
  /** Number of the last line that was sent. */
  after: number;
  /** True when everything stored was sent, so that new lines go straight out. */
  live: boolean;
  done: boolean;
  /** Its next page waits for a turn. */
  queued: boolean;
}

export interface BrowserParts {
  socket: WebSocket;
  /** The socket below it. */
  stream: Transport;
  idHash: string;
  address: string;
  source: LiveSource;
  loop: LoopTime;
  /** The dashboard itself is not reading from it. */
  isPaused: () => boolean;
  turns: FairTurns;
  /** Does work of a later turn, whose faults must not end the process. */
  guarded: (work: () => void) => void;
  /** An output that it watched does not exist: it was told so. */
  missing: (commandId: string) => void;
}

export class Browser {
  readonly socket: WebSocket;
  readonly idHash: string;
  readonly address: string;
  /** The version of the fleet that it has; null until it said hello. */
  version: number | null = null;
  /** When it was sent the whole fleet last, by the monotonic clock. */
  snapshotAt = -Infinity;
  private readonly life: Life;
  private readonly watches = new Map<string, Watch>();
  private fullSince: number | null = null;
  private asked: number[] = [];

  constructor(private readonly parts: BrowserParts) {
    this.socket = parts.socket;
    this.idHash = parts.idHash;
    this.address = parts.address;
    this.life = new Life(parts.stream, parts.isPaused, parts.loop);
  }

  get silentMs(): number {
    return this.life.silentMs();
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get hasRoom(): boolean {
    return this.isOpen && this.socket.bufferedAmount < FULL_BYTES;
  }

  /** True when it has not read for so long (ms of `LoopTime`) that it is not worth waiting. */
  isStuck(stuckMs: number): boolean {
    if (this.hasRoom || !this.isOpen) {
      this.fullSince = null;
      return false;
    }
    const now = this.parts.loop.now();
    this.fullSince ??= now;
    return now - this.fullSince > stuckMs;
  }

  /** Counts a message; false when there were more than `limit` in the last `windowMs` of `LoopTime`. */
  mayAsk(limit: number, windowMs: number): boolean {
    const now = this.parts.loop.now();
    this.asked.push(now);
    if (this.asked.length > limit) this.asked = this.asked.filter((at) => now - at < windowMs);
    return this.asked.length <= limit;
  }

  send(message: LiveServerMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends something that brings the browser to a version. */
  sendVersion(text: string, version: number): void {
    this.sendText(text);
    this.version = version;
  }

  watching(): string[] {
    return [...this.watches.keys()];
  }

  /** Follows a command's output from the line after `after`. Its first page waits for its turn, too. */
  watch(commandId: string, after: number): void {
    const watch = { after, live: false, done: false, queued: false };
    this.watches.set(commandId, watch);
    this.queuePage(commandId, watch);
  }

  unwatch(commandId: string): void {
    this.watches.delete(commandId);
  }

  /** New lines, just stored. Those it can't take now are read from the database later. */
  liveLines(commandId: string, lines: readonly OutputLine[]): void {
    const watch = this.watches.get(commandId);
    const last = lines.at(-1);
    if (!watch?.live || !last) return;
    const fresh = lines.filter((line) => line.seq > watch.after);
    if (!this.hasRoom || fresh[0]?.seq !== watch.after + 1 || isOfFullSize(fresh)) {
      watch.live = false;
      this.queuePage(commandId, watch);
      return;
    }
    this.send({ t: 'output', commandId, lines: fresh });
    watch.after = last.seq;
  }

  /** The command has ended and all of its lines are stored. */
  ended(commandId: string): void {
    const watch = this.watches.get(commandId);
    if (!watch?.live || watch.done) return;
    watch.done = true;
    this.send({ t: 'output', commandId, lines: [], done: true });
  }

  /** Goes on with every output that has lines to catch up with. */
  pump(): void {
    for (const [commandId, watch] of this.watches) {
      if (!watch.live) this.queuePage(commandId, watch);
    }
  }

  /** The next page, when it is this output's turn: a hundred thousand lines are no reason to hold everybody else. */
  private queuePage(commandId: string, watch: Watch): void {
    if (watch.queued || !this.hasRoom) return;
    watch.queued = true;
    this.parts.turns.add(() => {
      watch.queued = false;
      // Unwatched, or watched anew, meanwhile.
      if (this.watches.get(commandId) === watch) this.parts.guarded(() => this.sendPage(commandId, watch));
    });
  }

  /** Sends one page of stored lines, where there is room. */
  private sendPage(commandId: string, watch: Watch): void {
    if (watch.live || !this.hasRoom) return;
    const page = this.parts.source.outputAfter(commandId, watch.after, PAGE_LINES, PAGE_CHARACTERS);
    if (!page) {
      this.send({ t: 'no-output', commandId, reason: 'There is no such command any more.' });
      this.parts.missing(commandId);
      return;
    }
    const last = page.lines.at(-1);
    if (last) {
      this.send({ t: 'output', commandId, lines: page.lines });
      watch.after = last.seq;
    }
    if (page.lines.length === PAGE_LINES || isOfFullSize(page.lines)) {
      this.queuePage(commandId, watch);
      return;
    }
    watch.live = true;
    if (page.ended) this.ended(commandId);
  }

  private sendText(text: string): void {
    if (this.isOpen) this.socket.send(text);
  }
}

/** Whether these lines are a page by their size, so that more may follow. */
function isOfFullSize(lines: readonly OutputLine[]): boolean {
  let characters = 0;
  for (const { text } of lines) characters += text.length;
  return characters >= PAGE_CHARACTERS;
}
