import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestServer, TOKEN, type TestServer } from '../testing/test-server';
import { ShiftedLoop } from '../testing/shifted-loop';
import { AUTH_TIMEOUT_MS } from './upgrade';

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

const handshake = (path: string, headers: readonly string[] = []) =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${server.port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '',
    '',
  ].join('\r\n');

/** Asks for an upgrade and never closes its own side. Gives the status line, and when the dashboard's side is gone. */
async function ask(path: string, headers?: readonly string[]): Promise<{ status: string; gone: Promise<unknown> }> {
  const accepted = once(server.server, 'connection') as Promise<[Socket]>;
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  const [socket] = await accepted;
  const gone = once(socket, 'close');
  client.write(handshake(path, headers));
  const [data] = (await once(client, 'data')) as [Buffer];
  return { status: data.toString('latin1').split('\r\n', 1)[0] ?? '', gone };
}

const asBrowser = () => ['Cookie: session=session-1', `Origin: http://127.0.0.1:${server.port}`];

describe('a refused upgrade', () => {
  it.each([
    ['/ws', 'HTTP/1.1 401 Unauthorized'],
    ['/live', 'HTTP/1.1 403 Forbidden'],
    ['/elsewhere', 'HTTP/1.1 404 Not Found'],
  ])('on %s keeps no socket although the peer never closes its side', async (path, expected) => {
    const { status, gone } = await ask(path);
    expect(status).toBe(expected);
    await gone;
  });

  it('is answered when the session can’t be looked up', async () => {
    server.lookUpSessionsBy(() => Promise.reject(new Error('the database can’t be read')));
    const { status, gone } = await ask('/live', asBrowser());
    expect(status).toBe('HTTP/1.1 500 Internal Server Error');
    await gone;
    expect(server.logged.join('')).toContain('its session could not be looked up');
  });

  it('is answered with 401 when the session ends while it is being looked up: its sockets were already closed', async () => {
    server.lookUpSessionsBy(() => {
      server.endSession('session-1');
      return Promise.resolve({ idHash: 'session-1', userId: 'operator' });
    });
    const { status, gone } = await ask('/live', asBrowser());
    expect(status).toBe('HTTP/1.1 401 Unauthorized');
    await gone;
    expect(server.hub.size).toBe(0);
  });

  it('is answered with 503, not 401, when the session look-up times out', async () => {
    await server.close();
    const loop = new ShiftedLoop();
    server = await createTestServer({ loop });
    server.lookUpSessionsBy(() => {
      setImmediate(() => loop.advance(AUTH_TIMEOUT_MS));
      return new Promise(() => undefined);
    });
    const { status, gone } = await ask('/live', asBrowser());
    expect(status).toBe('HTTP/1.1 503 Service Unavailable');
    await gone;
  });

  it('covers every upgrade once the dashboard is stopping, also one whose session was being looked up', async () => {
    server.lookUpSessionsBy(() => {
      server.beginStop();
      return Promise.resolve({ idHash: 'session-1', userId: 'operator' });
    });
    const requests = [() => ask('/live', asBrowser()), () => ask('/ws', [`Authorization: Bearer ${TOKEN}`])];
    for (const request of requests) {
      const { status, gone } = await request();
      expect(status).toBe('HTTP/1.1 503 Service Unavailable');
      await gone;
    }
  });
});
