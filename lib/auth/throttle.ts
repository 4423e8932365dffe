/**
 * Limits on failed attempts, stored in the database so that a restart does not reset them. An attempt is counted before
 * its hash is computed and cleared when it was correct, so a thousand concurrent attempts count as a thousand.
 *
 * The rule is here, and other attempts run between reading a record and writing it. So the store writes a count only if
 * the record is still the one that was read; otherwise the rule is applied to the new record.
 */
import { limitKey } from './client-address';
import type { AuthStore, WallClock, ThrottleRecord } from './operator/auth-ports';

/**
 * The kind of attempt. Each has separate buckets. `decoy` takes as long as `totp` and never blocks; `recovery` counts
 * attempts with a right recovery code, which others' failures do not block.
 */
export type ThrottleKind =
  | 'password'
  | 'totp'
  | 'setup-code'
  | 'agent-token'
  | 'enrolment-code'
  | 'step-up'
  | 'present-password'
  | 'recovery'
  | 'decoy';

/** There are few six-digit codes, so their free attempts are not restored every minute. */
const OF_CODES = /^(?:totp|step-up):/;

export type Attempt =
  /** It may be made. `records`: its buckets with this attempt counted. */
  | { kind: 'counted'; records: readonly ThrottleRecord[] }
  /** It must not be made before this time has passed. Nothing was counted. */
  | { kind: 'blocked'; waitMs: number };

export interface Throttle {
  /** Counts one attempt in each bucket, unless one of them or of `alsoBlockedBy` is blocked. */
  take(buckets: readonly string[], alsoBlockedBy?: readonly string[]): Promise<Attempt>;
  /**
   * Clears the failures up to a correct attempt. Attempts counted after it stay counted: concurrent guesses must not
   * become free because somebody else's attempt was correct.
   */
  clear(records: readonly ThrottleRecord[]): Promise<void>;
  /** Clears all failures of these buckets, which the correct attempt itself was not counted in. */
  forget(buckets: readonly string[]): Promise<void>;
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

/**
 * How often a count is tried again because others were counted meanwhile. A bucket blocks after a few attempts, so more
 * than this many in a row do not succeed unless the limits were set very high.
 */
const MAX_ROUNDS = 100;

const backOff = (bucket: string) => (OF_CODES.test(bucket) ? FOR_CODES : USUAL);

export const accountBucket = (kind: ThrottleKind, userId: string): string => `${kind}:account:${userId}`;

/**
 * What `nixfleet unlock` clears, of accounts, addresses and browsers alike: behind one proxy the operator may have the
 * address of whoever guesses. Limits of agents stay.
 */
export const SIGN_IN_KINDS: readonly ThrottleKind[] = [
  'password',
  'totp',
  'decoy',
  'recovery',
  'setup-code',
  'step-up',
  'present-password',
];

export const addressBucket = (kind: ThrottleKind, address: string): string => `${kind}:address:${limitKey(address)}`;

/** The bucket of a known browser, by the id of its device cookie. */
export const deviceBucket = (kind: ThrottleKind, deviceId: string): string => `${kind}:device:${deviceId}`;

export type ThrottleStore = Pick<AuthStore, 'throttles' | 'changeThrottles' | 'removeThrottles' | 'pruneThrottles'>;

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

  const known = (record: ThrottleRecord | null, at: number) =>
    record === null || isForgotten(record, at) ? null : record;

  /** When a bucket with this many failures, the last of them at `lastAt`, accepts the next attempt; 0 for at once. */
  function blockedUntil(bucket: string, failures: number, lastAt: number): number {
    if (failures < freeFailures || bucket.startsWith('decoy:')) return 0;
    return lastAt + Math.min(FIRST_WAIT_MS * 2 ** (failures - freeFailures), backOff(bucket).longestWaitMs);
  }

  function afterFailure(bucket: string, record: ThrottleRecord | null, at: number): ThrottleRecord {
    const failures = (record?.failures ?? 0) + 1;
    const firstAt = record?.firstAt ?? at;
    return { bucket, failures, firstAt, lastAt: at, blockedUntil: blockedUntil(bucket, failures, at) };
  }

  /** What remains of a record when the attempt that was counted last in `counted` was correct. */
  function afterSuccess(stored: ThrottleRecord, counted: ThrottleRecord): ThrottleRecord | null {
    // Cleared or forgotten meanwhile, and begun anew by later attempts.
    if (stored.firstAt !== counted.firstAt) return stored;
    const failures = stored.failures - counted.failures;
    if (failures <= 0) return null;
    return { ...stored, failures, blockedUntil: blockedUntil(stored.bucket, failures, stored.lastAt) };
  }

  /** One try at counting an attempt; null when a record changed meanwhile. */
  async function tryTake(buckets: readonly string[], others: readonly string[]): Promise<Attempt | null> {
    const at = now();
    const stored = await store.throttles([...buckets, ...others]);
    const records = stored.map((record) => known(record, at));
    const waitMs = Math.max(0, ...records.map((record) => (record?.blockedUntil ?? 0) - at));
    if (waitMs > 0) return { kind: 'blocked', waitMs };
    const counted = buckets.map((bucket, index) => afterFailure(bucket, records[index] ?? null, at));
    const changes = counted.map((to, index) => ({ bucket: to.bucket, from: stored[index] ?? null, to }));
    if (!(await store.changeThrottles(changes))) return null;
    if (records.slice(0, buckets.length).includes(null)) {
      await store.pruneThrottles(at - FORGOTTEN_AFTER_MS, MAX_ADDRESS_BUCKETS);
    }
    return { kind: 'counted', records: counted };
  }

  return {
    async take(buckets, alsoBlockedBy = []) {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const attempt = await tryTake(buckets, alsoBlockedBy);
        if (attempt !== null) return attempt;
      }
      return { kind: 'blocked', waitMs: FIRST_WAIT_MS };
    },
    async clear(records) {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const stored = await store.throttles(records.map(({ bucket }) => bucket));
        const changes = records.flatMap((counted, index) => {
          const from = stored[index] ?? null;
          const to = from === null ? null : afterSuccess(from, counted);
          return to === from ? [] : [{ bucket: counted.bucket, from, to }];
        });
        if (changes.length === 0 || (await store.changeThrottles(changes))) return;
      }
      // The failures stay counted: the next attempt may have to wait, but none becomes free.
    },
    forget: (buckets) => store.removeThrottles(buckets),
  };
}
