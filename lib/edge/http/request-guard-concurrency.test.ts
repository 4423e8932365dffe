/** How many requests the guard in front of Next handles at the same time, and for whom. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { refused, useGuardBench } from '../testing/guard-bench';
import { ACTION_HEADERS, SETUP_HEADERS } from '../testing/guarded';

const bench = useGuardBench();
const { restart, counted, used } = bench;

describe('concurrent requests', () => {
  /** A request that has sent its headers and none of its body. */
  async function hang(headers: Record<string, string>, path = '/setup') {
    const client = await bench.server.open();
    await client.send(bench.server.head('POST', path, { ...SETUP_HEADERS, ...headers, 'content-length': '2' }));
    return client;
  }
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const poll = (read: () => number) => expect.poll(read);

  // A slow body may be evicted after half a second; opening all of these takes longer on a slow machine.
  beforeEach(() => restart({ now: () => 0 }));

  it('of one address without a session are limited, per /64 network, and do not affect others', async () => {
    const hung = await Promise.all(
      Array.from({ length: 8 }, (_, index) => hang(from(`2001:db8::${(index + 1).toString(16)}`))),
    );
    await poll(() => used('requests_without_session')).toBe(8);
    const full = await bench.server.ask('POST', '/setup', { ...SETUP_HEADERS, ...from('2001:db8::ff') }, '[]');
    expect([full.status, full.headers.get('retry-after')]).toEqual([429, '2']);
    expect(full.text).toBe(refused('too-many-at-once'));
    expect(
      (await bench.server.ask('POST', '/setup', { ...SETUP_HEADERS, ...from('2001:db8:0:1::1') }, '[]')).status,
    ).toBe(200);
    expect(bench.server.guard.uses().find(({ id }) => id === 'requests_without_session')).toMatchObject({
      max: 256,
      refused: 1,
      by: [{ who: '2001:db8:0:0::/64', count: 8 }],
    });

    // One ends with its answer, one with a refusal, and the others when their clients leave.
    await hung[0]?.send('[]');
    await hung[1]?.send('[[');
    await poll(() => used('requests_without_session')).toBe(6);
    for (const client of hung.slice(2)) client.socket.destroy();
    await poll(() => used('requests_without_session')).toBe(0);
    expect((await bench.server.ask('POST', '/setup', { ...SETUP_HEADERS, ...from('2001:db8::ff') }, '[]')).status).toBe(
      200,
    );
  });

  it('of unknown clients everywhere leave room for known browsers and sessions', async () => {
    await Promise.all(Array.from({ length: 256 }, (_, index) => hang(from(`192.0.2.${index}`))));
    await poll(() => used('requests_without_session')).toBe(256);
    const stranger = from('198.51.100.1');
    expect((await bench.server.ask('POST', '/setup', { ...SETUP_HEADERS, ...stranger }, '[]')).status).toBe(429);
    const known = await bench.server.ask(
      'POST',
      '/setup',
      { ...SETUP_HEADERS, ...stranger, cookie: 'device=laptop' },
      '[]',
    );
    expect(known.status).toBe(200);
    expect((await bench.server.ask('POST', '/', { ...ACTION_HEADERS, ...stranger }, '[]')).status).toBe(200);
    expect((await bench.server.ask('GET', '/login', stranger)).status).toBe(200);
  });

  it('of one known browser are limited without limiting another', async () => {
    await Promise.all(Array.from({ length: 16 }, () => hang({ cookie: 'device=laptop' })));
    await poll(() => used('requests_of_known_browsers')).toBe(16);
    const ask = (device: string) =>
      bench.server.ask('POST', '/setup', { ...SETUP_HEADERS, cookie: `device=${device}` }, '[]');
    expect((await ask('laptop')).status).toBe(429);
    expect((await ask('phone')).status).toBe(200);
  });

  it('of one session have a generous limit', async () => {
    const hung = await Promise.all(Array.from({ length: 32 }, () => hang(ACTION_HEADERS, '/')));
    await poll(() => used('requests_with_session')).toBe(32);
    expect((await bench.server.ask('POST', '/', ACTION_HEADERS, '[]')).status).toBe(429);
    for (const client of hung) client.socket.destroy();
    await poll(() => used('requests_with_session')).toBe(0);
    expect((await bench.server.ask('POST', '/', ACTION_HEADERS, '[]')).status).toBe(200);
  });

  it('whose session is being looked up are limited too, and free their place when the client leaves', async () => {
    let waiting: (() => void)[] = [];
    await restart({
      sessions: {
        resolveSession: () => new Promise((resolve) => waiting.push(() => resolve({ idHash: 'good' }))),
        knownBrowser: () => null,
      },
    });
    const hung = await Promise.all(Array.from({ length: 32 }, () => hang(ACTION_HEADERS, '/')));
    await poll(() => used('session_lookups')).toBe(32);
    expect((await bench.server.ask('POST', '/', ACTION_HEADERS, '[]')).status).toBe(429);
    expect(waiting).toHaveLength(32);
    for (const { socket } of hung) socket.destroy();
    await Promise.all(hung.map(({ closed }) => closed));
    for (const answer of waiting.splice(0)) answer();
    waiting = [];
    await poll(() => used('session_lookups')).toBe(0);
    await poll(() => used('requests_with_session')).toBe(0);
  });

  it('on one connection: the second closes it, and neither it nor anything after it is handled', async () => {
    const seen: string[] = [];
    let entered: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (entered = resolve));
    await restart({
      async handle({ url }, response) {
        seen.push(url ?? '');
        entered();
        await once(response, 'close');
      },
    });
    const client = await bench.server.open();
    const get = (path: string) => bench.server.head('GET', path, {});
    await client.send(get('/login'));
    await first;
    await client.send(get('/setup') + get('/login'));
    await client.closed;
    expect(seen).toEqual(['/login']);
    expect(counted('pipelined')).toBe(1);
    // All at once: what would be begun for a client that is gone already is not.
    const hasty = await bench.server.open();
    await hasty.send(get('/login').repeat(500));
    await hasty.closed;
    expect(seen).toEqual(['/login']);
    // One after the other, a connection carries as many as its client likes.
    await restart({});
    const patient = await bench.server.open();
    for (const body of ['[1]', '[2]', '[3]']) {
      await patient.send(bench.server.head('POST', '/setup', { ...SETUP_HEADERS, 'content-length': '3' }) + body);
      await patient.until(body);
    }
    patient.socket.destroy();
  });

  it('free their place when the client leaves while the handler works, and the handler learns of it', async () => {
    let entered: (request: IncomingMessage) => void = () => undefined;
    const atWork = new Promise<IncomingMessage>((resolve) => (entered = resolve));
    await restart({
      async handle(request, response) {
        entered(request);
        await once(response, 'close');
      },
    });
    const client = await bench.server.open();
    await client.send(`${bench.server.head('POST', '/', { ...ACTION_HEADERS, 'content-length': '2' })}[]`);
    const request = await atWork;
    expect(used('requests_with_session')).toBe(1);
    client.socket.destroy();
    await once(request, 'close');
    await poll(() => used('requests_with_session')).toBe(0);
  });
});
