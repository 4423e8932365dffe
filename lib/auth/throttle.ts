/**
 * Limits on failed attempts, in the database: a restart forgets nothing. An attempt is counted before its hash is
 * computed and taken back when it was right, so that a thousand attempts at once are a thousand, not one.
 */
import { limitKey } from './client-address';
import type { AuthStore, Clock, ThrottleRecord } from './operator/auth-ports';

/** What was tried. Each has buckets of its own. `decoy` only takes as long as `totp`, and never blocks. */
export type ThrottleKind =
  'password' | 'totp' | 'setup-code' | 'agent-token' | 'enrolment-code' | 'step-up' | 'present-password' | 'decoy';

/** Codes of six digits are few, so free tries for them don't come back every minute. */
const OF_CODES = /^(?:totp|step-up):/;

export interface Throttle {
  /** Counts one attempt in each of the buckets; when one of them is blocked, counts none and gives the time to wait (ms). */
  take(buckets: readonly string[], alsoBlockedBy?: readonly string[]): number;
  /** Forgets the failures: the attempt was right. */
  clear(buckets: readonly string[]): void;
}

const FIRST_WAIT_MS = 1_000;
const HOUR_MS = 3_600_000;
/** The longest wait, and after how long without another failure those beyond the free ones are forgotten. */
const USUAL = { longestWaitMs: HOUR_MS / 4, forgetAfterMs: 24 * HOUR_MS };
/**
 * Each guess of a code is right with 3 in a million (three steps are accepted). Whoever holds the password and guesses
 * for a year comes to some 2,200 guesses with these, which is right with 0.7 %.
 */
const FOR_CODES = { longestWaitMs: 4 * HOUR_MS, forgetAfterMs: 7 * 24 * HOUR_MS };
/** What was quiet for so long is forgotten in every bucket. */
const FORGOTTEN_AFTER_MS = FOR_CODES.forgetAfterMs;
/** Buckets of addresses that are kept: an attacker with many addresses fills no disk. */
const MAX_ADDRESS_BUCKETS = 10_000;

const backOff = (bucket: string) => (OF_CODES.test(bucket) ? FOR_CODES : USUAL);

export const accountBucket = (kind: ThrottleKind, userId: string): string => `${kind}:account:${userId}`;
export const addressBucket = (kind: ThrottleKind, address: string): string => `${kind}:address:${limitKey(address)}`;

/** Of a browser that signed in before, as its device cookie names it. */
export const deviceBucket = (kind: ThrottleKind, deviceId: string): string => `${kind}:device:${deviceId}`;

export type ThrottleStore = Pick<AuthStore, 'throttle' | 'saveThrottles' | 'removeThrottles' | 'pruneThrottles'>;

export function createThrottle(
  store: ThrottleStore,
  now: Clock,
  limits: { freeFailures: number; windowMs: number },
): Throttle {
  const { freeFailures } = limits;

  function isForgotten(record: ThrottleRecord, at: number): boolean {
    // The clock went back: what it said before can't be compared.
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
