/**
 * Limits on failed attempts, in the database: a restart forgets nothing. An attempt is counted before its hash is
 * computed and taken back when it was right, so that a thousand attempts at once are a thousand, not one.
 */
import { limitKey } from './client-address';
import type { AuthStore, Clock, ThrottleRecord } from './ports';

/** What was tried. Each has buckets of its own. `decoy` only takes as long as `totp`, and never blocks. */
export type ThrottleKind = 'password' | 'totp' | 'setup-code' | 'agent-token' | 'enrolment-code' | 'step-up' | 'decoy';

/** Codes of six digits are few, so free tries for them don't come back every minute. */
const OF_CODES = /^(?:totp|step-up):/;

export interface Throttle {
  /** Counts one attempt in each of the buckets; when one of them is blocked, counts none and gives the time to wait (ms). */
  take(buckets: readonly string[], alsoBlockedBy?: readonly string[]): number;
  /** Forgets the failures: the attempt was right. */
  clear(buckets: readonly string[]): void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** Failures beyond the free ones are forgotten after this long without another. */
const FORGET_AFTER_MS = 24 * 3_600_000;
/** Buckets of addresses that are kept: an attacker with many addresses fills no disk. */
const MAX_ADDRESS_BUCKETS = 10_000;

export const accountBucket = (kind: ThrottleKind, userId: string): string => `${kind}:account:${userId}`;
export const addressBucket = (kind: ThrottleKind, address: string): string => `${kind}:address:${limitKey(address)}`;

/** Of a browser that signed in before, as its device cookie names it. */
export const deviceBucket = (kind: ThrottleKind, deviceId: string): string => `${kind}:device:${deviceId}`;

export function createThrottle(
  store: AuthStore,
  now: Clock,
  limits: { freeFailures: number; windowMs: number },
): Throttle {
  const { freeFailures } = limits;

  function isForgotten(record: ThrottleRecord, at: number): boolean {
    // The clock went back: what it said before can't be compared.
    if (record.lastAt > at) return true;
    const windowed = record.failures < freeFailures && !OF_CODES.test(record.bucket);
    return windowed ? at - record.firstAt >= limits.windowMs : at - record.lastAt >= FORGET_AFTER_MS;
  }

  function known(bucket: string, at: number): ThrottleRecord | null {
    const record = store.throttle(bucket);
    return record === null || isForgotten(record, at) ? null : record;
  }

  function afterFailure(bucket: string, record: ThrottleRecord | null, at: number): ThrottleRecord {
    const failures = (record?.failures ?? 0) + 1;
    const blocks = failures >= freeFailures && !bucket.startsWith('decoy:');
    const waitMs = blocks ? Math.min(FIRST_WAIT_MS * 2 ** (failures - freeFailures), LONGEST_WAIT_MS) : 0;
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
      if (records.includes(null)) store.pruneThrottles(at - FORGET_AFTER_MS, MAX_ADDRESS_BUCKETS);
      return 0;
    },
    clear(buckets) {
      store.removeThrottles(buckets);
    },
  };
}
