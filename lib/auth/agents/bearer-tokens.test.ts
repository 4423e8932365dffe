/** The tokens with which agents connect: the shared one, those of hosts, and wrong ones. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { TOKEN_OVERLAP_MS } from './agent-tokens';
import { BY, HERE, HOUR_MS, SHARED, useAgentAccessBench } from '../testing/agent-access-bench';

const bench = useAgentAccessBench();
const { addHost, identify, start, statusOf } = bench;

describe('the shared token', () => {
  it('is valid as a bearer token, whatever the case of the scheme, and invalid otherwise', async () => {
    for (const right of [`Bearer ${SHARED}`, `bearer ${SHARED}`, `BEARER  ${SHARED} `]) {
      expect(await bench.access.identify(right, HERE)).toEqual({ kind: 'known', identity: { kind: 'shared' } });
    }
    const wrong = [SHARED, `Basic ${SHARED}`, `Bearer ${SHARED}x`, `Bearer${SHARED}`, 'Bearer ', 'Bearer', '', null];
    for (const [index, header] of wrong.entries()) {
      expect(await bench.access.identify(header, `203.0.113.${index}`)).toMatchObject({ kind: 'refused', status: 401 });
    }
  });

  it('can be disabled in the interface, and is then refused without counting as a guess', async () => {
    expect(await bench.access.administration.setRule('sharedToken', false, BY)).toBe(true);
    expect(bench.changes).toBe(1);
    for (let tries = 0; tries < 20; tries += 1) expect(await statusOf(SHARED)).toBe(401);
    expect(bench.access.policy.isStillValid({ kind: 'shared' })).toBe(false);
    expect(bench.events.map(({ action }) => action)).toEqual(['agents.rule', 'agent.shared-token-refused']);
    expect((await start()).administration.rule('sharedToken')).toEqual({ value: false, source: 'set here' });
  });

  it('follows the environment where it is set', async () => {
    bench.access = await start({ rules: { sharedToken: false, approval: true } });
    expect(bench.access.administration.rule('approval')).toEqual({ value: true, source: 'environment' });
    expect(await bench.access.administration.setRule('sharedToken', true, BY)).toBe(false);
    expect(await statusOf(SHARED)).toBe(401);
  });
});

describe('a host token', () => {
  it('is stored only as a hash, and identifies its host', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    expect(await identify(token)).toMatchObject({ kind: 'known', identity: { kind: 'host', hostId: 'h1' } });
    const stored = bench.database.db.$client.prepare<[], Record<string, unknown>>('select * from agent_tokens').all();
    expect(JSON.stringify([stored, bench.events, bench.access.administration.tokens()])).not.toContain(token.slice(4));
    expect(token.length).toBeGreaterThan(43);
  });

  it('stays valid beside its successor until that one is used', async () => {
    const host = addHost('h1');
    const first = await bench.access.administration.issueToken(host, BY);
    await identify(first);
    const second = await bench.access.administration.issueToken(host, BY);
    expect(await statusOf(first)).toBe(200);
    bench.changes = 0;
    expect(await statusOf(second)).toBe(200);
    expect(bench.changes).toBe(1);
    expect(await statusOf(first)).toBe(401);
    expect(bench.access.administration.tokens()).toHaveLength(1);
  });

  it('expires a week after it was replaced, also when its successor is never used', async () => {
    const host = addHost('h1');
    const first = await bench.access.administration.issueToken(host, BY);
    await bench.access.administration.issueToken(host, BY);
    bench.clock.now += TOKEN_OVERLAP_MS - 1;
    expect(await statusOf(first)).toBe(200);
    bench.clock.now += 1;
    expect(await statusOf(first)).toBe(401);
  });

  it('is invalid at once when it is revoked', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    const known = await identify(token);
    if (known.kind !== 'known') throw new Error('the token is good');
    const [view] = bench.access.administration.tokens();
    expect(bench.access.policy.isStillValid(known.identity)).toBe(true);
    expect(await bench.access.administration.revokeToken(view?.id ?? '', BY, true)).toBe('revoked');
    expect(bench.access.policy.isStillValid(known.identity)).toBe(false);
    expect(await statusOf(token)).toBe(401);
    expect(bench.access.policy.hasOwnToken('h1')).toBe(false);
    expect(await bench.access.administration.revokeToken(view?.id ?? '', BY, true)).toBe('none');
  });

  it('reports when revoking it would let the shared token claim its host', async () => {
    const host = addHost('h1');
    await bench.access.administration.issueToken(host, BY);
    const [first] = bench.access.administration.tokens();
    const opens = (id = '') => bench.access.administration.revokingOpensHost(id);
    expect(opens(first?.id)).toBe(true);
    await bench.access.administration.issueToken(host, BY);
    const second = bench.access.administration.tokens().find(({ id }) => id !== first?.id);
    expect([opens(first?.id), opens(second?.id)]).toEqual([false, true]);
    await bench.access.administration.setRule('sharedToken', false, BY);
    expect(opens(second?.id)).toBe(false);
    expect(opens('nothing')).toBe(false);
  });

  it('remembers its last use, at most once a minute', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    await identify(token);
    const used = bench.clock.now;
    bench.clock.now += 59_000;
    await identify(token);
    expect(bench.access.administration.tokens()[0]?.lastUsedAt).toBe(used);
    bench.clock.now += 1_000;
    await identify(token);
    expect(bench.access.administration.tokens()[0]?.lastUsedAt).toBe(bench.clock.now);
  });

  it('admits its agent although the database refuses writes', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    bench.database.db.$client.pragma('query_only = on');
    expect(await statusOf(token)).toBe(200);
    bench.database.db.$client.pragma('query_only = off');
  });

  it('of version 1 is accepted with its hash secret, and the shared token stays valid', async () => {
    addHost('old');
    const secret = 'the secret of version 1';
    createAgentTokenStore(bench.database.db).addToken(
      {
        id: 'adopted-1',
        hostId: 'old',
        scheme: 'v1-hmac',
        tokenHash: createHmac('sha256', secret).update('a token of version 1').digest('hex'),
        createdAt: 0,
        createdBy: 'version 1',
        lastUsedAt: null,
        expiresAt: null,
        revokedAt: null,
      },
      0,
    );
    // Without the hash secret, such tokens have ended.
    bench.access = await start();
    expect(await statusOf('a token of version 1')).toBe(401);
    expect(bench.access.administration.tokens()).toEqual([]);
    expect(bench.access.policy.isStillValid({ kind: 'host', hostId: 'old', tokenId: 'adopted-1' })).toBe(false);
    bench.access = await start({ v1HashSecret: secret });
    expect(bench.access.policy.isStillValid({ kind: 'host', hostId: 'old', tokenId: 'adopted-1' })).toBe(true);
    expect(await identify('a token of version 1')).toMatchObject({ identity: { kind: 'host', hostId: 'old' } });
    expect(bench.access.policy.hasOwnToken('old')).toBe(false);
    // The stored hash itself is no token.
    expect(await statusOf(createHmac('sha256', secret).update('a token of version 1').digest('hex'))).toBe(401);
  });
});

describe('wrong tokens', () => {
  it('make their address wait longer and longer, but never a valid token from it', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    const statuses: number[] = [];
    for (let guess = 0; guess < 10_000; guess += 1) statuses.push(await statusOf(`guess ${guess}`));
    expect(statuses.slice(0, 4)).toEqual([401, 401, 401, 429]);
    expect(new Set(statuses.slice(4))).toEqual(new Set([429]));
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf(SHARED)).toBe(200);
    expect(await statusOf('a guess', '203.0.113.200')).toBe(401);
    bench.clock.now += 1_000;
    expect(await statusOf('one more')).toBe(401);
    expect(await identify('and one more')).toMatchObject({ status: 429, retryAfterMs: 2_000 });
  });

  it('are recorded once an hour per address', async () => {
    for (let tries = 0; tries < 100; tries += 1) await identify('wrong');
    const refusals = () => bench.events.filter(({ action }) => action === 'agent.refused');
    expect(refusals()).toHaveLength(1);
    bench.clock.now += HOUR_MS;
    await identify('wrong');
    expect(refusals()).toHaveLength(2);
  });
});
