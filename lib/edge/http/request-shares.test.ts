import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Share } from './request-shares';

let share: Share;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  share = new Share({ id: 'x', label: 'X', maxEach: 2, maxTotal: 3 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Takes a place whose body arrives slowly; `evicted` records whether it was evicted. */
function slow(who: string) {
  const state = { evicted: false };
  const part = share.take(who, () => (state.evicted = true));
  return { part, state };
}

describe('a full share', () => {
  it('evicts the request whose body has taken longest: of the same address first, then of all', () => {
    const [a1, a2, b] = [slow('a'), slow('a'), slow('b')];
    vi.advanceTimersByTime(1_000);
    expect(share.take('a')).not.toBeNull();
    expect([a1, a2, b].map(({ state }) => state.evicted)).toEqual([true, false, false]);
    expect(share.take('c')).not.toBeNull();
    expect([a1, a2, b].map(({ state }) => state.evicted)).toEqual([true, true, false]);
    // What was given back already is not given back twice.
    a1.part?.release();
    expect(share.use()).toMatchObject({ used: 3, refused: 2 });
  });

  it('evicts no request whose body has just started or has arrived', () => {
    const parts = [slow('a'), slow('b'), slow('c')];
    expect(share.take('d')).toBeNull();
    for (const { part } of parts) part?.settled();
    vi.advanceTimersByTime(60_000);
    expect(share.take('d')).toBeNull();
    parts[1]?.part?.release();
    expect(share.take('d')).not.toBeNull();
    expect(parts.some(({ state }) => state.evicted)).toBe(false);
  });
});
