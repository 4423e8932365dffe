/**
 * What browsers are sent. Changes are collected into numbered batches: sent at once on a quiet fleet, at a bounded rate
 * under load. A browser that does not keep up gets merged, fresher batches later. Nothing queues without bound: what a
 * browser missed is read from the ring of batches, the fleet or the database.
 */
import type { FlakeUpdates } from '@/lib/fleet/records/flake-update-port';
import { MAX_WATCHES, type Browser } from './browser-socket';
import { mergeChanges } from './pending-changes';
import { shownEvent } from '@/lib/fleet/events/shown-event';
import type { Actor, May } from '@/lib/fleet/may';
import type { Clock, LoopTime } from '@/lib/fleet/records/environment';
import type { LiveSource, OtherChanges, Publisher } from '@/lib/fleet/records/publisher';
import { visibleChanges, visibleFleet, type Sees } from '@/lib/fleet/visible';
import type { FleetChanges, HostPatch } from '@/lib/protocol/live/changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** Minimum time between two batches. */
export const BATCH_INTERVAL_MS = 50;
/** Batches kept for browsers that reconnect or fall behind. */
export const RING_BATCHES = 256;
/** Interval at which lagging browsers and outputs are served. */
export const CATCH_UP_INTERVAL_MS = 100;
/** The version of a browser that needs a snapshot: no batch starts from it. */
const OUTDATED = 0;

export interface LiveFeedOptions {
  clock: Clock;
  /** Time between batches. */
  loop: LoopTime;
  updates: Pick<FlakeUpdates, 'state' | 'subscribe'>;
  /** Who may see which host. */
  may: May;
}

export class LiveFeed implements Publisher {
  private fleet: LiveSource | null = null;
  private version = 1;
  private readonly ring: FleetChanges[] = [];
  private readonly watchers = new Map<string, Set<Browser>>();
  private pending: FleetChanges[] = [];
  /** In `LoopTime`: a wall clock that is set back would delay the next batch. */
  private lastBatchAt = -Infinity;
  private cancelBatch: (() => void) | null = null;
  private endUpdates: () => void = () => undefined;

  /** `browsers`: the open ones, which the gateway adds and removes. */
  constructor(
    private readonly options: LiveFeedOptions,
    private readonly browsers: ReadonlySet<Browser>,
  ) {}

  start(source: LiveSource): void {
    this.fleet = source;
    this.endUpdates = this.options.updates.subscribe(() => this.other({ updates: this.options.updates.state }));
  }

  stop(): void {
    this.cancelBatch?.();
    this.endUpdates();
  }

  /** The fleet. Throws before the start. */
  get source(): LiveSource {
    if (!this.fleet) throw new Error('the live gateway was used before it was started');
    return this.fleet;
  }

  seesOf(actor: Actor): Sees {
    return (hostId) => this.options.may(actor, 'view', hostId);
  }

  /** What an actor sees of the fleet at the current version: used for the first paint of a page and for snapshots. */
  view(actor: Actor): FleetView {
    const { source } = this;
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

  // ── published by the fleet ───────────────────────────────────────────────────────────────────────────────────────

  hosts(patches: readonly HostPatch[], removed: readonly string[]): void {
    this.gather({ hosts: [...patches], removed: [...removed] });
  }

  other(change: OtherChanges): void {
    this.gather(change.events ? { ...change, events: change.events.map(shownEvent) } : change);
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

  private changesText(changes: FleetChanges, actor: Actor): string {
    const { source } = this;
    const seen = visibleChanges(changes, this.seesOf(actor), (pipelineId) => source.pipelineHosts(pipelineId));
    return JSON.stringify({ t: 'changes', ...seen });
  }

  // ── requested by a browser ───────────────────────────────────────────────────────────────────────────────────────

  /** Brings a browser up to date, from the version that it has of this epoch if it has one. */
  resume(browser: Browser, epoch: string | undefined, version: number | undefined): void {
    if (epoch === this.source.epoch && version !== undefined) {
      browser.version = version;
      this.catchUp(browser);
    } else {
      this.sendSnapshot(browser);
    }
  }

  /**
   * Sends a snapshot, the most expensive message. A browser with unread data, or one that asked a moment ago, gets it
   * with a later catch-up.
   */
  sendSnapshot(browser: Browser): void {
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
  catchUp(browser: Browser): void {
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

  /** Sends a browser the output of a command from the line after `after`, until it unwatches it. */
  watch(browser: Browser, commandId: string, after: number): void {
    if (browser.watching().length >= MAX_WATCHES) {
      browser.send({ t: 'no-output', commandId, reason: 'Too many outputs are open on this page.' });
      return;
    }
    const watchers = this.watchers.get(commandId) ?? new Set();
    this.watchers.set(commandId, watchers.add(browser));
    browser.watch(commandId, after);
  }

  unwatch(browser: Browser, commandId: string): void {
    browser.unwatch(commandId);
    const watchers = this.watchers.get(commandId);
    watchers?.delete(browser);
    if (watchers?.size === 0) this.watchers.delete(commandId);
  }
}
