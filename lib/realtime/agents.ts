/**
 * The agents' gateway: a thin edge between sockets and the fleet. It answers pings, counts any byte as life, drops what
 * is silent or does not read, and hands everything else on as it came (agent protocol 1 and 7.9).
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_AGENT_FRAME_BYTES, type ServerFrame } from '@/lib/protocol/agent';
import type { AgentIdentity, AgentInbox, AgentLink, FleetLog, LoopTime } from '@/lib/fleet/ports';
import { Life, type Transport } from './life';

/** An own ping this often; the reference agent's deadline is 45 s and is not extended by pings, but by our pongs. */
export const AGENT_PING_INTERVAL_MS = 25_000;
/** A link without any byte for this long is dead. */
export const AGENT_SILENCE_MS = 60_000;
/** How exactly these two are kept. */
const LIFE_CHECK_MS = 5_000;
/** What an agent has not read yet; more, and it is dropped. */
export const MAX_AGENT_BACKLOG_BYTES = 4 * 1024 * 1024;
/**
 * Frames a second that are read from one agent, output apart: an honest one sends a few. Beyond them it is not read for
 * the rest of the second, so that it waits and nobody else does. It is never closed for that.
 */
export const FLOOD_FRAMES = 500;
export const FLOOD_WINDOW_MS = 1_000;
/** Output is never slowed: a build that prints waits for whoever reads it. Both kinds of agent begin a frame like this. */
const OUTPUT_FRAME = /^\{"type":"output/;
/** A link that was closed and does not answer is cut after this long, and sooner where too many linger. */
const CLOSE_TIMEOUT_MS = 5_000;
const MAX_CLOSING = 1_024;

/** What tests set. */
export interface AgentGatewayTuning {
  silenceMs?: number;
  pingIntervalMs?: number;
  lifeCheckMs?: number;
  /** Moments at which a test may hold the event loop. */
  beforeFrame?: (text: string) => void;
  afterFrame?: (text: string) => void;
}

/** `closeTimeout` is not in the types of ws yet. */
const SOCKETS = {
  noServer: true,
  maxPayload: MAX_AGENT_FRAME_BYTES,
  perMessageDeflate: false,
  clientTracking: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

class AgentSocket implements AgentLink {
  readonly id = randomUUID();
  pingedAt: number;
  private readonly life: Life;
  private cancelProbe: () => void = () => undefined;
  private windowSince = Date.now();
  private framesInWindow = 0;

  constructor(
    readonly socket: WebSocket,
    readonly address: string,
    readonly identity: AgentIdentity,
    transport: Transport,
    loop: LoopTime,
    private readonly onClosing: () => void,
  ) {
    this.life = new Life(transport, () => socket.isPaused, loop);
    this.pingedAt = loop.now();
  }

  get silentMs(): number {
    return this.life.silentMs();
  }

  probe(ms: number, done: (isAlive: boolean) => void): void {
    this.cancelProbe();
    this.cancelProbe = this.life.probe(ms, () => this.ping(), done);
  }

  /** The socket is closed: nobody waits for it any more. */
  ended(): void {
    this.cancelProbe();
  }

  /** Counts a frame; one too many in its second, and nothing more is read until the second is over. */
  countFrame(text: string): void {
    if (OUTPUT_FRAME.test(text)) return;
    const now = Date.now();
    const age = now - this.windowSince;
    // Not negative: the clock may have been put back.
    if (age >= FLOOD_WINDOW_MS || age < 0) {
      this.windowSince = now;
      this.framesInWindow = 0;
    }
    this.framesInWindow += 1;
    if (this.framesInWindow < FLOOD_FRAMES || this.socket.isPaused) return;
    this.socket.pause();
    const floodTimer = setTimeout(() => this.socket.resume(), FLOOD_WINDOW_MS - Math.max(age, 0));
    floodTimer.unref();
  }

  send(frame: ServerFrame): boolean {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    if (this.socket.bufferedAmount > MAX_AGENT_BACKLOG_BYTES) {
      this.socket.terminate();
      return false;
    }
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  ping(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason.slice(0, 120));
    this.onClosing();
  }
}

export class AgentGateway {
  private readonly server = new WebSocketServer(SOCKETS);
  /** Those that the dashboard has closed and that still have a socket, oldest first. */
  private readonly closing = new Set<AgentSocket>();
  private readonly links = new Set<AgentSocket>();
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

  private opened(socket: WebSocket, transport: Transport, address: string, identity: AgentIdentity): void {
    const link = new AgentSocket(socket, address, identity, transport, this.loop, () => this.linger(link));
    this.links.add(link);
    /** A fault of ours must cost one connection, not the process, and must not pass unnoticed: Next swallows both. */
    const guarded = (work: () => void) => {
      try {
        work();
      } catch (error) {
        this.log.error({ err: error, address }, 'what an agent sent could not be worked through; it was disconnected');
        socket.close(1011, 'an error of the dashboard');
      }
    };
    const alive = () => guarded(() => this.inbox.alive(link));
    socket.on('message', (data, isBinary) => {
      guarded(() => {
        if (isBinary) {
          link.countFrame('');
          this.inbox.fault(link, 'A binary frame was ignored: the protocol has text frames only.');
          return;
        }
        const text = textOf(data);
        link.countFrame(text);
        this.tuning.beforeFrame?.(text);
        this.inbox.frame(link, text);
        this.tuning.afterFrame?.(text);
      });
    });
    socket.on('ping', alive);
    socket.on('pong', alive);
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
      guarded(() => this.inbox.disconnected(link, code, reason.toString().slice(0, 120)));
    });
    this.inbox.connected(link);
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

/** The text of a message. ws gives a Buffer for every unfragmented or assembled message. */
export function textOf(data: WebSocket.RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.from(data).toString('utf8');
}
