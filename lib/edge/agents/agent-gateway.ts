/**
 * The agent gateway: a thin edge between sockets and the fleet (`docs/protocol.md`). It answers pings, treats any
 * received byte as a sign of life, disconnects agents that are silent or do not read, throttles those that send too
 * much, closes connections that send unreadable frames, and passes everything else on.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { limitKey } from '@/lib/limits/address-key';
import { AGENT_PACE, AgentSocket, UNREADABLE_LIMITS } from './agent-socket';
import { FairTurns } from '../links/fair-turns';
import { LinkBudgets, TokenBucket, type BucketLimits } from '../links/link-budget';
import { PacedStream, type Pace } from '../links/paced-stream';
import type { AgentIdentity, AgentInbox } from '@/lib/fleet/records/agent-port';
import type { FleetLog, LoopTime } from '@/lib/fleet/records/environment';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';

/**
 * Interval of the dashboard's pings. The reference agent's own deadline is 45 s; only the pongs to its pings extend it.
 */
export const AGENT_PING_INTERVAL_MS = 25_000;
/** A connection that sends no byte for this long is closed. */
export const AGENT_SILENCE_MS = 60_000;
/** Resolution of the two times above. */
const LIFE_CHECK_MS = 5_000;
/** A closed connection that does not answer is terminated after this long, or earlier when too many are closing. */
const CLOSE_TIMEOUT_MS = 5_000;
const MAX_CLOSING = 1_024;
/**
 * Bytes accepted before the register frame is answered. An agent sends one frame of a few KiB then; the refill is for
 * the pings of an agent that waits for approval.
 */
export const UNREGISTERED_LIMITS: BucketLimits = { burst: 64 * 1024, perSecond: 64 };

/** Set by tests only. */
export interface AgentGatewayTuning {
  silenceMs?: number;
  pingIntervalMs?: number;
  lifeCheckMs?: number;
  pace?: Pace;
  /** Called around each frame, so that a test can block the event loop there. */
  beforeFrame?: (text: string) => void;
  afterFrame?: (text: string) => void;
}

/** `closeTimeout` is not in the types of ws yet. */
const SOCKETS = {
  noServer: true,
  maxPayload: MAX_AGENT_FRAME_BYTES,
  // Pings are answered by `answerPing` within the peer's budget: with `autoPong`, ws drops a peer after 60 pings in one
  // chunk.
  autoPong: false,
  perMessageDeflate: false,
  clientTracking: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

export class AgentGateway {
  private readonly server = new WebSocketServer(SOCKETS);
  /** Connections that the dashboard has closed but whose socket is still open, oldest first. */
  private readonly closing = new Set<AgentSocket>();
  private readonly links = new Set<AgentSocket>();
  private readonly turns = new FairTurns();
  private readonly pace: Pace;
  private readonly budgets: LinkBudgets;
  private cancelLifeCheck: () => void = () => undefined;

  /** Production passes no `tuning`. */
  constructor(
    private readonly inbox: AgentInbox,
    private readonly log: FleetLog,
    private readonly loop: LoopTime,
    private readonly tuning: AgentGatewayTuning = {},
  ) {
    this.pace = tuning.pace ?? AGENT_PACE;
    this.budgets = new LinkBudgets(this.pace.limits, this.pace.now);
    this.armLifeCheck();
  }

  get size(): number {
    return this.links.size;
  }

  /** Bytes sent to all agents that they have not read yet. */
  get backlogBytes(): number {
    return [...this.links].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);
  }

  /** Accepts an upgrade whose token is valid; `identity` is what the token proves. */
  accept(request: IncomingMessage, _socket: Duplex, head: Buffer, address: string, identity: AgentIdentity): void {
    const net = request.socket;
    // Connections without a host token share one budget per address, so reconnecting does not renew it.
    const key = identity.kind === 'host' ? hostKey(identity.hostId) : `address ${limitKey(address)}`;
    const { turns } = this;
    const stream = new PacedStream({ net, head, turns, budget: this.budgets.of(key), now: this.pace.now });
    this.server.handleUpgrade(request, stream, Buffer.alloc(0), (ws) =>
      this.opened(ws, stream, net, address, identity),
    );
  }

  private opened(socket: WebSocket, stream: PacedStream, net: Socket, address: string, identity: AgentIdentity): void {
    const { loop } = this;
    let unregistered: TokenBucket | null = new TokenBucket(UNREGISTERED_LIMITS, this.pace.now());
    const link = new AgentSocket({
      ...{ socket, net, stream, address, identity, loop },
      onRegistered: (hostId) => {
        unregistered = null;
        stream.budget = this.budgets.of(hostKey(hostId));
      },
      onClosing: () => this.limitClosing(link),
      onEnded: () => ended(1005, ''),
    });
    this.links.add(link);
    /**
     * An error here must close one connection, not end the process, and must be logged: Next swallows uncaught errors.
     */
    const guarded = (work: () => void) => {
      // Sent before the agent learned that it is being closed.
      if (stream.isDropped) return;
      this.guarded(link, () => link.handleMessage(work));
    };
    stream.onBytes = (bytes) => {
      if (unregistered === null || unregistered.tryTake(bytes, this.pace.now())) return;
      const maxKiB = UNREGISTERED_LIMITS.burst / 1_024;
      this.guarded(link, () => this.inbox.refused(link, { fault: 'too-many-bytes-before-registering', maxKiB }));
      link.refuse(1009, 'too many bytes before registering');
    };
    stream.afterPiece = () => guarded(() => link.answerPing());
    socket.on('message', (data, isBinary) => guarded(() => this.received(link, data, isBinary)));
    socket.on('ping', (data) =>
      guarded(() => {
        link.notePing(data);
        this.inbox.alive(link);
      }),
    );
    socket.on('pong', () => guarded(() => this.inbox.alive(link)));
    socket.on('error', (error) => {
      if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        const maxMiB = MAX_AGENT_FRAME_BYTES / 1_024 ** 2;
        this.guarded(link, () => this.inbox.fault(link, { fault: 'too-large', maxMiB }));
      }
      this.log.info({ address, problem: error.message }, 'an agent’s socket failed');
      stream.discard();
    });
    let hasEnded = false;
    const ended = (code: number, reason: string) => {
      if (hasEnded) return;
      hasEnded = true;
      link.ended();
      this.guarded(link, () => this.inbox.disconnected(link, code, reason.slice(0, 120)));
    };
    socket.on('close', (code, reason) => {
      this.links.delete(link);
      this.closing.delete(link);
      ended(code, reason.toString());
    });
    this.inbox.connected(link);
  }

  private guarded(link: AgentSocket, work: () => void): void {
    try {
      work();
    } catch (error) {
      const { address } = link;
      this.log.error({ err: error, address }, 'handling a message of an agent failed; the agent was disconnected');
      link.refuse(1011, 'internal error');
    }
  }

  private received(link: AgentSocket, data: WebSocket.RawData, isBinary: boolean): void {
    if (this.isReadable(link, data, isBinary) || link.allowUnreadable()) return;
    this.inbox.refused(link, { fault: 'too-many-unreadable', max: UNREADABLE_LIMITS.burst });
    link.refuse(1008, 'too many unreadable frames');
  }

  private isReadable(link: AgentSocket, data: WebSocket.RawData, isBinary: boolean): boolean {
    if (isBinary) {
      this.inbox.fault(link, { fault: 'binary' });
      return false;
    }
    const { beforeFrame, afterFrame } = this.tuning;
    beforeFrame?.(textOf(data));
    const parsed = parseAgentFrame(bytesOf(data));
    this.inbox.frame(link, parsed);
    afterFrame?.(textOf(data));
    return parsed.kind !== 'malformed';
  }

  /** Evicted connections must not accumulate outside the limits. */
  private limitClosing(link: AgentSocket): void {
    if (this.links.has(link)) this.closing.add(link);
    for (const oldest of this.closing) {
      if (this.closing.size <= MAX_CLOSING) return;
      this.closing.delete(oldest);
      oldest.socket.terminate();
    }
  }

  private armLifeCheck(): void {
    this.cancelLifeCheck = this.loop.after(this.tuning.lifeCheckMs ?? LIFE_CHECK_MS, () => {
      this.armLifeCheck();
      this.checkLife();
    });
  }

  private checkLife(): void {
    const { silenceMs = AGENT_SILENCE_MS, pingIntervalMs = AGENT_PING_INTERVAL_MS } = this.tuning;
    const now = this.loop.now();
    for (const link of this.links) {
      if (link.silentMs >= silenceMs) link.socket.terminate();
      else if (now - link.pingedAt >= pingIntervalMs) {
        link.pingedAt = now;
        link.ping();
      }
    }
  }

  /** Closes every agent's connection; terminates those that do not answer within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.cancelLifeCheck();
    await closeAll(
      [...this.links].map((link) => link.socket),
      graceMs,
    );
  }
}

function hostKey(hostId: string): string {
  return `host ${hostId}`;
}

/** Closes sockets with 1001 (going away), and terminates them after `graceMs`. Resolves when all are closed. */
export async function closeAll(sockets: readonly WebSocket[], graceMs: number): Promise<void> {
  const closed = sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) resolve();
        else socket.once('close', () => resolve());
      }),
  );
  for (const socket of sockets) socket.close(1001, 'the dashboard is stopping');
  const force = setTimeout(() => {
    for (const socket of sockets) socket.terminate();
  }, graceMs);
  await Promise.all(closed);
  clearTimeout(force);
}

/** The text of a message. */
export function textOf(data: WebSocket.RawData): string {
  return bytesOf(data).toString('utf8');
}

/** The bytes of a message, without a copy where ws has them in one piece. */
export function bytesOf(data: WebSocket.RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
