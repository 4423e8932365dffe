import { describe, expect, it } from 'vitest';
import { derive, sameList, sameRecord } from './derived';
import { FleetCopy } from './fleet-copy';
import { aFleet, aHost } from './testing/views';

describe('derive', () => {
  it('computes once per set of hosts, and keeps the object of an equal value', () => {
    const store = new FleetCopy(aFleet({ hosts: [aHost('a'), aHost('b')] }));
    let computed = 0;
    const names = derive(
      store,
      (hosts) => {
        computed += 1;
        return hosts.map((host) => host.name);
      },
      sameList,
    );
    const first = names();
    store.setConnection({ kind: 'live' });
    expect(names()).toBe(first);
    expect(computed).toBe(1);
    store.apply({ from: 1, version: 2, hosts: [{ id: 'a', lastSeenAt: 2_000 }] });
    expect(names()).toBe(first);
    expect(computed).toBe(2);
    store.apply({ from: 2, version: 3, removed: ['a'] });
    expect(names()).toEqual(['b']);
  });

  it('does not compute again when none of the fields that it reads changed', () => {
    const store = new FleetCopy(aFleet({ hosts: [aHost('a'), aHost('b')] }));
    let computed = 0;
    const online = derive(
      store,
      (hosts: readonly { online: boolean }[]) => {
        computed += 1;
        return hosts.filter((host) => host.online).length;
      },
      Object.is,
      ['online'],
    );
    expect(online()).toBe(2);
    store.apply({ from: 1, version: 2, hosts: [{ id: 'a', lastSeenAt: 2_000, metrics: null }] });
    expect(online()).toBe(2);
    expect(computed).toBe(1);
    store.apply({ from: 2, version: 3, hosts: [{ id: 'a', online: false }] });
    expect(online()).toBe(1);
    store.apply({ from: 3, version: 4, removed: ['b'] });
    expect(online()).toBe(0);
    store.apply({ from: 4, version: 5, hosts: [aHost('c')] });
    expect(online()).toBe(1);
    expect(computed).toBe(4);
  });

  it('compares lists and flat records', () => {
    expect(sameList([1, 2], [1, 2])).toBe(true);
    expect(sameList([1, 2], [1, 2, 3])).toBe(false);
    expect(sameRecord({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(sameRecord({ a: 1 }, { a: 2 })).toBe(false);
  });
});
