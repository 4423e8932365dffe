/** Codes, tokens and rules that are used or changed at the same moment. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BY, HERE, HOUR_MS, useAgentAccessBench } from '../testing/agent-access-bench';
import { answerInRandomOrder } from '../testing/random-order';

const bench = useAgentAccessBench();
const { addHost, start, statusOf } = bench;

describe.each(Array.from({ length: 10 }, (_, index) => index + 1))('at the same moment (seed %i)', (seed) => {
  const createCode = async () =>
    (await bench.access.administration.createCode({ hostName: null, lifetimeMs: HOUR_MS }, BY)) ?? '';
  let created: string[];
  beforeEach(async () => {
    created = [];
    bench.access = await start(
      {
        enrolHost: (hostName) => {
          created.push(hostName);
          return { ok: true, hostId: addHost(hostName).id };
        },
      },
      (direct) => answerInRandomOrder(direct, seed),
    );
  });

  it('one code enrols one host', async () => {
    const code = await createCode();
    const answers = await Promise.all(['h1', 'h2', 'h3'].map((name) => bench.access.enrol(code, name, HERE)));
    expect(answers.filter(({ kind }) => kind === 'enrolled')).toHaveLength(1);
    expect(created).toHaveLength(1);
    expect(bench.access.administration.tokens()).toHaveLength(1);
  });

  it('two codes for any host give a host one token', async () => {
    const codes = [await createCode(), await createCode()];
    const answers = await Promise.all(codes.map((code) => bench.access.enrol(code, 'h1', HERE)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['enrolled', 'refused']);
    expect(bench.access.administration.tokens()).toHaveLength(1);
  });

  it('one of two tokens of a host is revoked without a confirmation', async () => {
    const host = addHost('h1');
    await bench.access.administration.issueToken(host, BY);
    await bench.access.administration.issueToken(host, BY);
    const ids = bench.access.administration.tokens().map(({ id }) => id);
    // Neither has an end, so neither is the last.
    bench.database.db.$client.prepare('update agent_tokens set expires_at = null').run();
    bench.access = await start({}, (direct) => answerInRandomOrder(direct, seed));
    expect(ids.map((id) => bench.access.administration.revokingOpensHost(id))).toEqual([false, false]);
    const answers = await Promise.all(ids.map((id) => bench.access.administration.revokeToken(id, BY, false)));
    expect(answers.sort()).toEqual(['revoked', 'unconfirmed']);
    expect(bench.access.policy.hasOwnToken('h1')).toBe(true);
  });

  it('no more codes are created than may be open', async () => {
    const made = await Promise.all(Array.from({ length: 105 }, createCode));
    expect(made.filter((code) => code !== '')).toHaveLength(100);
  });

  it('changes of one rule leave in memory what is stored', async () => {
    const set = (value: boolean) => bench.access.administration.setRule('approval', value, BY);
    await Promise.all([set(true), set(false), set(true), set(false)]);
    await Promise.all(['h1', 'h2', 'h3'].map((name) => bench.access.administration.refuseHost(name, BY)));
    const again = await start();
    expect(again.policy.newHostsWait()).toBe(bench.access.policy.newHostsWait());
    for (const name of ['h1', 'h2', 'h3']) expect(again.policy.isRefused(name)).toBe(true);
  });

  it('a token that is revoked while it is used stays revoked', async () => {
    const token = await bench.access.administration.issueToken(addHost('h1'), BY);
    const [view] = bench.access.administration.tokens();
    bench.clock.now += HOUR_MS;
    const used = bench.access.identify(`Bearer ${token}`, HERE);
    await bench.access.administration.revokeToken(view?.id ?? '', BY, true);
    expect(await used).toMatchObject({ kind: 'known' });
    await bench.access.settled();
    expect(await statusOf(token)).toBe(401);
    expect((await start()).administration.tokens()).toEqual([]);
  });
});
