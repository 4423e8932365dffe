/**
 * Follows the output of one command: fills a buffer from the live channel and notifies its listeners at most once per
 * frame. When it is opened again, it continues after its last line.
 */
import { NO_NIX_PROGRESS, nixProgress, type NixProgress } from '@/lib/text/nix-progress';
import { OutputBuffer, type OutputLimits } from '../text/output-buffer';
import { plainOutput } from '../text/sgr';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';

export type OutputMessage = Extract<LiveServerMessage, { t: 'output' | 'no-output' }>;

export interface FeedWorld {
  /** Follows a command's output after a line. Returns a function that stops. */
  watch(commandId: string, after: number, listener: (message: OutputMessage) => void): () => void;
  /** Calls back once, in the next frame. Returns a function that cancels. */
  nextFrame(callback: () => void): () => void;
}

export type FeedStatus =
  | { kind: 'waiting' }
  | { kind: 'live' }
  /** The command ended and its last line has arrived. */
  | { kind: 'complete' }
  | { kind: 'unavailable'; reason: string };

export interface FeedState {
  /** Increases with each change. */
  version: number;
  status: FeedStatus;
  progress: NixProgress;
  /** Rows in the buffer, and rows dropped before them. */
  size: number;
  dropped: number;
}

export class OutputFeed {
  readonly commandId: string;
  readonly buffer: OutputBuffer;
  private readonly world: FeedWorld;
  private readonly listeners = new Set<() => void>();
  private state: FeedState = {
    version: 0,
    status: { kind: 'waiting' },
    progress: NO_NIX_PROGRESS,
    size: 0,
    dropped: 0,
  };
  private status: FeedStatus = { kind: 'waiting' };
  private progress = NO_NIX_PROGRESS;
  private stopWatching: (() => void) | null = null;
  /** Messages of a replaced watch are ignored. */
  private watchNumber = 0;
  private cancelFrame: (() => void) | null = null;

  constructor(commandId: string, world: FeedWorld, limits?: OutputLimits) {
    this.commandId = commandId;
    this.world = world;
    this.buffer = new OutputBuffer(limits);
  }

  readonly get = (): FeedState => this.state;

  /** The feed follows the output while it has listeners. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.watch();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stop();
    };
  };

  private watch(): void {
    this.stopWatching?.();
    this.watchNumber += 1;
    const number = this.watchNumber;
    this.stopWatching = this.world.watch(this.commandId, this.buffer.lastSeq, (message) => {
      if (number === this.watchNumber) this.receive(message);
    });
  }

  private stop(): void {
    this.watchNumber += 1;
    this.stopWatching?.();
    this.stopWatching = null;
    this.cancelFrame?.();
    this.cancelFrame = null;
    this.publish();
  }

  private receive(message: OutputMessage): void {
    if (message.t === 'no-output') {
      this.status = { kind: 'unavailable', reason: message.reason };
      this.schedulePublish();
      return;
    }
    const before = this.buffer.lastSeq;
    const result = this.buffer.append(message.lines);
    for (const line of message.lines) {
      if (line.seq <= before || line.seq > this.buffer.lastSeq || line.stream === 'note') continue;
      this.progress = nixProgress(this.progress, plainOutput(line.text));
    }
    if (result.kind === 'gap') {
      this.watch();
    } else {
      this.status = message.done ? { kind: 'complete' } : { kind: 'live' };
    }
    this.schedulePublish();
  }

  private schedulePublish(): void {
    this.cancelFrame ??= this.world.nextFrame(() => {
      this.cancelFrame = null;
      this.publish();
    });
  }

  private publish(): void {
    this.state = {
      version: this.state.version + 1,
      status: this.status,
      progress: this.progress,
      size: this.buffer.size,
      dropped: this.buffer.dropped,
    };
    for (const listener of this.listeners) listener();
  }
}

/** Feeds kept for tabs that are not shown, so that going back to one is immediate. */
const KEPT_FEEDS = 4;

/** The feeds of this browser tab; the least recently shown are dropped first. */
export class OutputFeeds {
  private readonly feeds = new Map<string, OutputFeed>();
  private readonly world: FeedWorld;

  constructor(world: FeedWorld) {
    this.world = world;
  }

  feed(commandId: string): OutputFeed {
    const known = this.feeds.get(commandId);
    this.feeds.delete(commandId);
    const feed = known ?? new OutputFeed(commandId, this.world);
    this.feeds.set(commandId, feed);
    for (const id of this.feeds.keys()) {
      if (this.feeds.size <= KEPT_FEEDS) break;
      this.feeds.delete(id);
    }
    return feed;
  }
}
