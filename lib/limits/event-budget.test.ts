import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBudget, MAX_COUNTED_BOUNDS, MAX_SUMMED_NAMES, type CountedEvent } from './event-budget';

const WINDOW_MS = 1_000;
const event = (kind: string, host = '', address = ''): CountedEvent => ({ kind, host, address });

describe('the event budget', () => {
  it('records the first events of a source, and sums up the others when the window is over', () => {
    const budget = new EventBudget(WINDOW_MS);
    const bounds = [{ key: 'token', max: 2 }];
    const admitted = ['a', 'b', 'a', 'a', 'b'].map((kind, index) =>
      budget.admit(event(kind, 'web', '192.0.2.1'), bounds, index, 5_000 + index),
    );
    expect(admitted).toEqual([true, true, false, false, false]);
    expect(budget.takeSum(WINDOW_MS - 1)).toBeNull();
    expect(budget.takeSum(WINDOW_MS)).toEqual({
      since: 5_002,
      events: 3,
      kinds: [
        { name: 'a', count: 2 },
        { name: 'b', count: 1 },
      ],
      hosts: 1,
      ofHosts: [{ name: 'web', count: 3 }],
      addresses: 1,
      ofAddresses: [{ name: '192.0.2.1', count: 3 }],
    });
    expect(budget.takeSum(2 * WINDOW_MS)).toBeNull();
    expect(budget.admit(event('a'), bounds, WINDOW_MS, 0)).toBe(true);
  });

  it('records an event only if all of its bounds have room; otherwise it uses none of them', () => {
    const budget = new EventBudget(WINDOW_MS);
    const address = { key: 'address', max: 5 };
    const admit = (token: string) => budget.admit(event('a'), [address, { key: token, max: 2 }], 0, 0);
    expect(Array.from({ length: 100 }, () => admit('loud')).filter(Boolean)).toHaveLength(2);
    expect(['quiet', 'quiet', 'third', 'fourth'].map(admit)).toEqual([true, true, true, false]);
  });

  it('gives the sum before the window is over when asked', () => {
    const budget = new EventBudget(WINDOW_MS);
    budget.add(event('a'), 0, 7);
    expect(budget.endSum()).toMatchObject({ since: 7, events: 1, hosts: 0, ofHosts: [] });
    expect(budget.endSum()).toBeNull();
  });

  it('keeps the sum of a window that nobody collected, and adds to it', () => {
    const budget = new EventBudget(WINDOW_MS);
    budget.admit(event('a'), [{ key: 'k', max: 0 }], 0, 1);
    budget.admit(event('a'), [{ key: 'k', max: 0 }], 5 * WINDOW_MS, 2);
    expect(budget.takeSum(6 * WINDOW_MS)).toMatchObject({ since: 1, events: 2 });
  });

  it('limits its memory: further bounds share one counter, and further names are not listed', () => {
    const budget = new EventBudget(WINDOW_MS);
    const admit = (key: number) => budget.admit(event('a', `h${key}`, `a${key}`), [{ key: `${key}`, max: 1 }], 0, 0);
    let admitted = 0;
    for (let key = 0; key < MAX_COUNTED_BOUNDS + 5_000; key += 1) if (admit(key)) admitted += 1;
    expect(admitted).toBe(MAX_COUNTED_BOUNDS + 1);
    expect(budget.takeSum(WINDOW_MS)).toMatchObject({
      events: 4_999,
      hosts: MAX_SUMMED_NAMES,
      addresses: MAX_SUMMED_NAMES,
      ofHosts: { length: 5 },
    });
  });

  it('records or sums up every event, with at most one sum for a window', () => {
    const step = fc.record({ key: fc.nat(3), kind: fc.constantFrom('a', 'b'), after: fc.nat(400) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const budget = new EventBudget(WINDOW_MS);
        let now = 0;
        let recorded = 0;
        let summed = 0;
        let sums = 0;
        const collect = (sum: ReturnType<EventBudget['endSum']>) => {
          if (sum === null) return;
          sums += 1;
          summed += sum.events;
          expect(sum.kinds.reduce((total, { count }) => total + count, 0)).toBe(sum.events);
        };
        for (const { key, kind, after } of steps) {
          now += after;
          collect(budget.takeSum(now));
          if (budget.admit(event(kind), [{ key: `${key}`, max: 2 }], now, now)) recorded += 1;
        }
        collect(budget.endSum());
        expect(recorded + summed).toBe(steps.length);
        expect(sums).toBeLessThanOrEqual(now / WINDOW_MS + 1);
      }),
    );
  });
});
