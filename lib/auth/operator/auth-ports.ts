/**
 * The ports of sign-in and sessions. All methods are synchronous, so that steps that belong together run in one turn.
 */
import type { NewEvent } from '@/lib/fleet/records/event-record';

/** Today there is one operator. Sessions, events and commands already carry a user. */
export const OPERATOR = { id: 'operator', name: 'operator' } as const;

export const OPERATOR_ACTOR = { userId: OPERATOR.id, userName: OPERATOR.name } as const;

export interface UserRecord {
  id: string;
  name: string;
  /** argon2id (or an adopted bcrypt hash); null when none is stored. */
  passwordHash: string | null;
  /** Encrypted (see `encryption.ts`); null when none is stored. */
  totpSecret: string | null;
}

export interface SessionRecord {
  idHash: string;
  userId: string;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  address: string;
  userAgent: string;
  /** The device id of the browser's device cookie; empty when it has none. */
  deviceId: string;
}

export interface StoredSession extends SessionRecord {
  userName: string;
  revokedAt: number | null;
}

export interface ThrottleRecord {
  bucket: string;
  failures: number;
  firstAt: number;
  lastAt: number;
  blockedUntil: number;
}

export interface AuthStore {
  /** Adds the user if there is none with this id; never changes one. */
  ensureUser(user: { id: string; name: string }, now: number): void;
  user(id: string): UserRecord | null;
  /**
   * Sets the first password, second factor and recovery codes together. False, with nothing written, when a password
   * exists.
   */
  setFirstCredentials(credentials: {
    userId: string;
    passwordHash: string;
    totpSecret: string | null;
    recoveryCodeHashes: readonly string[];
    now: number;
  }): boolean;

  setPassword(userId: string, passwordHash: string, now: number): void;
  /** Sets or (null) removes the second factor, and its recovery codes with it. */
  setSecondFactor(factor: {
    userId: string;
    totpSecret: string | null;
    recoveryCodeHashes: readonly string[];
    now: number;
  }): void;
  /** Replaces all recovery codes. */
  setRecoveryCodes(userId: string, codeHashes: readonly string[]): void;
  recoveryCodesLeft(userId: string): number;
  /** Fingerprint of the credentials that the environment set at the last start; null before the first. */
  configuredMark(): string | null;
  setConfiguredMark(mark: string, now: number): void;

  /** Stores that a code of this time step was used. False when one of this or a later step was already used. */
  useTotpStep(secretHash: string, step: number): boolean;
  /** False when the code is unknown or already used. */
  useRecoveryCode(userId: string, codeHash: string, now: number): boolean;

  addSession(session: SessionRecord): void;
  session(idHash: string): StoredSession | null;
  /** Sessions that were not revoked, the last seen first. */
  sessionsOf(userId: string): StoredSession[];
  touchSession(idHash: string, lastSeenAt: number): void;
  /** False when it was already revoked or does not exist. */
  revokeSession(idHash: string, now: number): boolean;
  /** Removes sessions that expired before this time. */
  removeSessions(expiredBefore: number): void;

  throttle(bucket: string): ThrottleRecord | null;
  /** Writes all of them together. */
  saveThrottles(records: readonly ThrottleRecord[]): void;
  removeThrottles(buckets: readonly string[]): void;
  /** Removes buckets without failures since `before`, and the oldest address buckets beyond `keep`. */
  pruneThrottles(before: number, keep: number): void;
}

/** Milliseconds since the epoch. */
export type WallClock = () => number;
export type EventRecorder = (event: NewEvent) => void;
