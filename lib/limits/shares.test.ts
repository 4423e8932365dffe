import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitKey } from './address-key';
import { Shares } from './shares';

describe('shares', () => {
  it('accept a new member and drop the oldest one of a full share', () => {
    const shares = new Shares<string>(10);
    const crowded = { key: 'crowded', max: 2 };
    expect(shares.add('quiet', [{ key: 'other', max: 2 }])).toEqual([]);
    expect(['a', 'b', 'c', 'd'].map((name) => shares.add(name, [crowded]))).toEqual([[], [], ['a'], ['b']]);
    expect([...shares]).toEqual(['quiet', 'c', 'd']);
    expect(shares.largest(1)).toEqual([{ key: 'crowded', members: 2 }]);
  });

  it('drop the oldest of all beyond the total, and do not count deleted members', () => {
    const shares = new Shares<string>(2);
    shares.add('a', [{ key: '1', max: 2 }]);
    shares.add('b', [{ key: '2', max: 2 }]);
    shares.delete('a');
    expect(shares.add('c', [{ key: '3', max: 2 }])).toEqual([]);
    expect(shares.add('d', [{ key: '4', max: 2 }])).toEqual(['b']);
    expect(shares.size).toBe(2);
  });

  it('keep their bounds with any additions and deletions, and displace no member from a share with room', () => {
    const act = fc.record({ key: fc.nat({ max: 4 }), token: fc.nat({ max: 3 }), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const shares = new Shares<number>(7);
        const known = new Map<number, string[]>();
        const countOf = (key: string) => [...known.values()].filter((keys) => keys.includes(key)).length;
        for (const [id, { key, token, leaves }] of acts.entries()) {
          const keys = [`address ${key}`, `token ${token}`];
          const wasFull = { all: known.size >= 7, keys: keys.filter((one) => countOf(one) >= 3) };
          const displaced = shares.add(
            id,
            keys.map((one) => ({ key: one, max: 3 })),
          );
          for (const one of displaced) {
            const itsKeys = known.get(one) ?? [];
            expect(wasFull.all || itsKeys.some((its) => wasFull.keys.includes(its))).toBe(true);
            known.delete(one);
          }
          known.set(id, keys);
          expect(displaced.length).toBeLessThanOrEqual(3);
          expect([...shares]).toEqual([...known.keys()]);
          for (const one of keys) expect(countOf(one)).toBeLessThanOrEqual(3);
          expect(shares.size).toBeLessThanOrEqual(7);
          const [oldest] = known.keys();
          if (leaves && oldest !== undefined) {
            shares.delete(oldest);
            known.delete(oldest);
          }
        }
      }),
    );
  });
});

describe('limitKey', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ])('%s is %s', (address, key) => expect(limitKey(address)).toBe(key));
});
