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
/** Ended sessions that are remembered. A look-up that was asked for before the end is answered within seconds. */
const MAX_ENDED = 1_000;

export interface Sessions {
  /** Creates a session. The id goes into the operator's cookie and is stored nowhere. */
  create(who: { userId: string; userName: string; address: string; userAgent: string; deviceId: string }): Promise<{
    sessionId: string;
    session: Session;
  }>;
  /** The session with this id. Counts as activity. */
  bySessionId(sessionId: string): Promise<Session | null>;
  /** The session with this hash. Does not count as activity. */
  byHash(idHash: string): Promise<Session | null>;
  /** The valid sessions of a user, the last seen first. */
  list(userId: string): Promise<OpenSession[]>;
  /** Ends a session and returns it; null when there was none. */
  revoke(idHash: string): Promise<Session | null>;
  /** Ends the other sessions of the same user. Returns their number. */
  endOthers(kept: Pick<Session, 'userId' | 'idHash'>): Promise<number>;
  /** Ends all sessions of a user. Returns their number. */
  endAll(userId: string): Promise<number>;
  /** True when this process has ended the session. */
  hasEnded(idHash: string): boolean;
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
  /** Sessions that this process ended: a look-up may have read one before its end and be answered after it. */
  const ended = new Set<string>();

  function valid(stored: StoredSession | null, at: number): Session | null {
    if (stored === null || stored.revokedAt !== null || ended.has(stored.idHash)) return null;
    if (at >= stored.expiresAt || at - stored.lastSeenAt >= idleMs) return null;
    const { idHash, userId, userName, deviceId, createdAt, expiresAt } = stored;
    return { idHash, userId, userName, deviceId, createdAt, expiresAt };
  }

  async function byHash(idHash: string): Promise<Session | null> {
    return valid(await store.session(idHash), now());
  }

  async function list(userId: string): Promise<OpenSession[]> {
    const stored = await store.sessionsOf(userId);
    const at = now();
    return stored.flatMap((one) => {
      const session = valid(one, at);
      if (session === null) return [];
      const { lastSeenAt, address, userAgent } = one;
      return [{ ...session, lastSeenAt, idleEndsAt: lastSeenAt + idleMs, address, userAgent }];
    });
  }

  async function revoke(idHash: string): Promise<Session | null> {
    const session = await byHash(idHash);
    if (session === null || !(await store.revokeSession(idHash, now()))) return null;
    ended.add(idHash);
    const [oldest] = ended;
    if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest);
    for (const listener of listeners) listener(idHash);
    return session;
  }

  async function endOthers({ userId, idHash }: Pick<Session, 'userId' | 'idHash'>): Promise<number> {
    let count = 0;
    for (const other of await list(userId)) {
      if (other.idHash !== idHash && (await revoke(other.idHash)) !== null) count += 1;
    }
    return count;
  }

  return {
    async create({ userId, userName, address, userAgent, deviceId }) {
      const at = now();
      const sessionId = randomBytes(SESSION_ID_BYTES).toString('base64url');
      const idHash = sessionIdHash(sessionId);
      const session = { idHash, userId, deviceId, createdAt: at, expiresAt: at + durationMs };
      await store.removeSessions(at);
      await store.addSession({ ...session, lastSeenAt: at, address, userAgent: plainText(userAgent, MAX_USER_AGENT) });
      return { sessionId, session: { ...session, userName } };
    },
    async bySessionId(sessionId) {
      const stored = await store.session(sessionIdHash(sessionId));
      const at = now();
      const session = valid(stored, at);
      if (session === null || stored === null || at - stored.lastSeenAt < LAST_SEEN_STEP_MS) return session;
      try {
        await store.touchSession(session.idHash, at);
      } catch {
        // A full disk must not keep the operator from the page that reports it; the activity is written next time.
      }
      return ended.has(session.idHash) ? null : session;
    },
    byHash,
    list,
    revoke,
    endOthers,
    endAll: (userId) => endOthers({ userId, idHash: '' }),
    hasEnded: (idHash) => ended.has(idHash),
    onEnd(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
