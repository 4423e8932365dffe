/**
 * Host tokens: 256 random bits, shown once, stored as a hash. They are read from memory: this process is the only one
 * that changes them while it holds the data folder. Version 1's tokens are accepted while its hash secret is configured.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { AgentTokenRecord, AgentTokenStore } from './agent-ports';
import { sha256Hex } from '../encryption';
import type { WallClock } from '../operator/auth-ports';
import { TokenMemory } from './token-memory';
import type { WorkQueue } from '@/lib/limits/work-queue';

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

/** What came of an enrolment code for a host. */
export type Redemption = { kind: 'issued'; issued: IssuedToken } | { kind: 'has-token' } | { kind: 'used-up' };

export interface AgentTokens {
  /** The record of a valid token, or null. */
  find(token: string): AgentTokenRecord | null;
  /**
   * Stores in the background that a token was used; at its first use, the host's older ones end. A use that the database
   * refuses is forgotten: the next one stores it.
   */
  used(id: string): void;
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
  /** Creates and stores a token. The host's other tokens stay valid until it is used, for a week at most. */
  issue(hostId: string, createdBy: string): Promise<IssuedToken>;
  /** Creates a token as `issue` does and uses up the code. With `onlyFirst`, not for a host that has a token. */
  redeem(codeHash: string, host: { id: string; name: string }, onlyFirst: boolean): Promise<Redemption>;
  /** The revoked token; null when there was none. `mayRevoke` is asked before anything is written. */
  revoke(id: string, mayRevoke: (id: string) => boolean): Promise<AgentTokenRecord | 'not-allowed' | null>;
  /** Forgets the tokens of a removed host, whose rows were removed with it. */
  forgetHost(hostId: string): void;
}

export interface AgentTokenOptions {
  store: AgentTokenStore;
  now: WallClock;
  v1HashSecret: string | null;
  /** Runs writes in order, so that memory changes in the order of the database. */
  writes: WorkQueue;
  /** Called when tokens have ended because their successor was used. */
  onReplaced: () => void;
}

/** Reads the tokens once. Rejects when the database can't be read. */
export async function loadAgentTokens(options: AgentTokenOptions): Promise<AgentTokens> {
  const { store, now, v1HashSecret, writes, onReplaced } = options;
  const memory = new TokenMemory(await store.tokens());
  memory.dropExpired(now());
  /** Tokens whose use is to be stored, with its time. */
  let unstoredUses = new Map<string, number>();

  function isGood(record: AgentTokenRecord): boolean {
    if (record.revokedAt !== null || (record.expiresAt !== null && record.expiresAt <= now())) return false;
    return record.scheme === 'sha256' || v1HashSecret !== null;
  }

  const isDue = ({ lastUsedAt }: AgentTokenRecord, at: number) =>
    lastUsedAt === null || Math.abs(at - lastUsedAt) >= LAST_USED_STEP_MS;
  const isGoodHostToken = (record: AgentTokenRecord) => record.scheme === 'sha256' && isGood(record);
  const hasHostToken = (hostId: string) => memory.ofHost(hostId).some(isGoodHostToken);

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
    return { issued: { id: record.id, token }, record, othersEndAt: now() + TOKEN_OVERLAP_MS };
  }

  /** Stores all uses that wait, in one transaction: a whole fleet reconnects at once. */
  async function storeUses(): Promise<void> {
    const waiting = unstoredUses;
    unstoredUses = new Map();
    const uses = [...waiting].flatMap(([id, at]) => {
      const record = memory.get(id);
      if (record === null || !isDue(record, at)) return [];
      const replaces =
        record.lastUsedAt === null &&
        record.scheme === 'sha256' &&
        memory.ofHost(record.hostId).some((other) => other.id !== id && isGood(other));
      return [{ id, at, othersEndAt: replaces ? at : null }];
    });
    if (uses.length === 0) return;
    await store.useTokens(uses);
    for (const use of uses) memory.use(use);
    if (uses.some(({ othersEndAt }) => othersEndAt !== null)) onReplaced();
  }

  return {
    find(token) {
      const issued = memory.withHash(secretHash(token));
      if (issued?.scheme === 'sha256') return isGood(issued) ? issued : null;
      if (v1HashSecret === null) return null;
      const adopted = memory.withHash(createHmac('sha256', v1HashSecret).update(token).digest('hex'));
      return adopted?.scheme === 'v1-hmac' && isGood(adopted) ? adopted : null;
    },
    used(id) {
      const at = now();
      const record = memory.get(id);
      if (record === null || !isDue(record, at)) return;
      const isScheduled = unstoredUses.size > 0;
      unstoredUses.set(id, at);
      // A failure to store the use (a full disk) must not block a valid agent.
      if (!isScheduled) writes.run(storeUses).catch(() => undefined);
    },
    isGood(id) {
      const record = memory.get(id);
      return record !== null && isGood(record);
    },
    hasHostToken,
    isLastHostToken(id) {
      const token = memory.get(id);
      if (token === null || !isGoodHostToken(token)) return false;
      // A token that is about to expire does not protect its host after that.
      return !memory
        .ofHost(token.hostId)
        .some((other) => other.id !== id && isGoodHostToken(other) && other.expiresAt === null);
    },
    good: () => memory.all().filter(isGood),
    issue: (hostId, createdBy) =>
      writes.run(async () => {
        const { issued, record, othersEndAt } = make(hostId, createdBy);
        memory.dropExpired(now());
        await store.forgetEnded(now() - FORGET_AFTER_MS);
        await store.addToken(record, othersEndAt);
        memory.add(record, othersEndAt);
        return issued;
      }),
    redeem: (codeHash, host, onlyFirst) =>
      writes.run(async () => {
        if (onlyFirst && hasHostToken(host.id)) return { kind: 'has-token' };
        const { issued, record, othersEndAt } = make(host.id, host.name);
        if (!(await store.useCode(codeHash, record, othersEndAt))) return { kind: 'used-up' };
        memory.add(record, othersEndAt);
        return { kind: 'issued', issued };
      }),
    revoke: (id, mayRevoke) =>
      writes.run(async () => {
        if (!mayRevoke(id)) return 'not-allowed';
        const record = await store.token(id);
        if (record === null || !(await store.revokeToken(id, now()))) return null;
        memory.remove(id);
        return record;
      }),
    forgetHost(hostId) {
      memory.removeHost(hostId);
      // A token that was stored before the removal may be added to memory after it.
      void writes.run(() => {
        memory.removeHost(hostId);
        return Promise.resolve();
      });
    },
  };
}
