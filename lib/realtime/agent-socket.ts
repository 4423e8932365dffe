/** One agent's socket: what is sent to it, how much of that it has not read, and how much of what it sends is read. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { ServerFrame } from '@/lib/protocol/agent';
import type { AgentIdentity, AgentLink } from '@/lib/fleet/ports';

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
export class AgentSocket implements AgentLink {
  readonly id = randomUUID();
  aliveAt = Date.now();
  pingedAt = Date.now();
  private windowSince = Date.now();
  private framesInWindow = 0;

  constructor(
    readonly socket: WebSocket,
    readonly address: string,
    readonly identity: AgentIdentity,
  ) {}

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
  }
}
