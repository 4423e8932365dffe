import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newHost } from '@/lib/fleet/hosts/host';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { openTestDatabase } from '@/lib/store/sqlite/testing/database';
import { RawClient } from '../../testing/guarded';
import { createTestServer, TOKEN, V1_HASH_SECRET, type TestServer } from '../../testing/test-server';

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

interface Answer {
  status: number;
  type: string | undefined;
  location: string | undefined;
  text: string;
  json: unknown;
}

/** As the scripts do it with curl: no redirect is followed, the body is taken as JSON. */
function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const { 'content-type': type, location } = response.headers;
        const json: unknown = text === '' ? null : JSON.parse(text);
        resolve({ status: response.statusCode ?? 0, type, location, text, json });
      });
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

/** What the last version-1 agent sends. */
const REGISTER = {
  hostname: 'hsb0',
  host_type: 'nixos',
  location: 'home',
  device_type: 'server',
  theme_color: '#769ff0',
  criticality: 'high',
  current_generation: '3c9a8080a1b2c3d4e5f60718293a4b5c6d7e8f90',
  config_repo: '/home/mba/Code/nixcfg',
  poll_interval: 30,
  agent_version: '0.4.0-7c087d2',
  nixpkgs_version: 'c6245e83d836d0433170a16eb185cefe0572f8b8',
  os_version: '25.11.20251210.c6245e8',
  os_name: 'NixOS',
  metrics: { cpu: 3, ram: 41, swap: 0, load: '0.52' },
};
const register = (id = 'hsb0', more: object = {}) =>
  call('POST', `/api/hosts/${id}/register`, { ...REGISTER, ...more });
const status = (body: object, id = 'hsb0') => call('POST', `/api/hosts/${id}/status`, body);

async function dispatch(operation: 'pull' | 'pull-switch' | 'reboot' | 'test', requestId: string = operation) {
  const [result] = await server.fleet.dispatch({
    operation,
    hostIds: ['hsb0'],
    requestId,
    by: server.by,
    stepUp: true,
  });
  return result;
}

describe('a version-1 agent', () => {
  it('registers and is shown with everything that it reports', async () => {
    const answer = await register();
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    expect(answer.json).toEqual({ status: 'registered', host_id: 'hsb0', command: null });
    expect(server.fleet.host('hsb0')).toMatchObject({
      online: true,
      protocol: 1,
      type: 'nixos',
      agentVersion: '0.4.0-7c087d2',
      generation: REGISTER.current_generation,
      heartbeatIntervalS: 30,
      metrics: { cpu: 3, ram: 41, swap: 0, load: 0.52 },
      compartments: { agent: { status: 'outdated', next: 'pull-switch' } },
    });
    expect(server.fleet.host('hsb0')?.compartments.agent.message).toContain('Version-1 agent 0.4.0-7c087d2');
  });

  it('is admitted by a poll alone, as the first agents did', async () => {
    expect((await call('GET', '/api/hosts/csb0/poll')).json).toEqual({ command: null });
    expect(server.fleet.host('csb0')).toMatchObject({ online: true, protocol: 1, type: 'nixos' });
  });

  it('is one host whatever the case of its id, and bad ids are refused', async () => {
    await register('HSB0');
    await register('hsb0');
    expect(server.fleet.hostViews().map(({ id }) => id)).toEqual(['hsb0']);
    for (const id of ['1abc', '-a', 'a_b', 'a.b', 'a'.repeat(64), '%2e%2e', 'a%20b', "a';--"]) {
      expect(await register(id), id).toMatchObject({ status: 400, json: { detail: 'Invalid host id' } });
    }
  });

  it('receives a requested command exactly once', async () => {
    await register();
    const asked = await dispatch('pull-switch');
    expect(asked).toMatchObject({ kind: 'queued' });
    expect((await register()).json).toMatchObject({ command: 'pull-switch' });
    expect((await register()).json).toMatchObject({ command: null });
    expect((await call('GET', '/api/hosts/hsb0/poll')).json).toEqual({ command: null });
    expect(server.fleet.host('hsb0')?.command).toMatchObject({ operation: 'pull-switch', phase: 'sent' });
    const reported = await status({ status: 'error', output: 'Pull failed\nfatal: no route\u001b[31m' });
    expect(reported.json).toEqual({ status: 'updated' });
    const last = server.fleet.host('hsb0')?.lastCommand;
    expect(last).toMatchObject({ outcome: 'failed', lines: 3 });
    expect(last?.reason).toContain('Pull failed');
    expect((await server.fleet.output(last?.id ?? '', 0, 10)).map(({ text }) => text)).toEqual([
      'Not confirmed: the agent is too old.',
      'Pull failed',
      'fatal: no route\u001b[31m',
    ]);
  });

  it('does not prove a switch by reporting ok', async () => {
    await register();
    await dispatch('pull-switch');
    await register();
    await status({ status: 'ok', output: 'Pull successful', current_generation: 'abcdef0' });
    expect(server.fleet.host('hsb0')).toMatchObject({ generation: 'abcdef0', lastCommand: { outcome: 'partial' } });
  });

  it('supports no other operation, and the reason is shown', async () => {
    await register();
    for (const operation of ['pull', 'test', 'reboot'] as const) {
      expect(await dispatch(operation)).toMatchObject({
        kind: 'blocked',
        blocked: { code: 'version-1', unblock: 'pull-switch' },
      });
    }
  });

  it('is replaced by an agent that connects over a socket, and its requests have no effect from then on', async () => {
    await register();
    const agent = await server.registeredAgent('hsb0');
    expect(server.fleet.host('hsb0')).toMatchObject({ online: true, protocol: 2 });
    expect((await register('hsb0', { agent_version: '0.0.1' })).json).toMatchObject({ status: 'registered' });
    expect(server.fleet.host('hsb0')).toMatchObject({ protocol: 2, agentVersion: '0.4.0-7c087d2' });
    await agent.close();
  });

  it('reports its tests', async () => {
    await register();
    const progress = { current: 9, total: 9, passed: 7, running: false, result: '7/9 pass, 2 fail' };
    expect((await call('POST', '/api/hosts/hsb0/test-progress', progress)).json).toEqual({ status: 'updated' });
    expect(server.fleet.host('hsb0')?.compartments.tests).toMatchObject({
      status: 'error',
      message: '7/9 pass, 2 fail',
    });
  });

  it('does not become a host by a status alone', async () => {
    expect((await status({ status: 'ok' }, 'nobody')).json).toEqual({ status: 'updated' });
    expect(server.fleet.hostViews()).toEqual([]);
  });

  it('may use its version-1 token, which is valid for its host only', async () => {
    const token = 'a token that version 1 made';
    await server.close();
    const testDb = openTestDatabase();
    createFleetStore(testDb.db, { log: testDb.log }).commit({ hosts: [newHost('hsb0', 'hsb0', 0)] });
    createAgentTokenStore(testDb.db).addToken(
      {
        id: 'adopted',
        hostId: 'hsb0',
        scheme: 'v1-hmac',
        tokenHash: createHmac('sha256', V1_HASH_SECRET).update(token).digest('hex'),
        createdAt: 0,
        createdBy: 'version 1',
        lastUsedAt: null,
        expiresAt: null,
        revokedAt: null,
      },
      0,
    );
    server = await createTestServer({ testDb });
    const own = { authorization: `Bearer ${token}` };
    expect((await call('POST', '/api/hosts/hsb0/register', REGISTER, own)).status).toBe(200);
    expect((await call('POST', '/api/hosts/other/register', REGISTER, own)).status).toBe(401);
    expect((await register()).status).toBe(200);
  });

  it('can’t act for a host that has a host token', async () => {
    await register();
    await server.access.administration.issueToken({ id: 'hsb0', name: 'hsb0' }, server.by);
    expect(await register()).toMatchObject({ status: 401, json: { detail: 'Invalid API token' } });
  });

  it('waits for approval without knowing it', async () => {
    await server.access.administration.setRule('approval', true, server.by);
    expect((await register()).json).toEqual({ status: 'registered', host_id: 'hsb0', command: null });
    expect(server.fleet.hostViews()).toEqual([]);
    expect(server.fleet.heldAgents()).toMatchObject([{ name: 'hsb0', reason: 'approval', version: '0.4.0-7c087d2' }]);
    await server.fleet.approveHost('hsb0', server.by);
    await register();
    expect(server.fleet.host('hsb0')).toMatchObject({ online: true, protocol: 1 });
    expect(server.fleet.heldAgents()).toEqual([]);
  });

  it('is limited by its host, not by its address', async () => {
    let last = await register();
    for (let calls = 0; calls < 240; calls += 1) last = await register();
    expect(last).toMatchObject({ status: 429, type: 'application/json' });
    expect((await register('hsb1')).status).toBe(200);
  });
});

describe('any request of a version-1 agent', () => {
  const isHarmless = ({ type, location, status: code }: Answer) =>
    type === 'application/json' && location === undefined && (code < 300 || code >= 400);

  it.each([
    ['GET', '/api/hosts', 410],
    ['GET', '/api/hosts/', 410],
    ['GET', '/api/hosts/hsb0', 410],
    ['DELETE', '/api/hosts/hsb0', 410],
    ['GET', '/api/hosts/hsb0/constructor', 404],
    ['POST', '/api/hosts/hsb0/register/', 404],
    ['POST', '/api/hosts/a/b/c/d', 404],
    ['GET', '/api/hosts/hsb0/register', 405],
    ['POST', '/api/hosts/hsb0/poll', 405],
    ['PUT', '/api/hosts/hsb0/status', 405],
    ['OPTIONS', '/api/hosts/hsb0/status', 405],
    ['POST', '//api//hosts/hsb0/status?x=1', 422],
    ['GET', 'http://fleet.example.com/api/hosts/hsb0/poll', 200],
  ])('%s %s is answered with JSON and %i', async (method, path, expected) => {
    const answer = await call(method, path);
    expect(answer.status).toBe(expected);
    expect(isHarmless(answer)).toBe(true);
  });

  it('is refused with 401 and JSON without a valid token, whatever it sends', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic eA==' }]) {
      const answer = await call('POST', '/api/hosts/hsb0/register', REGISTER, headers as Record<string, string>);
      expect(answer).toMatchObject({ status: 401, json: { detail: 'Invalid API token' } });
    }
    expect(server.fleet.hostViews()).toEqual([]);
  });

  it('is refused with 422 where version 1 did so', async () => {
    for (const wrong of [
      { hostname: undefined },
      { host_type: 'linux' },
      { location: 'x'.repeat(51) },
      { poll_interval: 0 },
      { poll_interval: 3_601 },
      { metrics: [1] },
      { agent_version: 7 },
    ]) {
      expect((await register('hsb0', wrong)).status, JSON.stringify(wrong)).toBe(422);
    }
    for (const body of ['', '{', 'null', '[]', '"x"']) {
      expect((await call('POST', '/api/hosts/hsb0/register', body)).status, body).toBe(422);
    }
    expect((await status({ status: 'fine' })).status).toBe(422);
    expect((await status({ status: 'ok', output: 'ü'.repeat(10_000) })).status).toBe(200);
    expect((await status({ status: 'ok', output: '😀'.repeat(10_000) })).status).toBe(200);
    expect((await status({ status: 'ok', output: 'x'.repeat(10_001) })).status).toBe(422);
  });

  it('is refused with 413 when it is too large, with or without Content-Length', async () => {
    expect(await status({ status: 'ok', output: 'x'.repeat(300_000) })).toMatchObject({ status: 413 });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = `POST /api/hosts/hsb0/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    socket.write(head);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let chunks = 0; chunks < 8; chunks += 1) socket.write(chunk);
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1\.1 413 [^]*application\/json[^]*\{"detail":"Request body too large"\}$/);
    await once(socket, 'close');
  });

  it('is refused with 400 before anything is parsed when it is nested too deeply or holds too many values', async () => {
    const deep = '['.repeat(100_000);
    const wide = `[${'1,'.repeat(100_000)}1]`;
    expect(await call('POST', '/api/hosts/hsb0/status', deep)).toMatchObject({
      status: 400,
      json: { detail: 'Request body nested too deeply' },
    });
    expect(await call('POST', '/api/hosts/hsb0/status', wide)).toMatchObject({
      status: 400,
      json: { detail: 'Request body with too many values' },
    });
  });

  it.each([
    ['a wrong token', '/api/hosts/hsb0/status', 401],
    ['an unknown path', '/api/hosts/hsb0/other', 404],
    ['an unknown path of agents', '/api/agents/other', 404],
  ])('closes the connection of an endless body after %s', async (_what, path, expected) => {
    const client = await RawClient.open(server.port);
    await client.send(`POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    while (!client.socket.closed) await Promise.race([client.send(piece), client.closed]);
    expect((await client.answer()).status).toBe(expected);
  });

  it('is answered in JSON when the dashboard is stopping or its database refuses', async () => {
    server.db.$client.pragma('query_only = on');
    const refused = await register();
    expect(refused.status).toBe(503);
    expect(isHarmless(refused)).toBe(true);
    server.db.$client.pragma('query_only = off');
    server.beginStop();
    const stopping = await register();
    expect(stopping.status).toBe(503);
    expect(isHarmless(stopping)).toBe(true);
  });

  it('does not receive a command that could not be stored as sent', async () => {
    await register();
    await dispatch('pull-switch');
    server.db.$client.pragma('query_only = on');
    expect((await register()).status).toBe(503);
    server.db.$client.pragma('query_only = off');
    await expect.poll(async () => (await register()).json).toMatchObject({ command: 'pull-switch' });
    expect((await register()).json).toMatchObject({ command: null });
  });

  it('is answered with JSON for any path and body', async () => {
    const segment = fc.oneof(fc.constantFrom('hsb0', 'register', 'poll', 'status', '..', '', '%00', '%'), fc.string());
    const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/api/hosts/${parts.map(encodeOnce).join('/')}`);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), path, fc.json(), async (method, at, body) => {
        const hasBody = method === 'POST' || method === 'PUT';
        expect(isHarmless(await call(method, at, hasBody ? body : undefined))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

function encodeOnce(part: string): string {
  return /^[a-z0-9%.]*$/.test(part) ? part : encodeURIComponent(Buffer.from(part, 'utf8').toString('utf8'));
}
