/** One simulated agent's WebSocket: dials, pings, watches for life, dials again (docs/protocol.md, "Every connection"). */
import { WebSocket } from 'ws';
import type { Random } from './random';
import { parseServerFrame } from '@/lib/protocol/agent/parse-server-frame';
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const PING_INTERVAL_MS = 10_000;
export const SILENCE_MS = 45_000;
export const FIRST_REDIAL_MS = 1_000;
export const MAX_REDIAL_MS = 60_000;
/** More than this in the socket's buffer, and output waits. */
const CONGESTED_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;

export interface AgentSocketOptions {
  url: string;
  token: string;
  userAgent: string;
  random: Random;
  /** False as the Go agent: no random factor, and any connection that opened counts as good. */
  jitter: boolean;
  /** The pause before the first new dial, in milliseconds; doubles to 60 times itself. */
  firstRedialMs: number;
  onOpen: () => void;
  onFrame: (frame: ReceivedServerFrame) => void;
  onRefused: (status: number) => void;
  onClosed: (code: number) => void;
  /** The buffer has room again. */
  onDrain: () => void;
}

/** The pause before dial `attempt` (0: the first after a loss). */
export function redialMs(
  attempt: number,
  { firstRedialMs, jitter, random }: Pick<AgentSocketOptions, 'firstRedialMs' | 'jitter' | 'random'>,
): number {
  const full = Math.min(firstRedialMs * (MAX_REDIAL_MS / FIRST_REDIAL_MS), firstRedialMs * 2 ** Math.min(attempt, 16));
  return Math.round(full * (jitter ? 0.5 + random() / 2 : 1));
}

export class AgentSocket {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private redial: NodeJS.Timeout | null = null;
  /** Says whether a lost connection is dialled again. */
  private wanted = false;

  constructor(private readonly options: AgentSocketOptions) {}

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  get isCongested(): boolean {
    return (this.socket?.bufferedAmount ?? 0) >= CONGESTED_BYTES;
  }

  /** Dials now, unless there is a connection already or one is being made. */
  dial(): void {
    this.wanted = true;
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
    const silence = setTimeout(() => socket.terminate(), SILENCE_MS);
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
    // The reason is told by 'close' or 'unexpected-response'.
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      clearTimeout(silence);
      clearInterval(pings);
      this.socket = null;
      this.options.onClosed(code);
      this.again();
    });
  }

  /** The connection is a good one: the next pause is the first again. */
  settled(): void {
    this.attempt = 0;
  }

  /** Sends a frame; false when there is no open connection. */
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

  /** Breaks the connection as a network does (1006). `redial`: whether to dial again by the usual back-off. */
  drop(redial: boolean): void {
    this.wanted = redial;
    if (!redial) this.stopRedial();
    this.socket?.terminate();
  }

  /** As `drop` without a new dial. Resolves when the connection is gone. */
  async breakOff(): Promise<void> {
    const closed = this.whenClosed();
    this.drop(false);
    await closed;
  }

  /** Closes with 1000 "shutdown" and stays away until it is told to dial. Resolves when the connection is gone. */
  async hangUp(): Promise<void> {
    this.wanted = false;
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

  private again(): void {
    if (!this.wanted) return;
    const pauseMs = redialMs(this.attempt, this.options);
    this.attempt += 1;
    this.redial = setTimeout(() => this.dial(), pauseMs);
  }

  private received(data: Buffer): void {
    // Unknown types and frames that don't parse are ignored, as every agent does.
    const parsed = parseServerFrame(data);
    if (parsed.kind === 'frame') this.options.onFrame(parsed.frame);
  }
}
