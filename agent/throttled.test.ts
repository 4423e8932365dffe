import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createThrottled } from './throttled';

describe('throttled values', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('pass at once, then once in each interval, and the last one is never lost', () => {
    const passed: number[] = [];
    const throttled = createThrottled<number>(250, (value) => passed.push(value));
    for (const value of [1, 2, 3]) throttled.push(value);
    expect(passed).toEqual([1]);
    vi.advanceTimersByTime(250);
    expect(passed).toEqual([1, 3]);
    throttled.push(4);
    expect(passed).toEqual([1, 3]);
    vi.advanceTimersByTime(250);
    expect(passed).toEqual([1, 3, 4]);
    vi.advanceTimersByTime(1_000);
    throttled.push(5);
    expect(passed).toEqual([1, 3, 4, 5]);
  });

  it('that wait at the end are dropped, and no timer is left', () => {
    const passed: number[] = [];
    const throttled = createThrottled<number>(250, (value) => passed.push(value));
    for (const value of [1, 2]) throttled.push(value);
    throttled.end();
    expect(vi.getTimerCount()).toBe(0);
    expect(passed).toEqual([1]);
  });
});
