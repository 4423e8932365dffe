/** The WebSocket of a simulated agent: connects, pings, detects a dead link and reconnects (docs/protocol.md, "Every connection"). */
import { WebSocket } from 'ws';
import type { Random } from './random';
import { parseServerFrame } from '@/lib/protocol/agent/parse-server-frame';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const PING_INTERVAL_MS = 10_000;
export const SILENCE_TIMEOUT_MS = 45_000;
export const FIRST_REDIAL_MS = 1_000;
export const MAX_REDIAL_MS = 60_000;
/** With more than this in the socket's buffer, output waits. */
const CONGESTED_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;

export interface SimulatedConnectionOptions {
  url: string;
  token: string;
  userAgent: string;
  random: Random;
  /** False for the Go agent: no random factor, and every opened connection resets the back-off. */
  jitter: boolean;
  /** The delay before the first reconnect, in milliseconds; it doubles up to 60 times itself. */
  firstRedialMs: number;
  onOpen: () => void;
  onFrame: (frame: ReceivedServerFrame) => void;
  onRefused: (status: number) => void;
  onClosed: (code: number) => void;
  /** The buffer has drained. */
  onDrain: () => void;
}

/** Milliseconds before reconnect `attempt` (0: the first after a loss). */
export function redialMs(
  attempt: number,
  { firstRedialMs, jitter, random }: Pick<SimulatedConnectionOptions, 'firstRedialMs' | 'jitter' | 'random'>,
): number {
  const full = Math.min(firstRedialMs * (MAX_REDIAL_MS / FIRST_REDIAL_MS), firstRedialMs * 2 ** Math.min(attempt, 16));
  return Math.round(full * (jitter ? 0.5 + random() / 2 : 1));
}

export class SimulatedConnection {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private redial: NodeJS.Timeout | null = null;
  /** Whether it reconnects after a loss. */
  private redials = false;

  constructor(private readonly options: SimulatedConnectionOptions) {}

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  get isCongested(): boolean {
    return (this.socket?.bufferedAmount ?? 0) >= CONGESTED_BYTES;
  }

  /** Connects now, unless it is connected or connecting already. */
  dial(): void {
    this.redials = true;
    this.stopRedial();
    if (this.socket !== null) return;
    const { url, token, userAgent } = this.options;
    const socket = new WebSocket(url, {
      headers: { Authorization: `Bearer ${token}`, 'User-Agent': userAgent },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      followRedirects: false,
      maxPayload: MAX_AGENT_FRAME_BYTES,
    });
    this.socket = socket;
    const silence = setTimeout(() => socket.terminate(), SILENCE_TIMEOUT_MS);
    const alive = () => void silence.refresh();
    const pings = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, PING_INTERVAL_MS);
    socket.on('open', () => {
      if (!this.options.jitter) this.attempt = 0;
      this.options.onOpen();
    });
    socket.on('ping', alive);
    socket.on('pong', alive);
    socket.on('message', (data, isBinary) => {
      alive();
      if (!isBinary && Buffer.isBuffer(data)) this.received(data);
    });
    socket.on('unexpected-response', (_request, response) => {
      this.options.onRefused(response.statusCode ?? 0);
      socket.terminate();
    });
    // 'close' or 'unexpected-response' gives the reason.
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      clearTimeout(silence);
      clearInterval(pings);
      this.socket = null;
      this.options.onClosed(code);
      this.redialLater();
    });
  }

  /** The next reconnect uses the first delay again. */
  resetBackOff(): void {
    this.attempt = 0;
  }

  /** Sends a frame; false without an open connection. */
  send(frame: AgentFrameInput): boolean {
    return this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): boolean {
    const { socket } = this;
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(text, () => {
      if (socket === this.socket && !this.isCongested) this.options.onDrain();
    });
    return true;
  }

  /** Breaks the connection as a network does (1006). `redial`: whether to reconnect after the usual back-off. */
  drop(redial: boolean): void {
    this.redials = redial;
    if (!redial) this.stopRedial();
    this.socket?.terminate();
  }

  /** Breaks the connection without a reconnect. Resolves when it is closed. */
  async dropAndWait(): Promise<void> {
    const closed = this.whenClosed();
    this.drop(false);
    await closed;
  }

  /** Closes with 1000 "shutdown", without a reconnect. Resolves when the connection is closed. */
  async close(): Promise<void> {
    this.redials = false;
    this.stopRedial();
    const { socket } = this;
    if (socket === null) return;
    const closed = this.whenClosed();
    if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
    else socket.close(1000, 'shutdown');
    const force = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    await closed;
    clearTimeout(force);
  }

  private async whenClosed(): Promise<void> {
    const { socket } = this;
    if (socket !== null) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  }

  private stopRedial(): void {
    if (this.redial !== null) clearTimeout(this.redial);
    this.redial = null;
  }

  private redialLater(): void {
    if (!this.redials) return;
    const pauseMs = redialMs(this.attempt, this.options);
    this.attempt += 1;
    this.redial = setTimeout(() => this.dial(), pauseMs);
  }

  private received(data: Buffer): void {
    // Unknown types and malformed frames are ignored, as every agent does.
    const parsed = parseServerFrame(data);
    if (parsed.kind === 'frame') this.options.onFrame(parsed.frame);
  }
}
