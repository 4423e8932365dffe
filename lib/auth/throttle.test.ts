import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ThrottleRecord } from './operator/auth-ports';
import { answerInRandomOrder } from './testing/random-order';
import {
  accountBucket,
  addressBucket,
  createThrottle,
  type Attempt,
  type ThrottleKind,
  type ThrottleStore,
} from './throttle';
import { answerLater, type Direct } from '@/lib/store/sqlite/later';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** Three steps are accepted at any time, of a million codes. */
const RIGHT_BY_CHANCE = 3e-6;

/** The limit on records in memory: what SQLite keeps of them is tested with the sign-in. */
function limit(through: (store: Direct<ThrottleStore>) => ThrottleStore = answerLater) {
  const records = new Map<string, ThrottleRecord>();
  const clock = { now: 1_800_000_000_000 };
  const direct: Direct<ThrottleStore> = {
    throttles: (buckets) => buckets.map((bucket) => records.get(bucket) ?? null),
    changeThrottles(changes) {
      if (!changes.every(({ bucket, from }) => isDeepStrictEqual(records.get(bucket) ?? null, from))) return false;
      for (const { bucket, to } of changes) {
        if (to === null) records.delete(bucket);
        else records.set(bucket, to);
      }
      return true;
    },
    removeThrottles(buckets) {
      for (const bucket of buckets) records.delete(bucket);
    },
    pruneThrottles(before) {
      for (const [bucket, { lastAt }] of records) if (lastAt < before) records.delete(bucket);
    },
  };
  const throttle = createThrottle(through(direct), () => clock.now, { freeFailures: 5, windowMs: 60_000 });
  return { throttle, clock, records };
}

const waitOf = (attempt: Attempt) => (attempt.kind === 'blocked' ? attempt.waitMs : 0);

/** How many guesses there are in a year, when after so many quick ones the attacker rests until all is forgotten. */
async function guessesInAYear(kind: ThrottleKind, restAfter: number, restMs: number): Promise<number> {
  const { throttle, clock } = limit();
  const begin = clock.now;
  let guesses = 0;
  while (clock.now - begin < YEAR_MS) {
    const waitMs = waitOf(await throttle.take([accountBucket(kind, 'operator')]));
    clock.now += waitMs;
    if (waitMs > 0) continue;
    guesses += 1;
    if (guesses % restAfter === 0) clock.now += restMs;
  }
  return guesses;
}

describe('a year of guessing the second factor with the right password', () => {
  it.each(['totp', 'step-up'] as const)('%s: succeeds with a probability below 1 %%, at any pace', async (kind) => {
    const paces: [number, number][] = [
      [Infinity, 0],
      [4, 60_000],
      [5, 24 * HOUR_MS],
      [19, 7 * 24 * HOUR_MS],
      [10, 7 * 24 * HOUR_MS],
      [4, 7 * 24 * HOUR_MS],
    ];
    for (const [restAfter, restMs] of paces) {
      const guesses = await guessesInAYear(kind, restAfter, restMs);
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
  ] as const)('for a %s grows to its longest (seconds)', async (kind, seconds) => {
    const { throttle, clock } = limit();
    const take = async () => waitOf(await throttle.take([accountBucket(kind, 'operator')]));
    for (let free = 0; free < 5; free += 1) expect(await take()).toBe(0);
    for (const wait of seconds) {
      expect(await take()).toBe(wait * 1_000);
      clock.now += wait * 1_000;
      expect(await take()).toBe(0);
    }
  });
});

describe('after the clock was set back', () => {
  it.each(['password', 'totp'] as const)('the failures of a %s from before are forgotten', async (kind) => {
    const { throttle, clock } = limit();
    const take = async () => waitOf(await throttle.take([accountBucket(kind, 'operator')]));
    for (let failure = 0; failure < 10; failure += 1) clock.now += await take();
    clock.now -= YEAR_MS;
    for (let free = 0; free < 5; free += 1) expect(await take()).toBe(0);
    expect(await take()).toBe(1_000);
  });
});

describe('attempts at the same moment', () => {
  const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);
  const account = accountBucket('password', 'operator');
  const takeAll = (throttle: ReturnType<typeof limit>['throttle'], count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        throttle.take([account, addressBucket('password', `198.51.100.${index}`)]),
      ),
    );

  it.each(SEEDS)('pass up to the free ones, whatever the order in which the store answers (seed %i)', async (seed) => {
    const { throttle, records } = limit((direct) => answerInRandomOrder(direct, seed));
    const attempts = await takeAll(throttle, 50);
    expect(attempts.filter(({ kind }) => kind === 'counted')).toHaveLength(5);
    expect(records.get(account)?.failures).toBe(5);
    // What was blocked was counted for no address either.
    expect(records.size).toBe(6);
  });

  it.each(SEEDS)('stay counted when one of them is correct, if they were counted after it (seed %i)', async (seed) => {
    const { throttle, records } = limit((direct) => answerInRandomOrder(direct, seed));
    const correct = await throttle.take([account]);
    if (correct.kind !== 'counted') throw new Error(correct.kind);
    const [attempts] = await Promise.all([takeAll(throttle, 50), throttle.clear(correct.records)]);
    const counted = attempts.filter(({ kind }) => kind === 'counted').length;
    // Four beside the correct one, or five once it was cleared.
    expect([4, 5]).toContain(counted);
    expect(records.get(account)?.failures).toBe(counted);
    expect(waitOf(await throttle.take([account]))).toBe(counted === 5 ? 1_000 : 0);
  });

  it('that are all correct leave no failure', async () => {
    const { throttle, records } = limit();
    const attempts = await Promise.all(Array.from({ length: 4 }, () => throttle.take([account])));
    for (const attempt of attempts) if (attempt.kind === 'counted') await throttle.clear(attempt.records);
    expect(records.size).toBe(0);
  });
});

describe('a correct attempt', () => {
  it('clears the failures before it and none of a series that began later', async () => {
    const { throttle, clock, records } = limit();
    const account = accountBucket('password', 'operator');
    for (let failure = 0; failure < 3; failure += 1) await throttle.take([account]);
    const correct = await throttle.take([account]);
    if (correct.kind !== 'counted') throw new Error(correct.kind);
    await throttle.clear(correct.records);
    expect(records.size).toBe(0);
    clock.now += 1;
    await throttle.take([account]);
    await throttle.clear(correct.records);
    expect(records.get(account)?.failures).toBe(1);
  });
});
