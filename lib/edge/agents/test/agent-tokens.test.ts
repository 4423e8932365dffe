import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestServer, TOKEN, type TestServer } from '../../testing/test-server';

let house: TestServer;
beforeEach(async () => {
  house = await createTestServer();
});
afterEach(async () => {
  await house.close();
});

async function refusalOf(token: string): Promise<{ status: number; retryAfter: string | undefined }> {
  const socket = house.dial('/ws', { headers: { authorization: `Bearer ${token}` } });
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { statusCode: number; headers: Record<string, string | undefined> },
  ];
  return { status: response.statusCode, retryAfter: response.headers['retry-after'] };
}

/** A host with a token of its own, without an agent. */
function withToken(name: string): string {
  const taken = house.fleet.enrolHost(name, '');
  if (!taken.ok) throw new Error(taken.reason);
  return house.access.administration.issueToken({ id: taken.hostId, name }, house.by);
}

describe('tokens of hosts, over real sockets', () => {
  it('let their host in, and end its socket at once when they are revoked', async () => {
    const agent = await house.registeredAgent('h1', withToken('h1'));
    const closed = once(agent.socket, 'close');
    const [token] = house.access.administration.tokens();
    house.access.administration.revokeToken(token?.id ?? '', house.by);
    const [code] = (await closed) as [number];
    expect(code).toBe(4401);
    expect(house.fleet.host('h1')?.online).toBe(false);
  });

  it('hold whoever comes to their host with the shared one: open, pings answered, nothing else', async () => {
    withToken('h1');
    const agent = await house.agent();
    agent.send('register', { hostname: 'h1' });
    const pong = once(agent.socket, 'pong');
    agent.socket.ping();
    await pong;
    expect(agent.inbox.all).toEqual([]);
    expect(house.fleet.heldAgents()).toMatchObject([{ name: 'h1', reason: 'own-token', address: '127.0.0.1' }]);
  });

  it('are replaced without a gap: the old one is closed when the new one comes', async () => {
    const old = await house.registeredAgent('h1', withToken('h1'));
    const gone = once(old.socket, 'close');
    await house.registeredAgent('h1', withToken('h1'));
    await gone;
    expect(house.fleet.host('h1')?.online).toBe(true);
  });

  it('are refused with 401 and then 429 when they are wrong, while good ones come in from the same address', async () => {
    const token = withToken('h1');
    const statuses: number[] = [];
    for (let guess = 0; guess < 8; guess += 1) statuses.push((await refusalOf(`guess-${guess}`)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect(Number((await refusalOf('guess')).retryAfter)).toBeGreaterThan(0);
    await house.registeredAgent('h1', token);
    await house.registeredAgent('h2', TOKEN);
  });
});
