import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestServer, TOKEN, type TestServer } from '../../testing/test-server';

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

async function refusalOf(token: string): Promise<{ status: number; retryAfter: string | undefined }> {
  const socket = server.dial('/ws', { headers: { authorization: `Bearer ${token}` } });
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { statusCode: number; headers: Record<string, string | undefined> },
  ];
  return { status: response.statusCode, retryAfter: response.headers['retry-after'] };
}

/** A host with a host token, without an agent. */
async function withToken(name: string): Promise<string> {
  const taken = await server.fleet.enrolHost(name, '');
  if (!taken.ok) throw new Error(taken.reason);
  return server.access.administration.issueToken({ id: taken.hostId, name }, server.by);
}

describe('host tokens, over real sockets', () => {
  it('admit their host, and close its socket at once when they are revoked', async () => {
    const agent = await server.registeredAgent('h1', await withToken('h1'));
    const closed = once(agent.socket, 'close');
    const [token] = server.access.administration.tokens();
    await server.access.administration.revokeToken(token?.id ?? '', server.by, true);
    const [code] = (await closed) as [number];
    expect(code).toBe(4401);
    expect(server.fleet.host('h1')?.online).toBe(false);
  });

  it('keep an agent with the shared token pending: its socket stays open, pings are answered, nothing else is sent', async () => {
    await withToken('h1');
    const agent = await server.agent();
    agent.send('register', { hostname: 'h1' });
    const pong = once(agent.socket, 'pong');
    agent.socket.ping();
    await pong;
    expect(agent.inbox.all).toEqual([]);
    expect(server.fleet.heldAgents()).toMatchObject([{ name: 'h1', reason: 'own-token', address: '127.0.0.1' }]);
  });

  it('end when their host is removed', async () => {
    const token = await withToken('h1');
    await server.fleet.dispatch({
      ...{ operation: 'remove-host', hostIds: ['h1'], requestId: '1'.repeat(32) },
      ...{ by: server.by, stepUp: true },
    });
    await server.until(() => server.fleet.host('h1') === null);
    expect(server.access.policy.hasOwnToken('h1')).toBe(false);
    expect((await refusalOf(token)).status).toBe(401);
  });

  it('are replaced without a gap: the old connection is closed when the new token is used', async () => {
    const old = await server.registeredAgent('h1', await withToken('h1'));
    const gone = once(old.socket, 'close');
    await server.registeredAgent('h1', await withToken('h1'));
    await gone;
    expect(server.fleet.host('h1')?.online).toBe(true);
  });

  it('are refused with 401 and then 429 when they are wrong, while valid ones are accepted from the same address', async () => {
    const token = await withToken('h1');
    const statuses: number[] = [];
    for (let guess = 0; guess < 8; guess += 1) statuses.push((await refusalOf(`guess-${guess}`)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect(Number((await refusalOf('guess')).retryAfter)).toBeGreaterThan(0);
    await server.registeredAgent('h1', token);
    await server.registeredAgent('h2', TOKEN);
  });
});
