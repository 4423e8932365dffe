/** Codes that give a host its token. */
import { describe, expect, it } from 'vitest';
import { BY, HERE, HOUR_MS, useAgentAccessBench } from '../testing/agent-access-bench';

const bench = useAgentAccessBench();
const { addHost, identify } = bench;

describe('an enrolment code', () => {
  const enrol = (code: string, hostName = 'h1', address = HERE) => bench.access.enrol(code, hostName, address);
  const create = async (hostName: string | null = null) =>
    (await bench.access.administration.createCode({ hostName, lifetimeMs: HOUR_MS }, BY)) ?? '';

  it('gives one host one token, once', async () => {
    const code = await create();
    const answer = await enrol(code);
    if (answer.kind !== 'enrolled') throw new Error(answer.message);
    expect(await identify(answer.token)).toMatchObject({ identity: { kind: 'host', hostId: 'h1' } });
    expect(await enrol(code, 'h2')).toMatchObject({ status: 401 });
    expect((await bench.access.administration.codes())[0]).toMatchObject({ usedByHostId: 'h1' });
    expect(JSON.stringify(bench.events)).not.toContain(code.slice(4));
  });

  it('expires, and can be revoked', async () => {
    const late = await create();
    const revoked = await create();
    expect(
      await bench.access.administration.revokeCode((await bench.access.administration.codes())[0]?.id ?? '', BY),
    ).toBe(true);
    expect([(await enrol(revoked)).kind, (await enrol(late, 'h9')).kind]).toEqual(
      // Of the two that were made in one moment, one was revoked and the other is good.
      expect.arrayContaining(['refused', 'enrolled']),
    );
    const expired = await create();
    bench.clock.now += HOUR_MS;
    expect(await enrol(expired, 'h2')).toMatchObject({ status: 401 });
  });

  it('for a named host is valid for that host only', async () => {
    const answer = await enrol(await create('h1'), 'h2');
    expect(answer).toMatchObject({ status: 409 });
    expect(answer.kind === 'refused' && answer.message).toContain('for h1');
  });

  it('for any host cannot take over a host that has a token; one for the named host replaces it', async () => {
    await bench.access.administration.issueToken(addHost('h1'), BY);
    expect(await enrol(await create())).toMatchObject({ status: 409 });
    expect(await enrol(await create('h1'))).toMatchObject({ kind: 'enrolled', hostId: 'h1' });
  });

  it('can’t be guessed: wrong ones make their address wait, and a valid one from it still works', async () => {
    const good = await create();
    const statuses: number[] = [];
    for (let guess = 0; guess < 1_000; guess += 1) {
      const answer = await enrol(`guess ${guess}`);
      statuses.push(answer.kind === 'refused' ? answer.status : 200);
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(3);
    expect((await enrol(good)).kind).toBe('enrolled');
  });

  it('is limited in number', async () => {
    const made = await Promise.all(Array.from({ length: 101 }, () => create()));
    expect(made.filter((code) => code === '')).toHaveLength(1);
  });
});
