/**
 * Host tokens: 256 random bits, shown once, stored as a hash. They are looked up by that hash, so the time of a look-up
 * reveals nothing about a token. Version 1's tokens are accepted while its hash secret is configured.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { AgentTokenRecord, AgentTokenStore } from './agent-ports';
import { sha256Hex } from '../encryption';
import type { WallClock } from '../operator/auth-ports';

/** Marks a token for people and for secret scanners. */
const PREFIX = 'nft_';
const TOKEN_BYTES = 32;
/** Resolution of the stored last use. */
const LAST_USED_STEP_MS = 60_000;
/** How long a host's old token stays valid beside a new one that was not used yet. */
export const TOKEN_OVERLAP_MS = 7 * 24 * 3_600_000;
/** Ended tokens and codes are listed for this long. */
const FORGET_AFTER_MS = 30 * 24 * 3_600_000;

/** The stored hash of a high-entropy secret. */
export const secretHash = sha256Hex;
export const newSecret = (prefix: string): string => `${prefix}${randomBytes(TOKEN_BYTES).toString('base64url')}`;

export interface IssuedToken {
  id: string;
  /** In clear text; stored nowhere. */
  token: string;
}

export interface AgentTokens {
  /** The record of a valid token, or null. */
  find(token: string): AgentTokenRecord | null;
  /** Stores that a token was used; at its first use, the host's older ones end. True when some ended. */
  used(record: AgentTokenRecord): boolean;
  isGood(id: string): boolean;
  /**
   * Whether a host has a valid token of this dashboard. Version-1 tokens do not count: version 1 let its hosts use the
   * shared token, too.
   */
  hasHostToken(hostId: string): boolean;
  /** Whether it is its host's last valid token of this dashboard. */
  isLastHostToken(id: string): boolean;
  /** Valid tokens, newest first. */
  good(): AgentTokenRecord[];
  /** Creates a record for a new token without storing it. */
  make(hostId: string, createdBy: string): { issued: IssuedToken; record: AgentTokenRecord };
  /** Creates and stores a token. The host's other tokens stay valid until it is used, for a week at most. */
  issue(hostId: string, createdBy: string): IssuedToken;
  /** The revoked token; null when there was none. */
  revoke(id: string): AgentTokenRecord | null;
  /** When a token that is replaced now expires. */
  overlapEnd(): number;
}

export function createAgentTokens(store: AgentTokenStore, now: WallClock, v1HashSecret: string | null): AgentTokens {
  function isGood(record: AgentTokenRecord): boolean {
    if (record.revokedAt !== null || (record.expiresAt !== null && record.expiresAt <= now())) return false;
    return record.scheme === 'sha256' || v1HashSecret !== null;
  }

  const overlapEnd = () => now() + TOKEN_OVERLAP_MS;

  function make(hostId: string, createdBy: string) {
    const token = newSecret(PREFIX);
    const record: AgentTokenRecord = {
      id: randomUUID(),
      hostId,
      scheme: 'sha256',
      tokenHash: secretHash(token),
      createdAt: now(),
      createdBy,
      lastUsedAt: null,
      expiresAt: null,
      revokedAt: null,
    };
    return { issued: { id: record.id, token }, record };
  }

  return {
    find(token) {
      const issued = store.tokenByHash(secretHash(token));
      if (issued?.scheme === 'sha256') return isGood(issued) ? issued : null;
      if (v1HashSecret === null) return null;
      const adopted = store.tokenByHash(createHmac('sha256', v1HashSecret).update(token).digest('hex'));
      return adopted?.scheme === 'v1-hmac' && isGood(adopted) ? adopted : null;
    },
    used(record) {
      const at = now();
      if (record.lastUsedAt !== null && Math.abs(at - record.lastUsedAt) < LAST_USED_STEP_MS) return false;
      const isFirst = record.lastUsedAt === null && record.scheme === 'sha256';
      const others = isFirst
        ? store.tokens(record.hostId).filter((other) => other.id !== record.id && isGood(other))
        : [];
      store.useToken(record.id, at, others.length > 0 ? at : null);
      return others.length > 0;
    },
    isGood(id) {
      const record = store.token(id);
      return record !== null && isGood(record);
    },
    hasHostToken: (hostId) => store.tokens(hostId).some((record) => record.scheme === 'sha256' && isGood(record)),
    isLastHostToken(id) {
      const token = store.token(id);
      if (token === null || token.scheme !== 'sha256' || !isGood(token)) return false;
      // A token that is about to expire does not protect its host after that.
      return !store
        .tokens(token.hostId)
        .some((other) => other.id !== id && other.scheme === 'sha256' && isGood(other) && other.expiresAt === null);
    },
    good: () => store.tokens().filter(isGood),
    make,
    issue(hostId, createdBy) {
      const { issued, record } = make(hostId, createdBy);
      store.forgetEnded(now() - FORGET_AFTER_MS);
      store.addToken(record, overlapEnd());
      return issued;
    },
    revoke(id) {
      const record = store.token(id);
      return record !== null && store.revokeToken(id, now()) ? record : null;
    },
    overlapEnd,
  };
}
