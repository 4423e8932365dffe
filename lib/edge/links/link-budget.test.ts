import { describe, expect, it } from 'vitest';
import { LinkBudget, TokenBucket } from './link-budget';

describe('TokenBucket', () => {
  it('refills by the second, up to its burst', () => {
    const bucket = new TokenBucket({ burst: 10, perSecond: 2 }, 1_000);
    bucket.spend(10, 1_000);
    expect(bucket.waitMs(1, 1_000)).toBe(500);
    expect(bucket.waitMs(1, 1_500)).toBe(0);
    bucket.spend(0, 3_600_000);
    expect(bucket.waitMs(10, 3_600_000)).toBe(0);
    expect(bucket.waitMs(11, 3_600_000)).toBe(500);
  });

  it('remembers an overdraft', () => {
    const bucket = new TokenBucket({ burst: 10, perSecond: 2 }, 0);
    bucket.spend(14, 0);
    expect(bucket.isOverdrawn).toBe(true);
    expect(bucket.waitMs(0, 0)).toBe(2_000);
    bucket.spend(0, 2_000);
    expect(bucket.isOverdrawn).toBe(false);
  });

  it('takes nothing when the level is too low', () => {
    const bucket = new TokenBucket({ burst: 2, perSecond: 1 }, 0);
    expect([1, 2, 3].map(() => bucket.tryTake(1, 0))).toEqual([true, true, false]);
    expect(bucket.tryTake(1, 999)).toBe(false);
    expect(bucket.tryTake(1, 1_000)).toBe(true);
  });

  it('ignores a clock that steps back', () => {
    const bucket = new TokenBucket({ burst: 10, perSecond: 1 }, 10_000);
    bucket.spend(4, 9_000);
    expect(bucket.waitMs(6, 9_000)).toBe(0);
    expect(bucket.waitMs(7, 10_000)).toBe(0);
  });
});

describe('LinkBudget', () => {
  const limits = { bytes: { burst: 1_000_000, perSecond: 100_000 }, workMs: { burst: 100, perSecond: 50 } };

  it('is overdrawn by bytes alone and by work alone', () => {
    const byBytes = new LinkBudget(limits, 0);
    byBytes.spend(1_000_000, 0, 0);
    expect(byBytes.isOverdrawn).toBe(false);
    byBytes.spend(1, 0, 0);
    expect(byBytes.isOverdrawn).toBe(true);
    const byWork = new LinkBudget(limits, 0);
    byWork.spend(0, 100.5, 0);
    expect(byWork.isOverdrawn).toBe(true);
  });

  it('waits until there is enough for a chunk and a slice, not for a single byte', () => {
    const budget = new LinkBudget(limits, 0);
    budget.spend(1_100_000, 0, 0);
    expect(budget.waitMs(0)).toBeCloseTo(1_000 + 655.36);
    budget.spend(0, 125, 0);
    expect(budget.waitMs(1_655.36)).toBe(0);
    expect(budget.waitMs(0)).toBe(0);
  });
});
