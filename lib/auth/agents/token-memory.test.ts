/** Tokens and rules in memory, while the database refuses, does not answer, or after a restart. */
import { describe, expect, it } from 'vitest';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { answerLater } from '@/lib/store/sqlite/later';
import type { AgentTokenStore } from './agent-ports';
import { BY, HERE, HOUR_MS, SHARED, useAgentAccessBench } from '../testing/agent-access-bench';

const bench = useAgentAccessBench();
const { addHost, identify, start, statusOf } = bench;

describe('memory', () => {
  const refused = { kind: 'read-only' };

  it('keeps what it had when the database refuses a change', async () => {
    bench.access = await start({ enrolHost: (hostName) => ({ ok: true, hostId: hostName }) });
    const { administration, policy } = bench.access;
    const token = await administration.issueToken(addHost('h1'), BY);
    const [view] = administration.tokens();
    const code = (await administration.createCode({ hostName: 'h1', lifetimeMs: HOUR_MS }, BY)) ?? '';
    bench.changes = 0;
    bench.events.length = 0;
    bench.database.db.$client.pragma('query_only = on');
    await expect(administration.issueToken({ id: 'h1', name: 'h1' }, BY)).rejects.toMatchObject(refused);
    await expect(administration.revokeToken(view?.id ?? '', BY, true)).rejects.toMatchObject(refused);
    await expect(administration.setRule('sharedToken', false, BY)).rejects.toMatchObject(refused);
    await expect(administration.refuseHost('h2', BY)).rejects.toMatchObject(refused);
    await expect(bench.access.enrol(code, 'h1', HERE)).rejects.toMatchObject(refused);
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf(SHARED)).toBe(200);
    expect(policy.isRefused('h2')).toBe(false);
    expect(administration.tokens()).toEqual([view]);
    expect(bench.changes).toBe(0);
    expect(bench.events).toEqual([]);
    bench.database.db.$client.pragma('query_only = off');
    expect(await bench.access.enrol(code, 'h1', HERE)).toMatchObject({ kind: 'enrolled' });
  });

  it('is what a restart reads', async () => {
    const host = addHost('h1');
    const first = await bench.access.administration.issueToken(host, BY);
    await identify(first);
    await bench.access.administration.issueToken(addHost('h2'), BY);
    const second = await bench.access.administration.issueToken(host, BY);
    bench.clock.now += 1_000;
    await identify(second);
    await bench.access.administration.refuseHost('h3', BY);
    const again = await start();
    expect(again.administration.tokens()).toEqual(bench.access.administration.tokens());
    expect(
      again.administration
        .tokens()
        .map(({ hostId }) => hostId)
        .sort(),
    ).toEqual(['h1', 'h2']);
    expect(again.policy.isRefused('h3')).toBe(true);
  });

  it('forgets the tokens of a removed host, also one that is being stored', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    const issued = bench.access.administration.issueToken({ id: 'h1', name: 'h1' }, BY);
    bench.access.forgetHosts(['h1']);
    expect(bench.access.policy.hasOwnToken('h1')).toBe(false);
    await issued;
    await bench.access.settled();
    expect(bench.access.administration.tokens()).toEqual([]);
    expect(await statusOf(token)).toBe(401);
  });

  it('identifies a valid token while the database does not answer', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    const never = () => new Promise<never>(() => undefined);
    bench.access = await start({}, (direct) => ({ ...answerLater(direct), useTokens: never, throttles: never }));
    expect(await bench.access.identify(`Bearer ${token}`, HERE)).toMatchObject({ kind: 'known' });
    expect(await bench.access.identify(`Bearer ${SHARED}`, HERE)).toMatchObject({ kind: 'known' });
  });

  it('stores the uses of agents that connect at the same moment in one transaction', async () => {
    const tokens: string[] = [];
    for (const name of ['h1', 'h2', 'h3']) tokens.push(await bench.access.administration.issueToken(addHost(name), BY));
    const batches: number[] = [];
    const store = answerLater<AgentTokenStore>(createAgentTokenStore(bench.database.db));
    bench.access = await start({
      store: {
        ...store,
        useTokens(uses) {
          batches.push(uses.length);
          return store.useTokens(uses);
        },
      },
    });
    await Promise.all([...tokens, ...tokens].map((token) => bench.access.identify(`Bearer ${token}`, HERE)));
    await bench.access.settled();
    expect(batches).toEqual([3]);
    expect(bench.access.administration.tokens().map(({ lastUsedAt }) => lastUsedAt)).toEqual(
      Array(3).fill(bench.clock.now),
    );
  });

  it('does not hold more than 256 wrong tokens while the database does not answer', async () => {
    bench.access = await start({}, (direct) => ({
      ...answerLater(direct),
      throttles: () => new Promise<never>(() => undefined),
    }));
    for (let guess = 0; guess < 256; guess += 1) void bench.access.identify(`Bearer guess ${guess}`, HERE);
    expect(await bench.access.identify('Bearer one more', HERE)).toMatchObject({ status: 429, retryAfterMs: 1_000 });
  });
});
