import { describe, expect, it } from 'vitest';
import type { ThrottleRecord } from './operator/auth-ports';
import { accountBucket, createThrottle, type ThrottleKind } from './throttle';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** Three steps are accepted at any time, of a million codes. */
const RIGHT_BY_CHANCE = 3e-6;

/** The limit on records in memory: what SQLite keeps of them is tested with the sign-in. */
function limit() {
  const records = new Map<string, ThrottleRecord>();
  const clock = { now: 1_800_000_000_000 };
  const store = {
    throttle: (bucket: string) => records.get(bucket) ?? null,
    saveThrottles: (saved: readonly ThrottleRecord[]) => {
      for (const record of saved) records.set(record.bucket, record);
    },
    removeThrottles: (buckets: readonly string[]) => {
      for (const bucket of buckets) records.delete(bucket);
    },
    pruneThrottles: (before: number) => {
      for (const [bucket, { lastAt }] of records) if (lastAt < before) records.delete(bucket);
    },
  };
  return { throttle: createThrottle(store, () => clock.now, { freeFailures: 5, windowMs: 60_000 }), clock };
}

/** How many guesses there are in a year, when after so many quick ones the attacker rests until all is forgotten. */
function guessesInAYear(kind: ThrottleKind, restAfter: number, restMs: number): number {
  const { throttle, clock } = limit();
  const begin = clock.now;
  let guesses = 0;
  while (clock.now - begin < YEAR_MS) {
    const waitMs = throttle.take([accountBucket(kind, 'operator')]);
    clock.now += waitMs;
    if (waitMs > 0) continue;
    guesses += 1;
    if (guesses % restAfter === 0) clock.now += restMs;
  }
  return guesses;
}

describe('a year of guessing the second factor with the right password', () => {
  it.each(['totp', 'step-up'] as const)('%s: succeeds with a probability below 1 %%, at any pace', (kind) => {
    const paces: [number, number][] = [
      [Infinity, 0],
      [4, 60_000],
      [5, 24 * HOUR_MS],
      [19, 7 * 24 * HOUR_MS],
      [10, 7 * 24 * HOUR_MS],
      [4, 7 * 24 * HOUR_MS],
    ];
    for (const [restAfter, restMs] of paces) {
      const guesses = guessesInAYear(kind, restAfter, restMs);
      expect(guesses).toBeGreaterThan(100);
      expect(1 - (1 - RIGHT_BY_CHANCE) ** guesses, `${guesses} guesses`).toBeLessThan(0.01);
    }
  });
});

describe('a wait', () => {
  it.each([
    ['password', [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]],
    ['agent-token', [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]],
    ['totp', [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 14_400, 14_400]],
    ['step-up', [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 14_400, 14_400]],
  ] as const)('for a %s grows to its longest (seconds)', (kind, seconds) => {
    const { throttle, clock } = limit();
    const take = () => throttle.take([accountBucket(kind, 'operator')]);
    for (let free = 0; free < 5; free += 1) expect(take()).toBe(0);
    for (const wait of seconds) {
      expect(take()).toBe(wait * 1_000);
      clock.now += wait * 1_000;
      expect(take()).toBe(0);
    }
  });
});
