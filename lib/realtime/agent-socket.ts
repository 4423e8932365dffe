/** One agent's socket: what is sent to it, how much of that it has not read, and how much of what it sends is read. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { ServerFrame } from '@/lib/protocol/agent';
import type { AgentIdentity, AgentLink } from '@/lib/fleet/ports';
import { TokenBucket, type BucketLimits } from './link-budget';
import type { Pace, PacedReader } from './paced-reader';

/** What an agent has not read yet; more, and it is dropped. */
export const MAX_AGENT_BACKLOG_BYTES = 4 * 1024 * 1024;
/**
 * What is read of one agent. An honest one sends some KiB a second and costs below a millisecond; one that prints all it
 * can costs 5 µs a line and stays within the burst for some hundred thousand lines. Beyond them reading slows down.
 */
export const AGENT_PACE: Pace = {
  limits: {
    bytes: { burst: 16 * 1024 * 1024, perSecond: 8 * 1024 * 1024 },
    workMs: { burst: 2_000, perSecond: 500 },
  },
  now: () => performance.now(),
};
/**
 * Frames of one agent that can't be read. One comes back every five seconds, as often as a heartbeat by default: an agent
 * of another version whose heartbeats can't be read keeps its connection, one that sends nothing else soon loses it.
 */
export const UNREADABLE_LIMITS: BucketLimits = { burst: 20, perSecond: 1 / 5 };

export class AgentSocket implements AgentLink {
  readonly id = randomUUID();
  aliveAt = Date.now();
  pingedAt = Date.now();
  private readonly unreadable = new TokenBucket(UNREADABLE_LIMITS, performance.now());

  constructor(
    readonly socket: WebSocket,
    readonly address: string,
    readonly identity: AgentIdentity,
    readonly reader: PacedReader,
  ) {}

  /** True while we are the ones that do not read: what it sends meanwhile is not seen, and it is not silent. */
  get isPaused(): boolean {
    return this.reader.isPaused;
  }

  /** Counts a frame that could not be read; false when there were too many. */
  mayBeUnreadable(): boolean {
    return this.unreadable.tryTake(1, performance.now());
  }

  send(frame: ServerFrame): boolean {
    if (!this.hasRoom()) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Answers a ping. The agent's deadline is extended by nothing else. */
  pong(data: Buffer): void {
    if (this.hasRoom()) this.socket.pong(data);
  }

  ping(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason.slice(0, 120));
  }
  /** False for a socket that is gone, also because too much lies there that it does not read. */
  private hasRoom(): boolean {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    if (this.socket.bufferedAmount <= MAX_AGENT_BACKLOG_BYTES) return true;
    this.socket.terminate();
    return false;
  }
}
