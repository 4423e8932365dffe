/**
 * Limits on failed attempts, stored in the database so that a restart does not reset them. An attempt is counted before
 * its hash is computed and cleared when it was correct, so a thousand concurrent attempts count as a thousand.
 */
import { limitKey } from './client-address';
import type { AuthStore, WallClock, ThrottleRecord } from './operator/auth-ports';

/** The kind of attempt. Each has separate buckets. `decoy` takes as long as `totp` and never blocks. */
export type ThrottleKind =
  'password' | 'totp' | 'setup-code' | 'agent-token' | 'enrolment-code' | 'step-up' | 'present-password' | 'decoy';

/** There are few six-digit codes, so their free attempts are not restored every minute. */
const OF_CODES = /^(?:totp|step-up):/;

export interface Throttle {
  /** Counts one attempt in each bucket. When one is blocked, counts none and returns the time to wait (ms). */
  take(buckets: readonly string[], alsoBlockedBy?: readonly string[]): number;
  /** Clears the failures after a correct attempt. */
  clear(buckets: readonly string[]): void;
}

const FIRST_WAIT_MS = 1_000;
const HOUR_MS = 3_600_000;
/** The longest wait, and the time without a failure after which failures beyond the free ones are forgotten. */
const USUAL = { longestWaitMs: HOUR_MS / 4, forgetAfterMs: 24 * HOUR_MS };
/**
 * A guessed code is correct with a probability of 3 in a million (three steps are accepted). An attacker with the
 * password gets about 2,200 guesses a year with these limits: a 0.7 % chance.
 */
const FOR_CODES = { longestWaitMs: 4 * HOUR_MS, forgetAfterMs: 7 * 24 * HOUR_MS };
/** Any bucket without a failure for this long is removed. */
const FORGOTTEN_AFTER_MS = FOR_CODES.forgetAfterMs;
/** Most address buckets kept, so that an attacker with many addresses can't fill the disk. */
const MAX_ADDRESS_BUCKETS = 10_000;

const backOff = (bucket: string) => (OF_CODES.test(bucket) ? FOR_CODES : USUAL);

export const accountBucket = (kind: ThrottleKind, userId: string): string => `${kind}:account:${userId}`;
export const addressBucket = (kind: ThrottleKind, address: string): string => `${kind}:address:${limitKey(address)}`;

/** The bucket of a known browser, by the id of its device cookie. */
export const deviceBucket = (kind: ThrottleKind, deviceId: string): string => `${kind}:device:${deviceId}`;

export type ThrottleStore = Pick<AuthStore, 'throttle' | 'saveThrottles' | 'removeThrottles' | 'pruneThrottles'>;

export function createThrottle(
  store: ThrottleStore,
  now: WallClock,
  limits: { freeFailures: number; windowMs: number },
): Throttle {
  const { freeFailures } = limits;

  function isForgotten(record: ThrottleRecord, at: number): boolean {
    // The clock was set back, so the times can't be compared.
    if (record.lastAt > at) return true;
    const windowed = record.failures < freeFailures && !OF_CODES.test(record.bucket);
    return windowed
      ? at - record.firstAt >= limits.windowMs
      : at - record.lastAt >= backOff(record.bucket).forgetAfterMs;
  }

  function known(bucket: string, at: number): ThrottleRecord | null {
    const record = store.throttle(bucket);
    return record === null || isForgotten(record, at) ? null : record;
  }

  function afterFailure(bucket: string, record: ThrottleRecord | null, at: number): ThrottleRecord {
    const failures = (record?.failures ?? 0) + 1;
    const blocks = failures >= freeFailures && !bucket.startsWith('decoy:');
    const waitMs = blocks ? Math.min(FIRST_WAIT_MS * 2 ** (failures - freeFailures), backOff(bucket).longestWaitMs) : 0;
    return { bucket, failures, firstAt: record?.firstAt ?? at, lastAt: at, blockedUntil: blocks ? at + waitMs : 0 };
  }

  return {
    take(buckets, alsoBlockedBy = []) {
      const at = now();
      const records = buckets.map((bucket) => known(bucket, at));
      const others = alsoBlockedBy.map((bucket) => known(bucket, at));
      const waitMs = Math.max(0, ...[...records, ...others].map((record) => (record?.blockedUntil ?? 0) - at));
      if (waitMs > 0) return waitMs;
      store.saveThrottles(buckets.map((bucket, index) => afterFailure(bucket, records[index] ?? null, at)));
      if (records.includes(null)) store.pruneThrottles(at - FORGOTTEN_AFTER_MS, MAX_ADDRESS_BUCKETS);
      return 0;
    },
    clear(buckets) {
      store.removeThrottles(buckets);
    },
  };
}
