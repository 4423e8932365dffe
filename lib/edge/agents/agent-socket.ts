/** One agent's socket: what is sent to it, how much of that it has not read, and how much of what it sends is read. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { ServerFrame } from '@/lib/protocol/agent';
import { Life, type Transport } from '../links/sign-of-life';
import { TokenBucket, type BucketLimits } from '../links/link-budget';
import type { Pace, PacedStream } from '../links/paced-stream';
import type { AgentIdentity, AgentLink } from '@/lib/fleet/records/agent-port';
import type { LoopTime } from '@/lib/fleet/records/environment';

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

export interface AgentSocketParts {
  socket: WebSocket;
  /** The network's socket, which tells of life. */
  net: Transport;
  /** What ws reads from and writes to. */
  stream: PacedStream;
  address: string;
  identity: AgentIdentity;
  loop: LoopTime;
  /** The fleet has let it in as this host. */
  onRegistered: (hostId: string) => void;
  /** Its agent has closed it; may be called before its socket says so, and more than once. */
  onEnded: () => void;
  /** The dashboard has begun to close it. */
  onClosing: () => void;
}

export class AgentSocket implements AgentLink {
  readonly id = randomUUID();
  readonly socket: WebSocket;
  readonly address: string;
  readonly identity: AgentIdentity;
  /** The newest ping that was not answered yet. */
  private pinged: Buffer | null = null;
  pingedAt: number;
  private readonly life: Life;
  private cancelProbe: () => void = () => undefined;
  private isWorking = false;
  private isClosedByUs = false;
  private readonly unreadable = new TokenBucket(UNREADABLE_LIMITS, performance.now());

  constructor(private readonly parts: AgentSocketParts) {
    const { socket, net, stream, loop } = parts;
    this.socket = socket;
    this.address = parts.address;
    this.identity = parts.identity;
    // While we are the ones that do not read, what it sends is not seen, and it is not silent.
    this.life = new Life(net, () => this.isOpen && stream.isHeld, loop);
    this.pingedAt = loop.now();
  }

  get silentMs(): number {
    return this.life.silentMs();
  }

  probe(ms: number, done: (isAlive: boolean) => void): void {
    this.cancelProbe();
    if (this.isOpen) this.cancelProbe = this.life.probe(ms, () => this.ping(), done);
    else this.cancelProbe = this.parts.loop.afterRead(() => done(false));
  }

  /** Works one message of it through. */
  work(message: () => void): void {
    this.isWorking = true;
    try {
      message();
    } finally {
      this.isWorking = false;
    }
  }

  finish(): void {
    // From within a message, what came after it would be worked through before it.
    if (this.isWorking) return;
    this.parts.stream.finish();
    if (!this.isOpen && !this.isClosedByUs) this.parts.onEnded();
  }

  /** The socket is closed: nobody waits for it any more. */
  ended(): void {
    this.cancelProbe();
  }

  /** Counts a frame that could not be read; false when there were too many. */
  mayBeUnreadable(): boolean {
    return this.unreadable.tryTake(1, performance.now());
  }

  send(frame: ServerFrame): boolean {
    if (!this.hasRoom()) return false;
    this.socket.send(JSON.stringify(frame));
    if (frame.type === 'registered') this.parts.onRegistered(frame.payload.host_id);
    return true;
  }

  /**
   * Notes a ping, to be answered by `answerPing`. The agent's deadline is extended by nothing else. Of several only the
   * newest needs an answer (RFC 6455, 5.5.3).
   */
  takePing(data: Buffer): void {
    // A copy: the bytes lie in the chunk that was read, which would be kept for them.
    this.pinged = Buffer.from(data);
  }

  /** Answers the newest ping, if there is one. */
  answerPing(): void {
    if (this.pinged === null) return;
    const data = this.pinged;
    this.pinged = null;
    if (this.hasRoom()) this.socket.pong(data);
  }

  ping(): void {
    if (this.isOpen) this.socket.ping();
  }

  close(code: number, reason: string): void {
    this.isClosedByUs = true;
    this.socket.close(code, reason.slice(0, 120));
    this.parts.onClosing();
  }

  /** Closes it for what it sent: nothing more is read. */
  refuse(code: number, reason: string): void {
    this.close(code, reason);
    this.parts.stream.discard();
  }

  private get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** False for a socket that is gone, also because too much lies there that it does not read. */
  private hasRoom(): boolean {
    if (!this.isOpen) return false;
    if (this.socket.bufferedAmount <= MAX_AGENT_BACKLOG_BYTES) return true;
    this.socket.terminate();
    return false;
  }
}
