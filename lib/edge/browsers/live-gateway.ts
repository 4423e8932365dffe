/**
 * The browsers' gateway. Changes are gathered into numbered batches: at once on a quiet fleet, at a bounded rate under
 * load. A browser that does not keep up gets merged, fresher batches later; it never slows an agent down and nothing
 * queues without bound, for what it missed is read from the ring of batches, the fleet or the database.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import {
  LIVE_CLOSE,
  type FleetChanges,
  type FleetView,
  type HostPatch,
  type LiveClientMessage,
  type OutputLine,
} from '@/lib/protocol/live';
import { jsonExcess, type JsonLimits } from '@/lib/protocol/json-limits';
import type { LimitUse } from '@/lib/protocol/limit-use';
import { liveClientSchema } from '@/lib/protocol/live-client';
import type { FlakeUpdates } from '@/lib/fleet/records/flake-update-port';
import { bytesOf, closeAll } from '../agents/agent-gateway';
import { Browser, MAX_WATCHES, STUCK_MS } from './browser-socket';
import { mergeChanges } from './changes';
import { FairTurns } from '../links/fair-turns';
import { LinkBudget } from '../links/link-budget';
import { PacedStream, type Pace } from '../links/paced-stream';
import type { Clock, FleetLog, LoopTime } from '@/lib/fleet/records/environment';
import type { LiveSource, OtherChanges, Publisher } from '@/lib/fleet/records/publisher';

/** Between two batches while changes keep coming. */
export const BATCH_INTERVAL_MS = 50;
/** Batches that are kept for browsers that come back or fell behind. */
export const RING_BATCHES = 256;
/** Browsers that lag and output that has to catch up are looked at this often. */
export const CATCH_UP_INTERVAL_MS = 100;
export const BROWSER_PING_INTERVAL_MS = 25_000;
export const BROWSER_SILENCE_MS = 60_000;
export const SESSION_CHECK_INTERVAL_MS = 30_000;
export const MAX_BROWSERS = 512;
export const MAX_BROWSERS_PER_SESSION = 24;
/** Addresses with the most open pages that are named where limits are shown. */
const NAMED_ADDRESSES = 5;
/** Messages of a browser in ten seconds; a page sends a handful. */
export const MAX_MESSAGES = 400;
export const MESSAGE_WINDOW_MS = 10_000;
/** The largest that a page sends is some 150 bytes in one level. */
const MAX_MESSAGE_BYTES = 4 * 1024;
const MESSAGE_JSON_LIMITS: JsonLimits = { maxDepth: 4, maxValues: 64 };
/**
 * What is read of one browser. A message costs microseconds, apart from those that ask for a snapshot of the whole fleet
 * or a page of output: some ten milliseconds on a large one.
 */
const BROWSER_PACE: Pace = {
  limits: { bytes: { burst: 256 * 1024, perSecond: 64 * 1024 }, workMs: { burst: 1_000, perSecond: 200 } },
  now: () => performance.now(),
};
/** A page that was closed and does not answer is cut after this long. */
const CLOSE_TIMEOUT_MS = 5_000;
/** `closeTimeout` is not in the types of ws yet. */
const SOCKETS = {
  noServer: true,
  maxPayload: MAX_MESSAGE_BYTES,
  perMessageDeflate: false,
  clientTracking: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
};
/** The version of a browser that needs everything: no batch goes on from it. */
const OUTDATED = 0;

/** What tests set. */
export interface LiveTuning {
  silenceMs?: number;
  pingIntervalMs?: number;
  stuckMs?: number;
}

export interface LiveOptions {
  clock: Clock;
  /** What silence and a full socket are measured in. */
  loop: LoopTime;
  log: FleetLog;
  buildId: string;
  demo: boolean;
  updates: Pick<FlakeUpdates, 'state' | 'subscribe'>;
  /** False once a session has ended. */
  sessionIsValid: (idHash: string) => boolean;
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
  /** Both in `LoopTime`: a wall clock that is put back would hold the next batch back as long. */
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

  /** The fleet comes after its publisher: each needs the other. */
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

  /** Bytes that wait to be taken by browsers, all together. */
  get backlogBytes(): number {
    return [...this.browsers].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);
  }

  /** How long ago it looked after its browsers (ms of `LoopTime`): every 100 ms while it does its work. */
  get beatAgeMs(): number {
    return this.options.loop.now() - this.lastBeatAt;
  }

  /** Why no further browser is taken, or null. */
  refusal(idHash: string): string | null {
    let own = 0;
    for (const browser of this.browsers) if (browser.idHash === idHash) own += 1;
    if (this.browsers.size < MAX_BROWSERS && own < MAX_BROWSERS_PER_SESSION) return null;
    this.refused += 1;
    return own >= MAX_BROWSERS_PER_SESSION ? 'too many pages are open in this session' : 'too many pages are open';
  }

  /** How much of the bound on open pages is in use, and from where. */
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

  /** The fleet at the present version: what a page is painted from and what a snapshot carries. */
  view(): FleetView {
    const source = this.required();
    return {
      epoch: source.epoch,
      version: this.version,
      hosts: source.hostViews(),
      desired: source.desiredView(),
      updates: this.options.updates.state,
      notices: source.notices(),
      pipelines: source.pipelineViews(),
    };
  }

  /** Takes over a request whose session and origin were found right. */
  accept(request: IncomingMessage, _socket: Duplex, head: Buffer, idHash: string, address: string): void {
    const net = request.socket;
    const { turns } = this;
    const { now, limits } = BROWSER_PACE;
    const stream = new PacedStream({ net, head, turns, budget: new LinkBudget(limits, now()), now });
    this.server.handleUpgrade(request, stream, Buffer.alloc(0), (ws) => this.opened(ws, stream, net, idHash, address));
  }

  /** Ends every socket of a session that has ended. */
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
    for (const browser of this.browsers) browser.send({ t: 'goodbye', reason: 'The dashboard restarts.' });
    await closeAll(
      [...this.browsers].map((browser) => browser.socket),
      graceMs,
    );
  }

  // ── what the fleet publishes ──────────────────────────────────────────────────────────────────────────────────────

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
    const text = JSON.stringify({ t: 'changes', ...batch });
    for (const browser of this.browsers) {
      if (browser.version === batch.from && browser.hasRoom) browser.sendVersion(text, batch.version);
    }
  }

  // ── browsers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private opened(socket: WebSocket, stream: PacedStream, net: Socket, idHash: string, address: string): void {
    const { turns } = this;
    const browser = new Browser({
      ...{ socket, stream: net, idHash, address, turns },
      source: this.required(),
      loop: this.options.loop,
      isPaused: () => stream.isHeld,
      guarded: (work) => this.guarded(work),
      missing: (commandId) => this.unwatch(browser, commandId),
    });
    this.browsers.add(browser);
    socket.on('message', (data, isBinary) => {
      // What was sent before it heard that it is being closed.
      if (!browser.isOpen || stream.isDropped) return;
      const message = isBinary ? null : parseClient(bytesOf(data));
      if (message && browser.mayAsk(MAX_MESSAGES, MESSAGE_WINDOW_MS)) {
        this.guarded(() => this.onMessage(browser, message));
        return;
      }
      socket.close(LIVE_CLOSE.BAD_MESSAGE, 'not of the protocol');
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
    browser.send({ t: 'hello', buildId: this.options.buildId, serverTime: Date.now(), demo: this.options.demo });
  }

  private onMessage(browser: Browser, message: LiveClientMessage): void {
    switch (message.t) {
      case 'hello':
        if (message.epoch === this.required().epoch && message.version !== undefined) {
          browser.version = message.version;
          this.bringUp(browser);
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
            reason: 'Too many outputs are open in this page.',
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
   * Sends everything; to a browser that has not read what it was sent, when it has; to one that asks again at once, with
   * the next catching up, for it is the most expensive message there is.
   */
  private sendSnapshot(browser: Browser): void {
    const now = performance.now();
    if (!browser.hasRoom || now - browser.snapshotAt < CATCH_UP_INTERVAL_MS) {
      browser.version = OUTDATED;
      return;
    }
    browser.snapshotAt = now;
    const fleet = this.view();
    browser.sendVersion(JSON.stringify({ t: 'snapshot', fleet }), fleet.version);
  }

  /** Sends what a browser has missed since its version: the batches as one, or everything when they are gone. */
  private bringUp(browser: Browser): void {
    if (browser.version === null || browser.version === this.version) return;
    if (!browser.hasRoom) return;
    const from = this.ring.findIndex((batch) => batch.from === browser.version);
    const missed = from < 0 ? null : mergeChanges(this.ring.slice(from));
    if (!missed) {
      this.sendSnapshot(browser);
      return;
    }
    browser.sendVersion(JSON.stringify({ t: 'changes', ...missed }), missed.version);
  }

  private catchUp(): void {
    for (const browser of this.browsers) {
      if (browser.isStuck(this.options.tuning?.stuckMs ?? STUCK_MS)) {
        browser.socket.terminate();
        continue;
      }
      if (!browser.hasRoom) continue;
      this.bringUp(browser);
      browser.pump();
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
      if (!this.options.sessionIsValid(idHash)) this.closeSession(idHash);
    }
  }

  /** A fault of ours must not pass unnoticed, nor end anything but the work at hand. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.log.error({ err: error }, 'work for the browsers failed');
    }
  }

  private required(): LiveSource {
    if (!this.source) throw new Error('the live hub was used before it was started');
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
