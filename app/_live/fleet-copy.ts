/** The browser's copy of the fleet, with its connection state: one immutable object, replaced with each change. */
import { applyChanges } from '@/lib/protocol/live/apply-changes';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { FleetChanges } from '@/lib/protocol/live/changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export type ConnectionStatus =
  /** The first connection of this page is being made. */
  | { kind: 'connecting' }
  | { kind: 'live' }
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

export class FleetCopy {
  private state: LiveState;
  private readonly listeners = new Set<() => void>();
  private readonly eventListeners = new Set<(events: readonly EventView[]) => void>();

  constructor(fleet: FleetView) {
    this.state = { fleet, byId: index(fleet), connection: { kind: 'connecting' }, outdated: false };
  }

  readonly get = (): LiveState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Calls back with events as they happen, in order. Events without a connection are not delivered later. */
  readonly subscribeEvents = (listener: (events: readonly EventView[]) => void): (() => void) => {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  };

  /** Replaces the whole view. */
  replace(fleet: FleetView): void {
    this.set({ fleet, byId: index(fleet) });
  }

  /** Applies changes; false when they do not follow the current version, so that a snapshot is needed. */
  apply(changes: FleetChanges): boolean {
    const fleet = applyChanges(this.state.fleet, changes);
    if (!fleet) return false;
    this.set({ fleet, byId: fleet.hosts === this.state.fleet.hosts ? this.state.byId : index(fleet) });
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

  private set(change: Partial<LiveState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

function index(fleet: FleetView): ReadonlyMap<string, HostView> {
  return new Map(fleet.hosts.map((host) => [host.id, host]));
}
