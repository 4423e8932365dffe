/**
 * The browser gateway. Changes are collected into numbered batches: sent at once on a quiet fleet, at a bounded rate
 * under load. A browser that does not keep up gets merged, fresher batches later. It never slows an agent down, and
 * nothing queues without bound: what it missed is read from the ring of batches, the fleet or the database.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { jsonExcess, type JsonLimits } from '@/lib/protocol/json-limits';
import type { FlakeUpdates } from '@/lib/fleet/records/flake-update-port';
import { bytesOf, closeAll } from '../agents/agent-gateway';
import { BEAT_MS, Browser, MAX_WATCHES, STUCK_MS } from './browser-socket';
import { mergeChanges } from './pending-changes';
import { FairTurns } from '../links/fair-turns';
import { LinkBudget } from '../links/link-budget';
import { PacedStream, type Pace } from '../links/paced-stream';
import { operatorActor, type Actor, type May } from '@/lib/fleet/may';
import type { Clock, FleetLog, LoopTime } from '@/lib/fleet/records/environment';
import type { LiveSource, OtherChanges, Publisher } from '@/lib/fleet/records/publisher';
import { visibleChanges, visibleFleet, type Sees } from '@/lib/fleet/visible';
import { LIVE_CLOSE } from '@/lib/protocol/live/close-codes';
import type { FleetChanges, HostPatch } from '@/lib/protocol/live/changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { LimitUse } from '@/lib/limits/limit-use';
import { type LiveClientMessage, liveClientSchema } from '@/lib/protocol/live/from-browser';

/** Minimum time between two batches. */
export const BATCH_INTERVAL_MS = 50;
/** Batches kept for browsers that reconnect or fall behind. */
export const RING_BATCHES = 256;
/** Interval at which lagging browsers and outputs are served. */
export const CATCH_UP_INTERVAL_MS = 100;
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
/** The largest that a page sends is some 150 bytes in one level. */
const MAX_MESSAGE_BYTES = 4 * 1024;
const MESSAGE_JSON_LIMITS: JsonLimits = { maxDepth: 4, maxValues: 64 };
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
/** The version of a browser that needs a snapshot: no batch starts from it. */
const OUTDATED = 0;

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

export interface LiveOptions {
  clock: Clock;
  /** Time for silence and full sockets. */
  loop: LoopTime;
  log: FleetLog;
  buildId: string;
  demo: boolean;
  updates: Pick<FlakeUpdates, 'state' | 'subscribe'>;
  /** Who may see which host. */
  may: May;
  /** False once a session has ended. */
  sessionIsValid: (idHash: string) => Promise<boolean>;
  tuning?: LiveTuning;
}

export class LiveHub implements Publisher {
  private source: LiveSource | null = null;
  private version = 1;
  private readonly ring: FleetChanges[] = [];
  private readonly browsers = new Set<Browser>();
  private refused = 0;
  private readonly watchers = new Map<string, Set<Browser>>();
  private pending: FleetChanges[] = [];
  /** Both in `LoopTime`: a wall clock that is set back would delay the next batch. */
  private lastBatchAt = -Infinity;
  private lastBeatAt: number;
  private cancelBatch: (() => void) | null = null;
  private endUpdates: () => void = () => undefined;
  private cancelLifeCheck: () => void = () => undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly turns = new FairTurns();
  private readonly server = new WebSocketServer(SOCKETS);

  constructor(private readonly options: LiveOptions) {
    this.lastBeatAt = options.loop.now();
  }

  /** Connects the fleet, which is created after its publisher because each needs the other. */
  start(source: LiveSource): void {
    this.source = source;
    this.endUpdates = this.options.updates.subscribe(() => this.other({ updates: this.options.updates.state }));
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

  /** What an actor sees of the fleet at the current version: used for the first paint of a page and for snapshots. */
  view(actor: Actor): FleetView {
    const source = this.requireSource();
    const fleet: FleetView = {
      epoch: source.epoch,
      version: this.version,
      hosts: source.hostViews(),
      desired: source.desiredView(),
      updates: this.options.updates.state,
      notices: source.notices(),
      pipelines: source.pipelineViews(),
    };
    return visibleFleet(fleet, this.seesOf(actor));
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
    this.cancelBatch?.();
    this.endUpdates();
    for (const browser of this.browsers) browser.send({ t: 'goodbye', reason: 'The dashboard is restarting.' });
    await closeAll(
      [...this.browsers].map((browser) => browser.socket),
      graceMs,
    );
  }

  // ── published by the fleet ───────────────────────────────────────────────────────────────────────────────────────

  hosts(patches: readonly HostPatch[], removed: readonly string[]): void {
    this.gather({ hosts: [...patches], removed: [...removed] });
  }

  other(change: OtherChanges): void {
    this.gather(change);
  }

  output(commandId: string, lines: readonly OutputLine[]): void {
    for (const browser of this.watchers.get(commandId) ?? []) browser.liveLines(commandId, lines);
  }

  outputDone(commandId: string): void {
    for (const browser of this.watchers.get(commandId) ?? []) browser.ended(commandId);
  }

  private gather(change: Omit<FleetChanges, 'from' | 'version'>): void {
    this.pending.push({ ...change, from: this.version, version: this.version + 1 });
    if (this.cancelBatch) return;
    const wait = Math.max(0, this.lastBatchAt + BATCH_INTERVAL_MS - this.options.loop.now());
    this.cancelBatch = this.options.clock.after(wait, () => this.sendBatch());
  }

  private sendBatch(): void {
    this.cancelBatch = null;
    this.lastBatchAt = this.options.loop.now();
    const batch = mergeChanges(this.pending);
    this.pending = [];
    if (!batch) return;
    batch.from = this.version;
    batch.version = ++this.version;
    this.ring.push(batch);
    if (this.ring.length > RING_BATCHES) this.ring.shift();
    const texts = new Map<string, string>();
    for (const browser of this.browsers) {
      if (browser.version !== batch.from || !browser.hasRoom) continue;
      const { userId } = browser.actor;
      const text = texts.get(userId) ?? this.changesText(batch, browser.actor);
      texts.set(userId, text);
      browser.sendVersion(text, batch.version);
    }
  }

  // ── browsers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private seesOf(actor: Actor): Sees {
    return (hostId) => this.options.may(actor, 'view', hostId);
  }

  private changesText(changes: FleetChanges, actor: Actor): string {
    const source = this.requireSource();
    const seen = visibleChanges(changes, this.seesOf(actor), (pipelineId) => source.pipelineHosts(pipelineId));
    return JSON.stringify({ t: 'changes', ...seen });
  }

  private opened(socket: WebSocket, stream: PacedStream, net: Socket, session: LiveSession, address: string): void {
    const { turns } = this;
    const { idHash } = session;
    const actor = operatorActor(session);
    const browser = new Browser({
      ...{ socket, stream: net, idHash, actor, address, turns },
      sees: this.seesOf(actor),
      source: this.requireSource(),
      loop: this.options.loop,
      isPaused: () => stream.isHeld,
      guarded: (work) => void this.guardedLater(work),
      onMissingOutput: (commandId) => this.unwatch(browser, commandId),
    });
    this.browsers.add(browser);
    socket.on('message', (data, isBinary) => {
      // Sent before the browser learned that it is being closed.
      if (!browser.isOpen || stream.isDropped) return;
      const message = isBinary ? null : parseClient(bytesOf(data));
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
      for (const commandId of browser.watching()) this.unwatch(browser, commandId);
    });
    const { buildId, demo } = this.options;
    browser.send({ t: 'hello', buildId, serverTime: Date.now(), demo, beatMs: BEAT_MS });
  }

  private onMessage(browser: Browser, message: LiveClientMessage): void {
    switch (message.t) {
      case 'hello':
        if (message.epoch === this.requireSource().epoch && message.version !== undefined) {
          browser.version = message.version;
          this.catchUpBrowser(browser);
        } else {
          this.sendSnapshot(browser);
        }
        return;
      case 'resync':
        this.sendSnapshot(browser);
        return;
      case 'watch': {
        if (browser.watching().length >= MAX_WATCHES) {
          browser.send({
            t: 'no-output',
            commandId: message.commandId,
            reason: 'Too many outputs are open on this page.',
          });
          return;
        }
        const watchers = this.watchers.get(message.commandId) ?? new Set();
        this.watchers.set(message.commandId, watchers.add(browser));
        browser.watch(message.commandId, message.after);
        return;
      }
      case 'unwatch':
        this.unwatch(browser, message.commandId);
        return;
      case 'ping':
        browser.send({ t: 'pong', serverTime: Date.now() });
    }
  }

  private unwatch(browser: Browser, commandId: string): void {
    browser.unwatch(commandId);
    const watchers = this.watchers.get(commandId);
    watchers?.delete(browser);
    if (watchers?.size === 0) this.watchers.delete(commandId);
  }

  /**
   * Sends a snapshot, the most expensive message. A browser with unread data, or one that asked a moment ago, gets it
   * with a later catch-up.
   */
  private sendSnapshot(browser: Browser): void {
    const now = performance.now();
    if (!browser.hasRoom || now - browser.snapshotAt < CATCH_UP_INTERVAL_MS) {
      browser.version = OUTDATED;
      return;
    }
    browser.snapshotAt = now;
    const fleet = this.view(browser.actor);
    browser.sendVersion(JSON.stringify({ t: 'snapshot', fleet }), fleet.version);
  }

  /**
   * Sends what a browser has missed since its version: the merged batches, or a snapshot when they are no longer kept.
   */
  private catchUpBrowser(browser: Browser): void {
    if (browser.version === null || browser.version === this.version) return;
    if (!browser.hasRoom) return;
    const from = this.ring.findIndex((batch) => batch.from === browser.version);
    const missed = from < 0 ? null : mergeChanges(this.ring.slice(from));
    if (!missed) {
      this.sendSnapshot(browser);
      return;
    }
    browser.sendVersion(this.changesText(missed, browser.actor), missed.version);
  }

  private catchUp(): void {
    for (const browser of this.browsers) {
      if (browser.isStuck(this.options.tuning?.stuckMs ?? STUCK_MS)) {
        browser.socket.terminate();
        continue;
      }
      if (!browser.hasRoom) continue;
      this.catchUpBrowser(browser);
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

  private requireSource(): LiveSource {
    if (!this.source) throw new Error('the live gateway was used before it was started');
    return this.source;
  }
}

function parseClient(bytes: Buffer): LiveClientMessage | null {
  if (jsonExcess(bytes, MESSAGE_JSON_LIMITS) !== null) return null;
  try {
    return liveClientSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
