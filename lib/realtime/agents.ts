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
import type { AgentIdentity, AgentInbox, FleetLog, LoopTime } from '@/lib/fleet/ports';
import { AGENT_PACE, AgentSocket, UNREADABLE_LIMITS } from './agent-socket';
import { FairTurns } from './fair-turns';
import { PacedReader, type Pace } from './paced-reader';

/** An own ping this often; the reference agent's deadline is 45 s and is not extended by pings, but by our pongs. */
export const AGENT_PING_INTERVAL_MS = 25_000;
/** A link without any byte for this long is dead. */
export const AGENT_SILENCE_MS = 60_000;
/** How exactly these two are kept. */
const LIFE_CHECK_MS = 5_000;
/** A link that was closed and does not answer is cut after this long, and sooner where too many linger. */
const CLOSE_TIMEOUT_MS = 5_000;
const MAX_CLOSING = 1_024;

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
  /** Readers of closed sockets whose last messages are not worked through yet. */
  private readonly ending = new Set<PacedReader>();
  private cancelLifeCheck: () => void = () => undefined;

  /** Production passes no `tuning`. */
  constructor(
    private readonly inbox: AgentInbox,
    private readonly log: FleetLog,
    private readonly loop: LoopTime,
    private readonly tuning: AgentGatewayTuning = {},
  ) {
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
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, address: string, identity: AgentIdentity): void {
    this.server.handleUpgrade(request, socket, head, (ws) => this.opened(ws, request.socket, address, identity));
  }

  private opened(socket: WebSocket, stream: Socket, address: string, identity: AgentIdentity): void {
    const reader = new PacedReader({ socket, stream, turns: this.turns, pace: this.tuning.pace ?? AGENT_PACE });
    const { loop } = this;
    const link = new AgentSocket({
      socket,
      stream,
      address,
      identity,
      reader,
      loop,
      onClosing: () => this.linger(link),
    });
    this.links.add(link);
    /** A fault of ours must cost one connection, not the process, and must not pass unnoticed: Next swallows both. */
    const guarded = (work: () => void) => {
      try {
        work();
      } catch (error) {
        this.log.error({ err: error, address }, 'what an agent sent could not be worked through; it was disconnected');
        reader.discard();
        socket.close(1011, 'an error of the dashboard');
      }
    };
    const take = (work: () => void) => reader.take(() => guarded(() => link.work(work)));
    socket.on('message', (data, isBinary) => take(() => this.received(link, data, isBinary)));
    socket.on('ping', (data) =>
      take(() => {
        link.pong(data);
        this.inbox.alive(link);
      }),
    );
    socket.on('pong', () => take(() => this.inbox.alive(link)));
    socket.on('error', (error) => {
      if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        this.inbox.fault(link, 'A frame of more than 1 MiB was refused and the connection closed.');
      }
      this.log.info({ address, problem: error.message }, 'an agent’s socket failed');
    });
    socket.on('close', (code, reason) => {
      this.links.delete(link);
      this.closing.delete(link);
      link.ended();
      this.ending.add(reader);
      reader.close(() => {
        this.ending.delete(reader);
        guarded(() => this.inbox.disconnected(link, code, reason.toString().slice(0, 120)));
      });
    });
    this.inbox.connected(link);
  }

  private received(link: AgentSocket, data: WebSocket.RawData, isBinary: boolean): void {
    if (this.isReadable(link, data, isBinary) || link.mayBeUnreadable()) return;
    link.reader.discard();
    this.inbox.refused(
      link,
      `The connection was closed: more than ${UNREADABLE_LIMITS.burst} frames could not be read. ` +
        'Look at the agent’s version, and at what else uses its token.',
    );
    link.close(1008, 'too many frames that can not be read');
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
    for (const reader of this.ending) reader.finish();
  }
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
