/** The contract of `AgentTokenStore`. Tokens refer to hosts: the engine opens a store that holds `TOKEN_HOSTS`. */
import { describe, expect, it } from 'vitest';
import type { AgentTokenRecord, AgentTokenStore, EnrolmentCodeRecord } from '@/lib/auth/agents/agent-ports';
import { LARGEST, REFUSAL, UNUSUAL_TEXT, type Open, useStore } from './contract';

export const TOKEN_HOSTS: readonly string[] = ['h1', 'h2'];

const token = (id: string, more: Partial<AgentTokenRecord> = {}): AgentTokenRecord => ({
  id,
  hostId: 'h1',
  scheme: 'sha256',
  tokenHash: `hash of ${id}`,
  createdAt: 1_000,
  createdBy: 'operator',
  lastUsedAt: null,
  expiresAt: null,
  revokedAt: null,
  ...more,
});
const code = (codeHash: string, more: Partial<EnrolmentCodeRecord> = {}): EnrolmentCodeRecord => ({
  codeHash,
  hostName: null,
  createdAt: 1_000,
  createdBy: 'operator',
  expiresAt: 5_000,
  usedAt: null,
  usedByHostId: null,
  ...more,
});

export function agentTokenStoreContract(name: string, open: Open<AgentTokenStore>): void {
  describe(`agents' tokens: ${name}`, () => {
    let store: AgentTokenStore;
    const { reopen, refuse } = useStore(open, (made) => (store = made));

    const idsOf = async (hostId?: string) => (await store.tokens(hostId)).map(({ id }) => id);
    const endOf = async (id: string) => (await store.token(id))?.expiresAt;

    it('gives a token as it was added, also across a reopening', async () => {
      const one = token(UNUSUAL_TEXT, {
        scheme: 'v1-hmac',
        createdBy: UNUSUAL_TEXT,
        createdAt: LARGEST,
        lastUsedAt: LARGEST - 1,
        expiresAt: LARGEST,
      });
      await store.addToken(one, 0);
      expect(await store.token(UNUSUAL_TEXT)).toEqual(one);
      expect(await (await reopen()).tokens()).toEqual([one]);
    });

    it('lists tokens that were not revoked, of one host or of all, the newest first', async () => {
      await store.addToken(token('a', { createdAt: 2 }), LARGEST);
      await store.addToken(token('b', { createdAt: 3, hostId: 'h2' }), LARGEST);
      await store.addToken(token('c', { createdAt: 1 }), LARGEST);
      await store.addToken(token('d', { createdAt: 4 }), LARGEST);
      await store.revokeToken('d', 5);
      expect(await idsOf()).toEqual(['b', 'a', 'c']);
      expect(await idsOf('h1')).toEqual(['a', 'c']);
      expect(await idsOf('nothing')).toEqual([]);
      expect(await store.token('nothing')).toBeNull();
    });

    it('ends the other tokens of a host when it adds one, and never prolongs one', async () => {
      await store.addToken(token('a', { expiresAt: 50 }), 0);
      await store.addToken(token('b', { hostId: 'h2' }), 0);
      await store.addToken(token('c'), 100);
      await store.addToken(token('d'), 200);
      expect([await endOf('a'), await endOf('b'), await endOf('c'), await endOf('d')]).toEqual([50, null, 200, null]);
    });

    it('refuses a second token with the same id or hash, or of an unknown host, and ends no other token then', async () => {
      await store.addToken(token('a'), 0);
      const constraint = { name: 'DatabaseError', kind: 'constraint' };
      await expect(store.addToken(token('a', { tokenHash: 'other' }), 1)).rejects.toMatchObject(constraint);
      await expect(store.addToken(token('b', { tokenHash: 'hash of a' }), 1)).rejects.toMatchObject(constraint);
      await expect(store.addToken(token('c', { hostId: 'nothing' }), 1)).rejects.toMatchObject(constraint);
      expect(await store.tokens()).toEqual([token('a')]);
    });

    it('stores uses together, ends the replaced tokens, and passes over tokens that no longer exist', async () => {
      await store.addToken(token('a'), LARGEST);
      await store.addToken(token('b'), LARGEST);
      await store.addToken(token('c', { hostId: 'h2' }), LARGEST);
      await store.useTokens([
        { id: 'nothing', at: 10, othersEndAt: 10 },
        { id: 'b', at: 20, othersEndAt: 30 },
        { id: 'c', at: LARGEST, othersEndAt: null },
      ]);
      expect((await store.token('b'))?.lastUsedAt).toBe(20);
      expect((await store.token('c'))?.lastUsedAt).toBe(LARGEST);
      expect([await endOf('a'), await endOf('b'), await endOf('c')]).toEqual([30, null, null]);
      await store.useTokens([]);
    });

    it('revokes a token once, also when asked at the same moment', async () => {
      await store.addToken(token('a'), 0);
      const answers = await Promise.all(Array.from({ length: 10 }, () => store.revokeToken('a', 7)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect((await store.token('a'))?.revokedAt).toBe(7);
      expect(await store.revokeToken('nothing', 7)).toBe(false);
    });

    it('removes tokens and codes that ended before a time, and no others', async () => {
      await store.addToken(token('expired', { expiresAt: 99 }), LARGEST);
      await store.addToken(token('later', { expiresAt: 100 }), LARGEST);
      await store.addToken(token('good', { hostId: 'h2' }), LARGEST);
      await store.addToken(token('revoked', { hostId: 'h2' }), LARGEST);
      await store.revokeToken('revoked', 99);
      await store.addCode(code('old', { expiresAt: 99 }));
      await store.addCode(code('open', { expiresAt: 100 }));
      await store.forgetEnded(100);
      expect((await idsOf()).sort()).toEqual(['good', 'later']);
      expect(await store.token('revoked')).toBeNull();
      expect((await store.codes()).map(({ codeHash }) => codeHash)).toEqual(['open']);
    });

    it('gives codes as they were added, the newest first', async () => {
      const one = code(UNUSUAL_TEXT, { hostName: UNUSUAL_TEXT, createdBy: UNUSUAL_TEXT, expiresAt: LARGEST });
      await store.addCode(one);
      await store.addCode(code('newer', { createdAt: 2_000 }));
      expect(await store.code(UNUSUAL_TEXT)).toEqual(one);
      expect(await store.code('nothing')).toBeNull();
      const again = await reopen();
      expect(await again.codes()).toEqual([code('newer', { createdAt: 2_000 }), one]);
    });

    it('uses a code once, with the token, also when asked at the same moment', async () => {
      await store.addToken(token('before'), LARGEST);
      await store.addCode(code('once'));
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) => store.useCode('once', token(`t${index}`), 4_000)),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await store.code('once')).toMatchObject({ usedAt: 1_000, usedByHostId: 'h1' });
      expect(await store.tokens()).toHaveLength(2);
      expect(await endOf('before')).toBe(4_000);
      expect(await store.useCode('nothing', token('none'), 0)).toBe(false);
    });

    it('leaves a code open when its token is refused', async () => {
      await store.addCode(code('open'));
      await expect(store.useCode('open', token('a', { hostId: 'nothing' }), 0)).rejects.toMatchObject({
        kind: 'constraint',
      });
      expect(await store.code('open')).toEqual(code('open'));
      expect(await store.useCode('open', token('a'), 0)).toBe(true);
    });

    it('revokes a code or uses it, never both', async () => {
      await store.addCode(code('raced'));
      const [isUsed, isRevoked] = await Promise.all([store.useCode('raced', token('a'), 0), store.revokeCode('raced')]);
      expect([isUsed, isRevoked].filter(Boolean)).toHaveLength(1);
      expect(await store.tokens()).toHaveLength(isUsed ? 1 : 0);
      expect(await store.revokeCode('raced')).toBe(false);
    });

    it('changes nothing when the database refuses the write, and can still be read', async () => {
      await store.addToken(token('a'), LARGEST);
      await store.addCode(code('open'));
      await refuse(true);
      for (const write of [
        () => store.addToken(token('b'), 0),
        () => store.useTokens([{ id: 'a', at: 5, othersEndAt: 5 }]),
        () => store.revokeToken('a', 5),
        () => store.forgetEnded(LARGEST),
        () => store.addCode(code('other')),
        () => store.useCode('open', token('b'), 0),
        () => store.revokeCode('open'),
      ]) {
        await expect(write()).rejects.toMatchObject(REFUSAL);
      }
      expect(await store.tokens()).toEqual([token('a')]);
      expect(await store.codes()).toEqual([code('open')]);
      await refuse(false);
      expect(await store.useCode('open', token('b'), 0)).toBe(true);
    });
  });
}
