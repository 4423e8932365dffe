/** Sessions in the database, looked up on every request: what is revoked is over at once. */
import { randomBytes } from 'node:crypto';
import { plainText } from '@/lib/text/plain-text';
import { sha256Hex } from '../encryption';
import type { AuthStore, Clock, StoredSession } from './auth-ports';
import type { OpenSession, Session } from './auth-service';

const SESSION_ID_BYTES = 32;
/** How exactly activity is remembered: one write a minute at most. */
const LAST_SEEN_STEP_MS = 60_000;
const MAX_USER_AGENT = 400;

export interface Sessions {
  /** Starts one. The id goes into the operator's cookie and is stored nowhere. */
  create(who: { userId: string; userName: string; address: string; userAgent: string; deviceId: string }): {
    sessionId: string;
    session: Session;
  };
  /** The session with this id, as activity of the operator. */
  bySessionId(sessionId: string): Session | null;
  /** The session with this hash, without counting as activity. */
  byHash(idHash: string): Session | null;
  /** The sessions of a user that are valid now, the one last seen first. */
  list(userId: string): OpenSession[];
  /** The session that ended, or null when there was none to end. */
  revoke(idHash: string): Session | null;
  /** Ends the other sessions of the same user; gives how many there were. */
  endOthers(kept: Pick<Session, 'userId' | 'idHash'>): number;
  /** Ends all sessions of a user; gives how many there were. */
  endAll(userId: string): number;
  onEnd(listener: (idHash: string) => void): () => void;
}

export const sessionIdHash = (sessionId: string): string => sha256Hex(sessionId);

export interface SessionLimits {
  /** How long a session lasts at most. */
  sessionDurationMs: number;
  /** A session without activity ends after this long, or after its whole duration when that is shorter. */
  sessionIdleMs: number;
}

export function createSessions(store: AuthStore, now: Clock, limits: SessionLimits): Sessions {
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
          // A full disk must not keep the operator from the page that tells of it; the activity is written next time.
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
