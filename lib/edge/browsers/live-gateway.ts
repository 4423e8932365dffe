/**
 * The browser gateway: sockets of pages, their sessions and limits. `live-feed.ts` decides what they are sent. A browser
 * never slows an agent down.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { bytesOf, closeAll } from '../agents/agent-gateway';
import { BEAT_MS, Browser, STUCK_MS } from './browser-socket';
import { MAX_MESSAGE_BYTES, parseClientMessage } from './client-message';
import { CATCH_UP_INTERVAL_MS, LiveFeed, type LiveFeedOptions } from './live-feed';
import { FairTurns } from '../links/fair-turns';
import { LinkBudget } from '../links/link-budget';
import { PacedStream, type Pace } from '../links/paced-stream';
import { operatorActor } from '@/lib/fleet/may';
import type { FleetLog, LoopTime } from '@/lib/fleet/records/environment';
import type { LiveSource } from '@/lib/fleet/records/publisher';
import { LIVE_CLOSE } from '@/lib/protocol/live/close-codes';
import type { LimitUse } from '@/lib/limits/limit-use';
import type { LiveClientMessage } from '@/lib/protocol/live/from-browser';

export const BROWSER_PING_INTERVAL_MS = 25_000;
export const BROWSER_SILENCE_MS = 60_000;
export const SESSION_CHECK_INTERVAL_MS = 30_000;
export const MAX_BROWSERS = 512;
export const MAX_BROWSERS_PER_SESSION = 24;
/** Number of addresses listed in the limits, those with the most open pages first. */
const NAMED_ADDRESSES = 5;
/** Messages of a browser in ten seconds; a page sends a handful. */
export const MAX_MESSAGES = 400;
export const MESSAGE_WINDOW_MS = 10_000;
/**
 * How fast one browser is read. A message costs microseconds, except a request for a snapshot or a page of output:
 * about ten milliseconds on a large fleet.
 */
const BROWSER_PACE: Pace = {
  limits: { bytes: { burst: 256 * 1024, perSecond: 64 * 1024 }, workMs: { burst: 1_000, perSecond: 200 } },
  now: () => performance.now(),
};
/** A closed page that does not answer is terminated after this long. */
const CLOSE_TIMEOUT_MS = 5_000;
/** `closeTimeout` is not in the types of ws yet. */
const SOCKETS = {
  noServer: true,
  maxPayload: MAX_MESSAGE_BYTES,
  perMessageDeflate: false,
  clientTracking: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

/** The session of a page. */
export interface LiveSession {
  idHash: string;
  userId: string;
}

/** Set by tests only. */
export interface LiveTuning {
  silenceMs?: number;
  pingIntervalMs?: number;
  stuckMs?: number;
}

export interface LiveOptions extends LiveFeedOptions {
  /** Time between batches, for silence and for full sockets. */
  loop: LoopTime;
  log: FleetLog;
  buildId: string;
  demo: boolean;
  /** False once a session has ended. */
  sessionIsValid: (idHash: string) => Promise<boolean>;
  tuning?: LiveTuning;
}

export class LiveHub {
  /** What the browsers are sent. It publishes the changes of the fleet. */
  readonly feed: LiveFeed;
  private readonly browsers = new Set<Browser>();
  private refused = 0;
  /** In `LoopTime`. */
  private lastBeatAt: number;
  private cancelLifeCheck: () => void = () => undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly turns = new FairTurns();
  private readonly server = new WebSocketServer(SOCKETS);

  constructor(private readonly options: LiveOptions) {
    this.feed = new LiveFeed(options, this.browsers);
    this.lastBeatAt = options.loop.now();
  }

  /** Connects the fleet, which is created after its publisher because each needs the other. */
  start(source: LiveSource): void {
    this.feed.start(source);
    const every = (ms: number, work: () => void) => {
      const timer = setInterval(() => this.guarded(work), ms);
      timer.unref();
      this.timers.push(timer);
    };
    every(CATCH_UP_INTERVAL_MS, () => {
      this.catchUp();
      this.lastBeatAt = this.options.loop.now();
    });
    this.armLifeCheck();
    every(SESSION_CHECK_INTERVAL_MS, () => this.checkSessions());
  }

  get size(): number {
    return this.browsers.size;
  }

  /** Bytes sent to all browsers that they have not read yet. */
  get backlogBytes(): number {
    return [...this.browsers].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);
  }

  /** Time since it last served its browsers (ms of `LoopTime`); it does so every 100 ms. */
  get beatAgeMs(): number {
    return this.options.loop.now() - this.lastBeatAt;
  }

  /** Why no further browser is accepted, or null. */
  refusal(idHash: string): string | null {
    let sameSession = 0;
    for (const browser of this.browsers) if (browser.idHash === idHash) sameSession += 1;
    if (this.browsers.size < MAX_BROWSERS && sameSession < MAX_BROWSERS_PER_SESSION) return null;
    this.refused += 1;
    return sameSession >= MAX_BROWSERS_PER_SESSION
      ? 'too many pages are open in this session'
      : 'too many pages are open';
  }

  /** Use of the limit on open pages, with the addresses that use most. */
  limits(): LimitUse[] {
    const addresses = new Map<string, number>();
    for (const { address } of this.browsers) addresses.set(address, (addresses.get(address) ?? 0) + 1);
    const by = [...addresses]
      .map(([who, count]) => ({ who, count }))
      .sort((one, other) => other.count - one.count)
      .slice(0, NAMED_ADDRESSES);
    const { size: used } = this.browsers;
    return [{ id: 'browsers', label: 'Open pages', used, max: MAX_BROWSERS, refused: this.refused, by }];
  }

  /** Whether the user of a session may see the fleet: its notices, desired state and flake updates name no single host. */
  admits(session: LiveSession): boolean {
    return this.options.may(operatorActor(session), 'view', null);
  }

  /** Accepts an upgrade whose session and origin are valid. */
  accept(request: IncomingMessage, _socket: Duplex, head: Buffer, session: LiveSession, address: string): void {
    const net = request.socket;
    const { turns } = this;
    const { now, limits } = BROWSER_PACE;
    const stream = new PacedStream({ net, head, turns, budget: new LinkBudget(limits, now()), now });
    this.server.handleUpgrade(request, stream, Buffer.alloc(0), (ws) => this.opened(ws, stream, net, session, address));
  }

  /** Closes every socket of a session that has ended. */
  closeSession(idHash: string): void {
    for (const browser of this.browsers) {
      if (browser.idHash === idHash) browser.socket.close(LIVE_CLOSE.SIGNED_OUT, 'signed out');
    }
  }

  async stop(graceMs: number): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.cancelLifeCheck();
    this.feed.stop();
    for (const browser of this.browsers) browser.send({ t: 'goodbye', reason: 'The dashboard is restarting.' });
    await closeAll(
      [...this.browsers].map((browser) => browser.socket),
      graceMs,
    );
  }

  private opened(socket: WebSocket, stream: PacedStream, net: Socket, session: LiveSession, address: string): void {
    const { turns } = this;
    const { idHash } = session;
    const actor = operatorActor(session);
    const browser = new Browser({
      ...{ socket, stream: net, idHash, actor, address, turns },
      sees: this.feed.seesOf(actor),
      source: this.feed.source,
      loop: this.options.loop,
      isPaused: () => stream.isHeld,
      guarded: (work) => void this.guardedLater(work),
      onMissingOutput: (commandId) => this.feed.unwatch(browser, commandId),
    });
    this.browsers.add(browser);
    socket.on('message', (data, isBinary) => {
      // Sent before the browser learned that it is being closed.
      if (!browser.isOpen || stream.isDropped) return;
      const message = isBinary ? null : parseClientMessage(bytesOf(data));
      if (message && browser.allowMessage(MAX_MESSAGES, MESSAGE_WINDOW_MS)) {
        this.guarded(() => this.onMessage(browser, message));
        return;
      }
      socket.close(LIVE_CLOSE.BAD_MESSAGE, 'invalid message');
      stream.discard();
    });
    socket.on('error', (error) => {
      this.options.log.info({ problem: error.message }, 'a browser’s socket failed');
      stream.discard();
    });
    socket.on('close', () => {
      this.browsers.delete(browser);
      for (const commandId of browser.watching()) this.feed.unwatch(browser, commandId);
    });
    const { buildId, demo } = this.options;
    browser.send({ t: 'hello', buildId, serverTime: Date.now(), demo, beatMs: BEAT_MS });
  }

  private onMessage(browser: Browser, message: LiveClientMessage): void {
    switch (message.t) {
      case 'hello':
        this.feed.resume(browser, message.epoch, message.version);
        return;
      case 'resync':
        this.feed.sendSnapshot(browser);
        return;
      case 'watch':
        this.feed.watch(browser, message.commandId, message.after);
        return;
      case 'unwatch':
        this.feed.unwatch(browser, message.commandId);
        return;
      case 'ping':
        browser.send({ t: 'pong', serverTime: Date.now() });
    }
  }

  private catchUp(): void {
    for (const browser of this.browsers) {
      if (browser.isStuck(this.options.tuning?.stuckMs ?? STUCK_MS)) {
        browser.socket.terminate();
        continue;
      }
      if (!browser.hasRoom) continue;
      this.feed.catchUp(browser);
      browser.resumeOutputs();
      browser.beat();
    }
  }

  private armLifeCheck(): void {
    this.cancelLifeCheck = this.options.loop.after(
      this.options.tuning?.pingIntervalMs ?? BROWSER_PING_INTERVAL_MS,
      () => {
        this.armLifeCheck();
        this.guarded(() => this.checkLife());
      },
    );
  }

  private checkLife(): void {
    for (const browser of this.browsers) {
      if (browser.silentMs > (this.options.tuning?.silenceMs ?? BROWSER_SILENCE_MS)) browser.socket.terminate();
      else browser.socket.ping();
    }
  }

  private checkSessions(): void {
    for (const idHash of new Set([...this.browsers].map((browser) => browser.idHash))) {
      this.options.sessionIsValid(idHash).then(
        (isValid) => {
          if (!isValid) this.closeSession(idHash);
        },
        (error: unknown) => this.options.log.error({ err: error }, 'a session could not be looked up'),
      );
    }
  }

  /** An error here must be logged, and end nothing but the current work. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.log.error({ err: error }, 'sending to the browsers failed');
    }
  }

  private async guardedLater(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.options.log.error({ err: error }, 'could not read data for a browser');
    }
  }
}
