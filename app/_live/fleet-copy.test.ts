import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FleetCopy } from './fleet-copy';
import { aFleet, aHost } from './testing/views';
import type { FleetChanges } from '@/lib/protocol/live/changes';

let store: FleetCopy;
let version: number;
/** Calls since the last look. */
let calls: { all: number; a: number; b: number };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  version = 1;
  store = new FleetCopy(aFleet({ version, hosts: [aHost('a'), aHost('b')] }));
  calls = { all: 0, a: 0, b: 0 };
  store.subscribe(() => (calls.all += 1));
  store.subscribeHost('a', () => (calls.a += 1));
  store.subscribeHost('b', () => (calls.b += 1));
});

afterEach(() => {
  vi.useRealTimers();
});

function apply(changes: Omit<FleetChanges, 'from' | 'version'>): void {
  expect(store.apply({ from: version, version: version + 1, ...changes })).toBe(true);
  version += 1;
}

function look() {
  const seen = calls;
  calls = { all: 0, a: 0, b: 0 };
  return seen;
}

/** As the dashboard sends it: with all compartments when one was checked again. */
function beat(id: string): void {
  const { compartments } = aHost(id);
  const agent = { ...compartments.agent, checkedAt: 2_000 + version };
  apply({ hosts: [{ id, lastSeenAt: 2_000 + version, metrics: null, compartments: { ...compartments, agent } }] });
}

describe('the copy of the fleet', () => {
  it('calls back for a heartbeat at once, and for the following ones together, once a second', () => {
    beat('a');
    expect(look()).toEqual({ all: 1, a: 1, b: 0 });
    for (let count = 0; count < 19; count += 1) {
      vi.advanceTimersByTime(50);
      beat(count % 2 === 0 ? 'a' : 'b');
    }
    expect(store.get().byId.get('a')?.lastSeenAt).toBe(2_000 + version - 1);
    expect(look()).toEqual({ all: 0, a: 0, b: 0 });
    vi.advanceTimersByTime(50);
    expect(look()).toEqual({ all: 1, a: 1, b: 1 });
    vi.advanceTimersByTime(10_000);
    expect(look()).toEqual({ all: 0, a: 0, b: 0 });
  });

  it('calls back at once for anything else, also in a batch with heartbeats', () => {
    beat('a');
    look();
    apply({
      hosts: [
        { id: 'a', lastSeenAt: 3_000 },
        { id: 'b', online: false },
      ],
    });
    expect(look()).toEqual({ all: 1, a: 0, b: 1 });
    const { compartments } = aHost('a');
    apply({ hosts: [{ id: 'a', compartments: { ...compartments, git: { ...compartments.git, status: 'error' } } }] });
    expect(look()).toEqual({ all: 1, a: 1, b: 0 });
    apply({ notices: [] });
    apply({ removed: ['b'] });
    expect(look()).toEqual({ all: 2, a: 0, b: 1 });
    vi.advanceTimersByTime(1_000);
    expect(look()).toEqual({ all: 1, a: 1, b: 0 });
    store.setConnection({ kind: 'live' });
    store.replace(aFleet({ version, hosts: [aHost('b')] }));
    expect(look()).toEqual({ all: 2, a: 1, b: 1 });
  });

  it('calls back only for events while the tab is in the background, and once for everything else afterwards', () => {
    const events: unknown[] = [];
    store.subscribeEvents((happened) => events.push(...happened));
    store.setPaused(true);
    beat('a');
    apply({ hosts: [{ id: 'b', online: false }], events: [] });
    store.setConnection({ kind: 'live' });
    vi.advanceTimersByTime(60_000);
    expect(look()).toEqual({ all: 0, a: 0, b: 0 });
    expect(vi.getTimerCount()).toBe(0);
    store.setPaused(false);
    expect(look()).toEqual({ all: 1, a: 1, b: 1 });
    expect(store.get().byId.get('b')?.online).toBe(false);
    vi.advanceTimersByTime(1_000);
    beat('a');
    expect(look()).toEqual({ all: 1, a: 1, b: 0 });
  });

  it('counts changes for each field of the hosts', () => {
    const before = { online: store.revisionOf(['online']), seen: store.revisionOf(['id', 'online', 'lastSeenAt']) };
    beat('a');
    expect(store.revisionOf(['online', 'compartments'])).toBe(before.online);
    expect(store.revisionOf(['id'])).toBe(before.online);
    const seen = store.revisionOf(['id', 'online', 'lastSeenAt']);
    expect(seen).toBeGreaterThan(before.seen);
    apply({ hosts: [aHost('c')] });
    const added = store.revisionOf(['online']);
    expect(added).toBeGreaterThan(seen);
    apply({ removed: ['c'] });
    const removed = store.revisionOf([]);
    expect(removed).toBeGreaterThan(added);
    store.replace(aFleet({ version, hosts: [] }));
    expect(store.revisionOf([])).toBeGreaterThan(removed);
  });
});
