/** The browser's copy of the fleet, with its connection state: one immutable object, replaced with each change. */
import { changedFields, isHeartbeat } from './heartbeat';
import { applyChanges } from '@/lib/protocol/live/apply-changes';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { FleetChanges } from '@/lib/protocol/live/changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export type ConnectionStatus =
  /** The first connection of this page is being made. */
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** Nothing has arrived for too long: the connection may be lost, and is being checked. */
  | { kind: 'checking' }
  /** Lost. The next attempt is made at `retryAt` (this browser's clock, epoch milliseconds), or is running now. */
  | { kind: 'reconnecting'; retryAt: number }
  /** The session ended: there are no further attempts. */
  | { kind: 'signed-out' };

export interface LiveState {
  fleet: FleetView;
  /** The same hosts by id. An unchanged host stays the same object. */
  byId: ReadonlyMap<string, HostView>;
  connection: ConnectionStatus;
  /** The dashboard runs another build than this page's. */
  outdated: boolean;
}

export type HostField = keyof HostView;

/**
 * Minimum time between two notifications of heartbeats: 200 heartbeats a second would otherwise render and paint twenty
 * times a second. All other changes are shown at once.
 */
const HEARTBEATS_EVERY_MS = 1_000;

export class FleetCopy {
  private state: LiveState;
  private readonly listeners = new Set<() => void>();
  private readonly hostListeners = new Map<string, Set<() => void>>();
  private readonly eventListeners = new Set<(events: readonly EventView[]) => void>();
  /** The hosts with heartbeats that were not shown yet. */
  private readonly pendingHeartbeats = new Set<string>();
  private heartbeatsShownAt = -Infinity;
  private heartbeatTimer: ReturnType<typeof setTimeout> | null = null;
  private isPaused = false;
  /** Counts changes; for each field of the hosts, the last one that changed it in any host. */
  private change = 0;
  private readonly fieldChanges = new Map<string, number>();
  /** The last change that added, removed or replaced hosts. */
  private changedHosts = 0;

  constructor(fleet: FleetView) {
    this.state = { fleet, byId: index(fleet), connection: { kind: 'connecting' }, outdated: false };
  }

  readonly get = (): LiveState => this.state;

  /** Calls back after changes; for heartbeats at most once a second. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Calls back after changes of one host; for heartbeats at most once a second. */
  subscribeHost(id: string, listener: () => void): () => void {
    const listeners = this.hostListeners.get(id) ?? new Set();
    this.hostListeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.hostListeners.get(id) === listeners) this.hostListeners.delete(id);
    };
  }

  /** Calls back with events as they happen, in order. Events without a connection are not delivered later. */
  readonly subscribeEvents = (listener: (events: readonly EventView[]) => void): (() => void) => {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  };

  /** A number that changes when one of these fields changes in any host, or when hosts come or go. */
  revisionOf(fields: readonly HostField[]): number {
    return Math.max(this.changedHosts, ...fields.map((field) => this.fieldChanges.get(field) ?? 0));
  }

  /** Replaces the whole view. */
  replace(fleet: FleetView): void {
    this.changedHosts = ++this.change;
    this.set({ fleet, byId: index(fleet) });
    this.notifyHosts([...this.hostListeners.keys()]);
  }

  /** Applies changes; false when they do not follow the current version, so that a snapshot is needed. */
  apply(changes: FleetChanges): boolean {
    const fleet = applyChanges(this.state.fleet, changes);
    if (!fleet) return false;
    const { byId } = this.state;
    const { hosts: patches = [], removed = [] } = changes;
    const changed = patches.map((patch) => ({ id: patch.id, fields: changedFields(patch, byId.get(patch.id)) }));
    const isNew = patches.some(({ id }) => !byId.has(id));
    this.noteFields(
      changed.flatMap(({ fields }) => fields),
      isNew || removed.length > 0,
    );
    const heartbeats = changed.filter(({ id, fields }) => isHeartbeat(fields) && byId.has(id));
    this.state = {
      ...this.state,
      fleet,
      byId: fleet.hosts === this.state.fleet.hosts ? byId : index(fleet),
    };
    if (heartbeats.length === 0 || heartbeats.length < patches.length || hasOtherParts(changes)) {
      const waiting = new Set(heartbeats);
      this.notify();
      this.notifyHosts([...changed.flatMap((host) => (waiting.has(host) ? [] : host.id)), ...removed]);
    }
    for (const { id } of heartbeats) this.pendingHeartbeats.add(id);
    if (heartbeats.length > 0) this.planHeartbeats();
    if (changes.events && changes.events.length > 0) {
      for (const listener of this.eventListeners) listener(changes.events);
    }
    return true;
  }

  setConnection(connection: ConnectionStatus): void {
    const known = this.state.connection;
    if (known.kind === connection.kind && connection.kind !== 'reconnecting') return;
    this.set({ connection });
  }

  setOutdated(outdated: boolean): void {
    if (outdated !== this.state.outdated) this.set({ outdated });
  }

  /** While paused, for a tab in the background, changes are kept, and only events cause calls. */
  setPaused(isPaused: boolean): void {
    if (isPaused === this.isPaused) return;
    this.isPaused = isPaused;
    if (isPaused) return;
    this.pendingHeartbeats.clear();
    this.notify();
    this.notifyHosts([...this.hostListeners.keys()]);
  }

  private noteFields(fields: readonly string[], hasOtherHosts: boolean): void {
    this.change += 1;
    if (hasOtherHosts) this.changedHosts = this.change;
    for (const field of fields) this.fieldChanges.set(field, this.change);
  }

  private planHeartbeats(): void {
    if (this.heartbeatTimer !== null || this.isPaused) return;
    const waitMs = this.heartbeatsShownAt + HEARTBEATS_EVERY_MS - performance.now();
    if (waitMs <= 0) {
      this.showHeartbeats();
      return;
    }
    this.heartbeatTimer = setTimeout(() => {
      this.heartbeatTimer = null;
      this.showHeartbeats();
    }, waitMs);
  }

  private showHeartbeats(): void {
    if (this.isPaused) return;
    this.heartbeatsShownAt = performance.now();
    const ids = [...this.pendingHeartbeats];
    this.pendingHeartbeats.clear();
    this.notify();
    this.notifyHosts(ids);
  }

  private set(change: Partial<LiveState>): void {
    this.state = { ...this.state, ...change };
    this.notify();
  }

  private notify(): void {
    if (this.isPaused) return;
    for (const listener of this.listeners) listener();
  }

  private notifyHosts(ids: readonly string[]): void {
    if (this.isPaused) return;
    for (const id of ids) {
      for (const listener of this.hostListeners.get(id) ?? []) listener();
    }
  }
}

function hasOtherParts(changes: FleetChanges): boolean {
  const { removed, desired, updates, notices, events, pipelines, removedPipelines } = changes;
  const lists = [removed, notices, events, pipelines, removedPipelines];
  return desired !== undefined || updates !== undefined || lists.some((list) => list !== undefined && list.length > 0);
}

function index(fleet: FleetView): ReadonlyMap<string, HostView> {
  return new Map(fleet.hosts.map((host) => [host.id, host]));
}
