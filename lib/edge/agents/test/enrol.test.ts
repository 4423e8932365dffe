import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestServer, type TestServer } from '../../testing/test-server';

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

const newCode = async (hostName: string | null = null) =>
  (await server.access.administration.createCode({ hostName, lifetimeMs: 3_600_000 }, server.by)) ?? '';

async function post(body: unknown, path = '/api/agents/enrol', method = 'POST') {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    redirect: 'manual',
    ...(method === 'GET' ? {} : { body: sent }),
  });
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return { status: answer.status, json: (await answer.json()) as Record<string, string>, headers: answer.headers };
}

it('exchanges a code for a token that admits the host', async () => {
  const { status, json } = await post({ code: await newCode(), hostname: 'H1' });
  expect([status, json['host_id']]).toEqual([200, 'h1']);
  await server.registeredAgent('h1', json['token']);
  expect(server.fleet.connectedAs('h1')?.kind).toBe('host');
});

it('admits the host without further approval', async () => {
  await server.access.administration.setRule('approval', true, server.by);
  const { json } = await post({ code: await newCode(), hostname: 'h1' });
  await server.registeredAgent('h1', json['token']);
});

it('answers everything else with a JSON error and creates no host', async () => {
  const code = await newCode();
  expect((await post('{')).status).toBe(400);
  expect((await post({ code })).status).toBe(400);
  for (const hostname of ['../../x', 'a b', '<b>', 'h1.example.com', '-', '\u001b[31m']) {
    expect((await post({ code, hostname })).status, hostname).toBe(400);
  }
  expect((await post('['.repeat(4_000))).status).toBe(400);
  expect((await post({ code: 'wrong', hostname: 'h1' })).status).toBe(401);
  expect((await post({ code: 'x'.repeat(10_000), hostname: 'h1' })).status).toBe(413);
  expect((await post('', '/api/agents/enrol', 'GET')).status).toBe(405);
  expect((await post('', '/api/agents/other')).status).toBe(404);
  expect(server.fleet.hostViews()).toEqual([]);
});

it('throttles an address that guesses, and still accepts a valid code from it', async () => {
  const statuses: number[] = [];
  for (let guess = 0; guess < 7; guess += 1) {
    statuses.push((await post({ code: `guess-${guess}`, hostname: 'h1' })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  const refused = await post({ code: 'guess', hostname: 'h1' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await post({ code: await newCode(), hostname: 'h1' })).status).toBe(200);
});

it('keeps a code usable when the database refuses or the dashboard is stopping', async () => {
  const code = await newCode();
  server.db.$client.pragma('query_only = on');
  expect((await post({ code, hostname: 'h1' })).status).toBe(503);
  server.db.$client.pragma('query_only = off');
  await expect.poll(async () => (await post({ code, hostname: 'h1' })).status).toBe(200);
  const later = await newCode();
  server.beginStop();
  expect((await post({ code: later, hostname: 'h2' })).status).toBe(503);
});

it('limits concurrent requests of one address, and frees each place when its request ends', async () => {
  const hung: Socket[] = [];
  for (let n = 0; n < 8; n += 1) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /api/agents/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    hung.push(socket);
  }
  const used = () => server.limits.read().find(({ id }) => id === 'enrolments');
  await expect.poll(used).toMatchObject({ used: 8, by: [{ who: '127.0.0.1', count: 8 }] });
  const refused = await post({ code: await newCode(), hostname: 'h1' });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
  expect(used()).toMatchObject({ refused: 1 });
  for (const socket of hung) {
    socket.destroy();
    await once(socket, 'close');
  }
  await expect.poll(used).toMatchObject({ used: 0 });
  expect((await post({ code: await newCode(), hostname: 'h1' })).status).toBe(200);
});
