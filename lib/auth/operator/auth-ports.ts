/**
 * The ports of sign-in and sessions. Between two calls, calls of others may run: a decision that depends on what is
 * stored is one method, which compares and writes in one transaction. Arguments and answers survive structured clone.
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

/** A change of one record: `from` as it was read, `to` as it shall be; null for none. */
export interface ThrottleChange {
  bucket: string;
  from: ThrottleRecord | null;
  to: ThrottleRecord | null;
}

/** Every method rejects when the database refuses; then nothing has changed. */
export interface AuthStore {
  /** Adds the user if there is none with this id; never changes one. */
  ensureUser(user: { id: string; name: string }, now: number): Promise<void>;
  user(id: string): Promise<UserRecord | null>;
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
  }): Promise<boolean>;

  setPassword(userId: string, passwordHash: string, now: number): Promise<void>;
  /** Sets or (null) removes the second factor, and its recovery codes with it. */
  setSecondFactor(factor: {
    userId: string;
    totpSecret: string | null;
    recoveryCodeHashes: readonly string[];
    now: number;
  }): Promise<void>;
  /** Replaces all recovery codes. */
  setRecoveryCodes(userId: string, codeHashes: readonly string[]): Promise<void>;
  recoveryCodesLeft(userId: string): Promise<number>;
  /** Fingerprint of the credentials that the environment set at the last start; null before the first. */
  configuredMark(): Promise<string | null>;
  setConfiguredMark(mark: string, now: number): Promise<void>;

  /** Stores that a code of this time step was used. False when one of this or a later step was already used. */
  useTotpStep(secretHash: string, step: number): Promise<boolean>;
  /** Whether there is such a code that was not used yet. */
  hasRecoveryCode(userId: string, codeHash: string): Promise<boolean>;
  /** False when the code is unknown or already used. */
  useRecoveryCode(userId: string, codeHash: string, now: number): Promise<boolean>;

  addSession(session: SessionRecord): Promise<void>;
  session(idHash: string): Promise<StoredSession | null>;
  /** Sessions that were not revoked, the last seen first. */
  sessionsOf(userId: string): Promise<StoredSession[]>;
  touchSession(idHash: string, lastSeenAt: number): Promise<void>;
  /** False when it was already revoked or does not exist. */
  revokeSession(idHash: string, now: number): Promise<boolean>;
  /** Removes sessions that expired before this time. */
  removeSessions(expiredBefore: number): Promise<void>;

  /** The records of these buckets, in their order. */
  throttles(buckets: readonly string[]): Promise<(ThrottleRecord | null)[]>;
  /** Makes all of these changes. False, with nothing written, when a record is no longer the one it changes. */
  changeThrottles(changes: readonly ThrottleChange[]): Promise<boolean>;
  removeThrottles(buckets: readonly string[]): Promise<void>;
  /** Removes all buckets of these kinds: those whose name begins with one of them and a colon. */
  removeThrottlesOf(kinds: readonly string[]): Promise<void>;
  /** Removes buckets without failures since `before`, and the oldest address buckets beyond `keep`. */
  pruneThrottles(before: number, keep: number): Promise<void>;
}

/** Milliseconds since the epoch. */
export type WallClock = () => number;
export type EventRecorder = (event: NewEvent) => void | Promise<void>;
