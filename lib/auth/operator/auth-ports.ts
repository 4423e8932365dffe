/** What sign-in and sessions ask of the world. Everything is synchronous: what must hold together runs in one turn. */
import type { NewEvent } from '@/lib/fleet/records/event-record';

/** The one operator there is today. Sessions, events and commands already carry a user. */
export const OPERATOR = { id: 'operator', name: 'operator' } as const;

export const OPERATOR_ACTOR = { userId: OPERATOR.id, userName: OPERATOR.name } as const;

export interface UserRecord {
  id: string;
  name: string;
  /** argon2id (or an adopted bcrypt hash); null while there is none in the database. */
  passwordHash: string | null;
  /** Encrypted (see `encryption.ts`); null while there is none in the database. */
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
  /** The browser, as its device cookie names it; empty when it has none. */
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
  /** Adds the user when there is none with this id; never changes one. */
  ensureUser(user: { id: string; name: string }, now: number): void;
  user(id: string): UserRecord | null;
  /** Sets the first password, second factor and recovery codes together. False, and nothing written, when there is a password. */
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
  /** What stands for the credentials that the environment set at the last start; null before the first. */
  configuredMark(): string | null;
  setConfiguredMark(mark: string, now: number): void;

  /** Remembers that a code of this time step was used. False when one of this or a later step was used before. */
  useTotpStep(secretHash: string, step: number): boolean;
  /** False when there is no such code, or it was used before. */
  useRecoveryCode(userId: string, codeHash: string, now: number): boolean;

  addSession(session: SessionRecord): void;
  session(idHash: string): StoredSession | null;
  /** Those that were not revoked, the one last seen first. */
  sessionsOf(userId: string): StoredSession[];
  touchSession(idHash: string, lastSeenAt: number): void;
  /** False when it was revoked before, or never was. */
  revokeSession(idHash: string, now: number): boolean;
  /** Removes sessions that expired before this moment. */
  removeSessions(expiredBefore: number): void;

  throttle(bucket: string): ThrottleRecord | null;
  /** Writes all of them together. */
  saveThrottles(records: readonly ThrottleRecord[]): void;
  removeThrottles(buckets: readonly string[]): void;
  /** Removes what was quiet since `before`, and of the buckets of addresses the oldest beyond `keep`. */
  pruneThrottles(before: number, keep: number): void;
}

/** Milliseconds since the epoch. */
export type Clock = () => number;
export type EventRecorder = (event: NewEvent) => void;
