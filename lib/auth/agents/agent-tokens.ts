/**
 * Tokens of single hosts: 256 random bits, shown once, stored as a hash. Looked up by that hash, so that the time of a
 * look-up tells nothing of any token. Version 1's tokens are honoured while its hash secret is configured.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { AgentTokenRecord, AgentTokenStore } from './agent-ports';
import { sha256Hex } from '../encryption';
import type { Clock } from '../operator/auth-ports';

/** Marks a token for people and for programs that look for leaked secrets. */
const PREFIX = 'nft_';
const TOKEN_BYTES = 32;
/** How exactly the last use is remembered. */
const LAST_USED_STEP_MS = 60_000;
/** How long the old token of a host stays good beside a new one that was not used yet. */
export const TOKEN_OVERLAP_MS = 7 * 24 * 3_600_000;
/** Ended tokens and codes are listed for this long. */
const FORGET_AFTER_MS = 30 * 24 * 3_600_000;

/** The hash of a secret of high entropy, as it is stored. */
export const secretHash = sha256Hex;
export const newSecret = (prefix: string): string => `${prefix}${randomBytes(TOKEN_BYTES).toString('base64url')}`;

export interface IssuedToken {
  id: string;
  /** In the clear: for this one answer, kept nowhere. */
  token: string;
}

export interface AgentTokens {
  /** The good token that this is, or null. */
  find(token: string): AgentTokenRecord | null;
  /** Remembers that a token was used; at its first use the host's older ones end. True when some ended. */
  used(record: AgentTokenRecord): boolean;
  isGood(id: string): boolean;
  /** Whether a host has a good token that was made here. Version 1 let its hosts use the shared token, too. */
  hasOwn(hostId: string): boolean;
  /** Whether no other token that was made here is left to its host. */
  isLastOwn(id: string): boolean;
  /** Good ones, newest first. */
  good(): AgentTokenRecord[];
  /** A record for a new token, not stored yet. */
  make(hostId: string, createdBy: string): { issued: IssuedToken; record: AgentTokenRecord };
  /** Makes and stores a token. The host's others stay good until it is used, for a week at most. */
  issue(hostId: string, createdBy: string): IssuedToken;
  /** The token that was revoked; null when there was none to revoke. */
  revoke(id: string): AgentTokenRecord | null;
  /** When a token that is replaced now ends. */
  overlapEnd(): number;
}

export function createAgentTokens(store: AgentTokenStore, now: Clock, v1HashSecret: string | null): AgentTokens {
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
      const own = store.tokenByHash(secretHash(token));
      if (own?.scheme === 'sha256') return isGood(own) ? own : null;
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
    hasOwn: (hostId) => store.tokens(hostId).some((record) => record.scheme === 'sha256' && isGood(record)),
    isLastOwn(id) {
      const own = store.token(id);
      if (own === null || own.scheme !== 'sha256' || !isGood(own)) return false;
      // One that ends by itself soon holds the door no longer than that.
      return !store
        .tokens(own.hostId)
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
