/** One browser's socket: the version it has, the outputs it watches, and its unread bytes. */
import { WebSocket } from 'ws';
import type { FairTurns } from '../links/fair-turns';
import { PeerLiveness, type Transport } from '../links/peer-liveness';
import type { Actor } from '@/lib/fleet/may';
import type { LiveSource } from '@/lib/fleet/records/publisher';
import type { Sees } from '@/lib/fleet/visible';
import type { LoopTime } from '@/lib/fleet/records/environment';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** With more unread bytes than this, nothing more is sent until there is room. */
export const FULL_BYTES = 256 * 1024;
/** A browser without room for this long is disconnected. Time in which the dashboard could not write does not count. */
export const STUCK_MS = 20_000;
/** Lines that are read from the database at a time. */
export const PAGE_LINES = 1_000;
/** A page ends with the line that reaches this many UTF-16 units: a thousand lines could be 64 MB. */
export const PAGE_CHARACTERS = 256 * 1024;
export const MAX_WATCHES = 64;
/** A browser is sent something at least this often, so that it notices a connection that no longer works. */
export const BEAT_MS = 2_000;
const BEAT = JSON.stringify({ t: 'beat' } satisfies LiveServerMessage);
/** Output that can't be read is not read again for this long. */
const READ_RETRY_MS = 5_000;

type OutputPage = NonNullable<Awaited<ReturnType<LiveSource['outputAfter']>>>;

interface Watch {
  /** Number of the last line that was sent. */
  after: number;
  /** True when everything stored was sent, so that new lines go straight out. */
  live: boolean;
  done: boolean;
  /** Its next page is queued or being read. */
  queued: boolean;
  /** The last line that was published since a page is being read. */
  published: number;
  /** Not read before this time (`LoopTime`), because reading failed. */
  retryAt: number;
  /** It ended while a page was being read. */
  hasEnded: boolean;
}

export interface BrowserParts {
  socket: WebSocket;
  /** The socket below it. */
  stream: Transport;
  idHash: string;
  actor: Actor;
  /** Which hosts the actor sees. */
  sees: Sees;
  address: string;
  source: LiveSource;
  loop: LoopTime;
  /** True while the dashboard itself is not reading from it. */
  isPaused: () => boolean;
  turns: FairTurns;
  /** Runs work of a later turn and logs its errors, which must not end the process. */
  guarded: (work: () => Promise<void>) => void;
  /** Called after the browser was told that an output it watched does not exist. */
  onMissingOutput: (commandId: string) => void;
}

export class Browser {
  readonly socket: WebSocket;
  readonly idHash: string;
  readonly actor: Actor;
  readonly address: string;
  /** The fleet version that it has; null until its hello. */
  version: number | null = null;
  /** When it was last sent a snapshot, by the monotonic clock. */
  snapshotAt = -Infinity;
  private readonly life: PeerLiveness;
  private readonly watches = new Map<string, Watch>();
  private fullSince: number | null = null;
  /** When it was last sent anything, by `LoopTime`. */
  private sentAt = -Infinity;
  private messagesAt: number[] = [];

  constructor(private readonly parts: BrowserParts) {
    this.socket = parts.socket;
    this.idHash = parts.idHash;
    this.actor = parts.actor;
    this.address = parts.address;
    this.life = new PeerLiveness(parts.stream, parts.isPaused, parts.loop);
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

  /** True when it has not read for longer than `stuckMs` (of `LoopTime`). */
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
  allowMessage(limit: number, windowMs: number): boolean {
    const now = this.parts.loop.now();
    this.messagesAt.push(now);
    if (this.messagesAt.length > limit) this.messagesAt = this.messagesAt.filter((at) => now - at < windowMs);
    return this.messagesAt.length <= limit;
  }

  send(message: LiveServerMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends a message that brings the browser to a version. */
  sendVersion(text: string, version: number): void {
    this.sendText(text);
    this.version = version;
  }

  /** Sends a beat when nothing else was sent for `BEAT_MS`. */
  beat(): void {
    if (this.parts.loop.now() - this.sentAt >= BEAT_MS) this.sendText(BEAT);
  }

  watching(): string[] {
    return [...this.watches.keys()];
  }

  /** Follows a command's output from the line after `after`. Its first page waits for its turn, too. */
  watch(commandId: string, after: number): void {
    const watch = { after, live: false, done: false, queued: false, published: 0, retryAt: -Infinity, hasEnded: false };
    this.watches.set(commandId, watch);
    this.queuePage(commandId, watch);
  }

  unwatch(commandId: string): void {
    this.watches.delete(commandId);
  }

  /** Sends new lines that were just stored. Without room for them, they are read from the database later. */
  liveLines(commandId: string, lines: readonly OutputLine[]): void {
    const watch = this.watches.get(commandId);
    const last = lines.at(-1);
    if (!watch || !last) return;
    watch.published = last.seq;
    if (!watch.live) return;
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
    if (!watch || watch.done) return;
    watch.hasEnded = true;
    if (!watch.live) return;
    watch.done = true;
    this.send({ t: 'output', commandId, lines: [], done: true });
  }

  /** Continues every output that is behind. */
  resumeOutputs(): void {
    for (const [commandId, watch] of this.watches) {
      if (!watch.live) this.queuePage(commandId, watch);
    }
  }

  /** Queues the next page, so that an output of a hundred thousand lines does not block other browsers. */
  private queuePage(commandId: string, watch: Watch): void {
    if (watch.queued || !this.hasRoom || this.parts.loop.now() < watch.retryAt) return;
    watch.queued = true;
    this.parts.turns.add(() => {
      this.parts.guarded(async () => {
        const page = await this.readPage(commandId, watch);
        // It may have been unwatched or watched again meanwhile.
        if (page !== undefined && this.wants(commandId, watch)) this.sendPage(commandId, watch, page);
      });
    });
  }

  /** The next page of stored lines, null when there is no such command; undefined when nobody wants it any more. */
  private async readPage(commandId: string, watch: Watch): Promise<OutputPage | null | undefined> {
    watch.published = 0;
    try {
      if (!this.wants(commandId, watch)) return undefined;
      return await this.parts.source.outputAfter(commandId, watch.after, PAGE_LINES, PAGE_CHARACTERS);
    } catch (error) {
      watch.retryAt = this.parts.loop.now() + READ_RETRY_MS;
      throw error;
    } finally {
      watch.queued = false;
    }
  }

  private wants(commandId: string, watch: Watch): boolean {
    return this.watches.get(commandId) === watch && !watch.live && this.hasRoom;
  }

  /** Sends one page of stored lines. */
  private sendPage(commandId: string, watch: Watch, page: OutputPage | null): void {
    if (!page || !this.parts.sees(page.hostId)) {
      this.send({ t: 'no-output', commandId, reason: 'This command no longer exists.' });
      this.parts.onMissingOutput(commandId);
      return;
    }
    const last = page.lines.at(-1);
    if (last) {
      this.send({ t: 'output', commandId, lines: page.lines });
      watch.after = last.seq;
    }
    // Lines that were published while the page was being read are in the next one.
    if (page.lines.length === PAGE_LINES || isOfFullSize(page.lines) || watch.published > watch.after) {
      this.queuePage(commandId, watch);
      return;
    }
    watch.live = true;
    if (page.ended || watch.hasEnded) this.ended(commandId);
  }

  private sendText(text: string): void {
    if (!this.isOpen) return;
    this.sentAt = this.parts.loop.now();
    this.socket.send(text);
  }
}

/** Whether these lines fill a page by their size, so that more may follow. */
function isOfFullSize(lines: readonly OutputLine[]): boolean {
  let characters = 0;
  for (const { text } of lines) characters += text.length;
  return characters >= PAGE_CHARACTERS;
}
