/**
 * The agents' gateway: a thin edge between sockets and the fleet. It answers pings, counts any byte as life, drops what
 * is silent or does not read, slows down what sends too much, ends what sends nothing that can be read, and hands
 * everything else on as it came (agent protocol 1 and 7.9).
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent-limits';
import { limitKey } from '@/lib/limits/address-key';
import { AGENT_PACE, AgentSocket, UNREADABLE_LIMITS } from './agent-socket';
import { FairTurns } from '../links/fair-turns';
import { LinkBudgets, TokenBucket, type BucketLimits } from '../links/link-budget';
import { PacedStream, type Pace } from '../links/paced-stream';
import type { AgentIdentity, AgentInbox } from '@/lib/fleet/records/agent-port';
import type { FleetLog, LoopTime } from '@/lib/fleet/records/environment';

/** An own ping this often; the reference agent's deadline is 45 s and is not extended by pings, but by our pongs. */
export const AGENT_PING_INTERVAL_MS = 25_000;
/** A link without any byte for this long is dead. */
export const AGENT_SILENCE_MS = 60_000;
/** How exactly these two are kept. */
const LIFE_CHECK_MS = 5_000;
/** A link that was closed and does not answer is cut after this long, and sooner where too many linger. */
const CLOSE_TIMEOUT_MS = 5_000;
const MAX_CLOSING = 1_024;
/**
 * Bytes of a link that has not registered, or whose register frame was not answered yet: it has one frame to send, of a
 * few KiB. What comes back is for the pings of one that waits for the operator.
 */
export const UNREGISTERED_LIMITS: BucketLimits = { burst: 64 * 1024, perSecond: 64 };

/** What tests set. */
export interface AgentGatewayTuning {
  silenceMs?: number;
  pingIntervalMs?: number;
  lifeCheckMs?: number;
  pace?: Pace;
  /** Moments at which a test may hold the event loop. */
  beforeFrame?: (text: string) => void;
  afterFrame?: (text: string) => void;
}

/** `closeTimeout` is not in the types of ws yet. */
const SOCKETS = {
  noServer: true,
  maxPayload: MAX_AGENT_FRAME_BYTES,
  // Pings are answered in their turn: a flood of them is work as any other, and ws drops a peer after 60 in one chunk.
  autoPong: false,
  perMessageDeflate: false,
  clientTracking: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

export class AgentGateway {
  private readonly server = new WebSocketServer(SOCKETS);
  /** Those that the dashboard has closed and that still have a socket, oldest first. */
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

  /** Bytes that wait to be taken by agents, all together. */
  get backlogBytes(): number {
    return [...this.links].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);
  }

  /** Takes over a request whose token was found right: `identity` is what it proved. */
  accept(request: IncomingMessage, _socket: Duplex, head: Buffer, address: string, identity: AgentIdentity): void {
    const net = request.socket;
    // Links that nobody is known for share what their address may use, however often they dial.
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
      onClosing: () => this.linger(link),
      onEnded: () => ended(1005, ''),
    });
    this.links.add(link);
    /** A fault of ours must cost one connection, not the process, and must not pass unnoticed: Next swallows both. */
    const guarded = (work: () => void) => {
      // What was sent before it heard that it is being closed for what it sent.
      if (stream.isDropped) return;
      this.guarded(link, () => link.work(work));
    };
    stream.onBytes = (bytes) => {
      if (unregistered === null || unregistered.tryTake(bytes, this.pace.now())) return;
      this.guarded(link, () =>
        this.inbox.refused(link, 'The connection was closed: it sent more than 64 KiB and was not registered.'),
      );
      link.refuse(1009, 'too much before it was registered');
    };
    stream.afterPiece = () => guarded(() => link.answerPing());
    socket.on('message', (data, isBinary) => guarded(() => this.received(link, data, isBinary)));
    socket.on('ping', (data) =>
      guarded(() => {
        link.takePing(data);
        this.inbox.alive(link);
      }),
    );
    socket.on('pong', () => guarded(() => this.inbox.alive(link)));
    socket.on('error', (error) => {
      if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        this.guarded(link, () =>
          this.inbox.fault(link, 'A frame of more than 1 MiB was refused and the connection closed.'),
        );
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
      this.log.error({ err: error, address }, 'what an agent sent could not be worked through; it was disconnected');
      link.refuse(1011, 'an error of the dashboard');
    }
  }

  private received(link: AgentSocket, data: WebSocket.RawData, isBinary: boolean): void {
    if (this.isReadable(link, data, isBinary) || link.mayBeUnreadable()) return;
    this.inbox.refused(
      link,
      `The connection was closed: more than ${UNREADABLE_LIMITS.burst} frames could not be read. ` +
        'Look at the agent’s version, and at what else uses its token.',
    );
    link.refuse(1008, 'too many frames that can not be read');
  }

  private isReadable(link: AgentSocket, data: WebSocket.RawData, isBinary: boolean): boolean {
    if (isBinary) {
      this.inbox.fault(link, 'A binary frame was ignored: the protocol has text frames only.');
      return false;
    }
    const { beforeFrame, afterFrame } = this.tuning;
    beforeFrame?.(textOf(data));
    const isReadable = this.inbox.frame(link, bytesOf(data));
    afterFrame?.(textOf(data));
    return isReadable;
  }

  /** Connections that make room for others must not pile up behind the limits instead. */
  private linger(link: AgentSocket): void {
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

  /** Says goodbye to every agent; those that do not answer within `graceMs` are cut off. */
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

/** Closes sockets with 1001 (going away), and by force after `graceMs`. Ends when all are closed. */
export async function closeAll(sockets: readonly WebSocket[], graceMs: number): Promise<void> {
  const closed = sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) resolve();
        else socket.once('close', () => resolve());
      }),
  );
  for (const socket of sockets) socket.close(1001, 'the dashboard stops');
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
