/** Squatters with the shared token, on real sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_UNREGISTERED_PER_ADDRESS, REGISTER_TIMEOUT_MS } from '@/lib/fleet/agents/unregistered-connections';
import { createTestServer, TOKEN, type TestServer } from '../../testing/test-server';
import { ShiftedClock } from '../../testing/shifted-clock';
import { ShiftedLoop } from '../../testing/shifted-loop';

let server: TestServer;
let loop: ShiftedLoop;
let clock: ShiftedClock;
let sockets: Socket[];

beforeEach(async () => {
  loop = new ShiftedLoop();
  clock = new ShiftedClock();
  sockets = [];
  server = await createTestServer({
    clock: { now: () => clock.now(), after: (ms, callback) => clock.after(ms, callback) },
    loop,
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

const HANDSHAKE = [
  'GET /ws HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  `Authorization: Bearer ${TOKEN}`,
  '',
  '',
].join('\r\n');

/** A connection below the level of frames. Gives it with the status line that its upgrade was answered with. */
async function dialRaw(): Promise<{ socket: Socket; status: string }> {
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  sockets.push(socket);
  socket.write(HANDSHAKE);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return { socket, status: data.toString('latin1').split('\r\n', 1)[0] ?? '' };
}

/** Opens `count` connections, at most 250 at a time. Gives the status lines of their upgrades. */
async function squat(count: number): Promise<Set<string>> {
  const statuses = new Set<string>();
  for (let opened = 0; opened < count; opened += 250) {
    const batch = await Promise.all(Array.from({ length: Math.min(250, count - opened) }, () => dialRaw()));
    for (const { status } of batch) statuses.add(status);
  }
  return statuses;
}

/** A text frame as a client sends it, masked with nothing. */
function frame(type: string, payload: unknown): Buffer {
  const text = Buffer.from(JSON.stringify({ type, payload }));
  if (text.length > 125) throw new Error('too long for the small kind of frame');
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
}

const unregistered = () => server.limits.read().find(({ id }) => id === 'agents_unregistered');

describe('one address with 5,000 connections that never register', { timeout: 120_000 }, () => {
  it('blocks neither a known host nor a new one, is visible in the limits, and is dropped after ten seconds', async () => {
    const known = await server.registeredAgent('known');
    await known.close();
    // Opening 5,000 connections takes longer than one of them may stay unregistered on a slow machine.
    loop.hold();
    expect(await squat(5_000)).toEqual(new Set(['HTTP/1.1 101 Switching Protocols']));
    expect(unregistered()).toMatchObject({
      used: MAX_UNREGISTERED_PER_ADDRESS,
      refused: 5_000 - MAX_UNREGISTERED_PER_ADDRESS,
      by: [{ who: '127.0.0.1', count: MAX_UNREGISTERED_PER_ADDRESS }],
    });
    // Nor do those that made room for others pile up behind the limit.
    expect(server.agents.size).toBeLessThanOrEqual(MAX_UNREGISTERED_PER_ADDRESS + 1_024);
    await server.registeredAgent('known');
    await server.registeredAgent('new-one');
    expect(['known', 'new-one'].map((id) => server.fleet.host(id)?.online)).toEqual([true, true]);

    loop.release();
    loop.advance(REGISTER_TIMEOUT_MS);
    clock.advance(REGISTER_TIMEOUT_MS);
    while ((unregistered()?.used ?? 0) > 0) await new Promise((resolve) => setImmediate(resolve));
    while (server.agents.size > 2 + 1_024) await new Promise((resolve) => setImmediate(resolve));
    expect(['known', 'new-one'].map((id) => server.fleet.host(id)?.online)).toEqual([true, true]);
  });
});

describe('a fleet behind one address', { timeout: 120_000 }, () => {
  it('of 1,000 hosts that connect at the same moment is admitted completely although idle connections have filled its share', async () => {
    loop.hold();
    await squat(2 * MAX_UNREGISTERED_PER_ADDRESS);
    const names = Array.from({ length: 1_000 }, (_, n) => `h${n}`);
    const dialled = await Promise.all(
      names.map(async (hostname) => {
        const { socket, status } = await dialRaw();
        const answered = once(socket, 'data') as Promise<[Buffer]>;
        socket.write(frame('register', { hostname }));
        const [answer] = await answered;
        return status.includes('101') && answer.toString('latin1').includes('registered');
      }),
    );
    expect(dialled.filter(Boolean)).toHaveLength(names.length);
    expect(server.fleet.hostViews().filter(({ online }) => online)).toHaveLength(names.length);
  });
});

describe('session look-ups', () => {
  it('from one address are limited, and leave room for another address', async () => {
    let lookUps = 0;
    server.lookUpSessionsBy(() => {
      lookUps += 1;
      return new Promise(() => undefined);
    });
    const ask = (localAddress: string) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
      socket.on('error', () => undefined);
      sockets.push(socket);
      const headers = ['Cookie: session=session-1', `Origin: http://127.0.0.1:${server.port}`, '', ''].join('\r\n');
      socket.write(
        HANDSHAKE.replace('/ws', '/live')
          .replace('Host: 127.0.0.1', `Host: 127.0.0.1:${server.port}`)
          .replace(/Authorization[^]*$/, headers),
      );
      return socket;
    };
    for (let n = 0; n < 32; n += 1) ask('127.0.0.1');
    while (lookUps < 32) await new Promise((resolve) => setImmediate(resolve));
    const [refused] = (await once(ask('127.0.0.1'), 'data')) as [Buffer];
    expect(refused.toString('latin1')).toContain('503 Service Unavailable');
    ask('127.0.0.2');
    while (lookUps < 33) await new Promise((resolve) => setImmediate(resolve));
    const use = server.limits.read().find(({ id }) => id === 'pending_upgrades');
    expect(use).toMatchObject({
      used: 33,
      refused: 1,
      by: [
        { who: '127.0.0.1', count: 32 },
        { who: '127.0.0.2', count: 1 },
      ],
    });
  });
});
