/** One agent's socket: sending with a bounded backlog, liveness, and the limits on what it sends. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { PeerLiveness, type Transport } from '../links/peer-liveness';
import { TokenBucket, type BucketLimits } from '../links/link-budget';
import type { Pace, PacedStream } from '../links/paced-stream';
import type { AgentIdentity, AgentLink } from '@/lib/fleet/records/agent-port';
import type { LoopTime } from '@/lib/fleet/records/environment';
import type { ServerFrame } from '@/lib/protocol/agent/to-agent';

/** An agent with more unread bytes than this is disconnected. */
export const MAX_AGENT_BACKLOG_BYTES = 4 * 1024 * 1024;
/**
 * How fast one agent is read. A regular agent sends some KiB a second and costs less than a millisecond. A build that
 * prints as fast as it can costs 5 µs a line and stays within the burst for some hundred thousand lines; beyond that,
 * reading slows down.
 */
export const AGENT_PACE: Pace = {
  limits: {
    bytes: { burst: 16 * 1024 * 1024, perSecond: 8 * 1024 * 1024 },
    workMs: { burst: 2_000, perSecond: 500 },
  },
  now: () => performance.now(),
};
/**
 * Allowance of unreadable frames. It refills at the default heartbeat interval of five seconds, so an agent of another
 * version with unreadable heartbeats stays connected, and one that sends nothing else is soon disconnected.
 */
export const UNREADABLE_LIMITS: BucketLimits = { burst: 20, perSecond: 1 / 5 };

export interface AgentSocketParts {
  socket: WebSocket;
  /** The TCP socket, whose received bytes are the signs of life. */
  net: Transport;
  /** What ws reads from and writes to. */
  stream: PacedStream;
  address: string;
  identity: AgentIdentity;
  loop: LoopTime;
  /** The fleet has admitted it as this host. */
  onRegistered: (hostId: string) => void;
  /** The agent has closed it. May be called before the socket's `close` event, and more than once. */
  onEnded: () => void;
  /** The dashboard has begun to close it. */
  onClosing: () => void;
}

export class AgentSocket implements AgentLink {
  /** Random, so that no other process gives the same one. */
  readonly id = randomUUID();
  readonly socket: WebSocket;
  readonly address: string;
  readonly identity: AgentIdentity;
  /** The newest unanswered ping. */
  private pinged: Buffer | null = null;
  pingedAt: number;
  private readonly life: PeerLiveness;
  private cancelProbe: () => void = () => undefined;
  private isWorking = false;
  /** While above 0, nothing is read. */
  private holds = 0;
  private isClosedByUs = false;
  private readonly unreadable = new TokenBucket(UNREADABLE_LIMITS, performance.now());

  constructor(private readonly parts: AgentSocketParts) {
    const { socket, net, stream, loop } = parts;
    this.socket = socket;
    this.address = parts.address;
    this.identity = parts.identity;
    // While the dashboard itself is not reading, the agent does not count as silent.
    this.life = new PeerLiveness(net, () => this.isOpen && stream.isHeld, loop);
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

  /** Handles one message of the agent. */
  handleMessage(message: () => void): void {
    this.isWorking = true;
    try {
      message();
    } finally {
      this.isWorking = false;
    }
  }

  finish(): void {
    // Inside a message handler, later messages would overtake this one.
    if (this.isWorking) return;
    // What arrived while the fleet asked not to read it comes first as well.
    if (this.holds > 0) this.socket.resume();
    this.parts.stream.finish();
    if (this.holds > 0 && this.isOpen) this.socket.pause();
    if (!this.isOpen && !this.isClosedByUs) this.parts.onEnded();
  }

  holdUntil(stored: Promise<unknown>): void {
    if (this.holds === 0) this.socket.pause();
    this.holds += 1;
    const release = () => {
      this.holds -= 1;
      if (this.holds === 0) this.socket.resume();
    };
    stored.then(release, release);
  }

  /** The socket is closed: cancels a running probe. */
  ended(): void {
    this.cancelProbe();
  }

  /** Counts an unreadable frame; false when there were too many. */
  allowUnreadable(): boolean {
    return this.unreadable.tryTake(1, performance.now());
  }

  send(frame: ServerFrame): boolean {
    if (!this.hasRoom()) return false;
    this.socket.send(JSON.stringify(frame));
    if (frame.type === 'registered') this.parts.onRegistered(frame.payload.host_id);
    return true;
  }

  /**
   * Notes a ping for `answerPing`; only its pong extends the agent's deadline. Of several pings, only the newest needs
   * an answer (RFC 6455, 5.5.3).
   */
  notePing(data: Buffer): void {
    // A copy, because a view would keep the whole chunk in memory.
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

  /** Closes the connection because of what it sent, and reads nothing more. */
  refuse(code: number, reason: string): void {
    this.close(code, reason);
    this.parts.stream.discard();
  }

  private get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** False for a closed socket. Terminates a socket with too many unread bytes. */
  private hasRoom(): boolean {
    if (!this.isOpen) return false;
    if (this.socket.bufferedAmount <= MAX_AGENT_BACKLOG_BYTES) return true;
    this.socket.terminate();
    return false;
  }
}
