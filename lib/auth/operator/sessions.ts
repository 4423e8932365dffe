/** Sessions in the database, looked up on every request, so a revoked session ends at once. */
import { randomBytes } from 'node:crypto';
import { plainText } from '@/lib/text/plain-text';
import { sha256Hex } from '../encryption';
import type { AuthStore, WallClock, StoredSession } from './auth-ports';
import type { OpenSession, Session } from './auth-service';

const SESSION_ID_BYTES = 32;
/** Resolution of stored activity: at most one write a minute. */
const LAST_SEEN_STEP_MS = 60_000;
const MAX_USER_AGENT = 400;

export interface Sessions {
  /** Creates a session. The id goes into the operator's cookie and is stored nowhere. */
  create(who: { userId: string; userName: string; address: string; userAgent: string; deviceId: string }): {
    sessionId: string;
    session: Session;
  };
  /** The session with this id. Counts as activity. */
  bySessionId(sessionId: string): Session | null;
  /** The session with this hash. Does not count as activity. */
  byHash(idHash: string): Session | null;
  /** The valid sessions of a user, the last seen first. */
  list(userId: string): OpenSession[];
  /** Ends a session and returns it; null when there was none. */
  revoke(idHash: string): Session | null;
  /** Ends the other sessions of the same user. Returns their number. */
  endOthers(kept: Pick<Session, 'userId' | 'idHash'>): number;
  /** Ends all sessions of a user. Returns their number. */
  endAll(userId: string): number;
  onEnd(listener: (idHash: string) => void): () => void;
}

export const sessionIdHash = (sessionId: string): string => sha256Hex(sessionId);

export interface SessionLimits {
  /** Longest duration of a session. */
  sessionDurationMs: number;
  /** A session without activity ends after this long, or after its whole duration when that is shorter. */
  sessionIdleMs: number;
}

export function createSessions(store: AuthStore, now: WallClock, limits: SessionLimits): Sessions {
  const durationMs = limits.sessionDurationMs;
  const idleMs = Math.min(durationMs, limits.sessionIdleMs);
  const listeners = new Set<(idHash: string) => void>();

  function valid(stored: StoredSession | null, at: number): Session | null {
    if (stored === null || stored.revokedAt !== null) return null;
    if (at >= stored.expiresAt || at - stored.lastSeenAt >= idleMs) return null;
    const { idHash, userId, userName, deviceId, createdAt, expiresAt } = stored;
    return { idHash, userId, userName, deviceId, createdAt, expiresAt };
  }

  function byHash(idHash: string): Session | null {
    return valid(store.session(idHash), now());
  }

  function list(userId: string): OpenSession[] {
    const at = now();
    return store.sessionsOf(userId).flatMap((stored) => {
      const session = valid(stored, at);
      if (session === null) return [];
      const { lastSeenAt, address, userAgent } = stored;
      return [{ ...session, lastSeenAt, idleEndsAt: lastSeenAt + idleMs, address, userAgent }];
    });
  }

  function revoke(idHash: string): Session | null {
    const session = byHash(idHash);
    if (session === null || !store.revokeSession(idHash, now())) return null;
    for (const listener of listeners) listener(idHash);
    return session;
  }

  const endOthers = ({ userId, idHash }: Pick<Session, 'userId' | 'idHash'>) =>
    list(userId).filter((other) => other.idHash !== idHash && revoke(other.idHash) !== null).length;

  return {
    create({ userId, userName, address, userAgent, deviceId }) {
      const at = now();
      const sessionId = randomBytes(SESSION_ID_BYTES).toString('base64url');
      const idHash = sessionIdHash(sessionId);
      const session = { idHash, userId, deviceId, createdAt: at, expiresAt: at + durationMs };
      store.removeSessions(at);
      store.addSession({ ...session, lastSeenAt: at, address, userAgent: plainText(userAgent, MAX_USER_AGENT) });
      return { sessionId, session: { ...session, userName } };
    },
    bySessionId(sessionId) {
      const at = now();
      const stored = store.session(sessionIdHash(sessionId));
      const session = valid(stored, at);
      if (session && stored && at - stored.lastSeenAt >= LAST_SEEN_STEP_MS) {
        try {
          store.touchSession(session.idHash, at);
        } catch {
          // A full disk must not keep the operator from the page that reports it; the activity is written next time.
        }
      }
      return session;
    },
    byHash,
    list,
    revoke,
    endOthers,
    endAll: (userId) => endOthers({ userId, idHash: '' }),
    onEnd(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
