/**
 * Follows the output of one command: from the live channel into a buffer, telling its listeners at most once a frame
 * however fast the lines come. Opened again, it goes on after the last line that it has.
 */
import type { LiveServerMessage } from '@/lib/protocol/live';
import { NO_NIX_PROGRESS, nixProgress, type NixProgress } from '../text/nix-phase';
import { OutputBuffer, type OutputLimits } from '../text/output-buffer';
import { plainOutput } from '../text/sgr';

export type OutputMessage = Extract<LiveServerMessage, { t: 'output' | 'no-output' }>;

export interface FeedWorld {
  /** Follows a command's output after a line; returns the way to stop. */
  watch(commandId: string, after: number, listener: (message: OutputMessage) => void): () => void;
  /** Calls back once, soon: the next frame of a page that is seen. Returns the way to cancel. */
  nextFrame(callback: () => void): () => void;
}

export type FeedStatus =
  | { kind: 'waiting' }
  | { kind: 'live' }
  /** The command ended and its last line is here. */
  | { kind: 'complete' }
  | { kind: 'unavailable'; reason: string };

export interface FeedState {
  /** Changes whenever anything did. */
  version: number;
  status: FeedStatus;
  progress: NixProgress;
  /** Rows here, and rows given up before them. */
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
  /** A message of a watch that was replaced is late and counts for nothing. */
  private watchNumber = 0;
  private cancelFrame: (() => void) | null = null;

  constructor(commandId: string, world: FeedWorld, limits?: OutputLimits) {
    this.commandId = commandId;
    this.world = world;
    this.buffer = new OutputBuffer(limits);
  }

  readonly get = (): FeedState => this.state;

  /** While anybody listens, the feed follows. */
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
      this.announce();
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
    this.announce();
  }

  private announce(): void {
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

/** Feeds that are kept when their tab is not shown, so that going back to one is immediate. */
const KEPT_FEEDS = 4;

/** The feeds of this browser tab, the least recently shown given up first. */
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
