/** The guard in front of Next, on real sockets: what reaches the handler, what is refused, and what that costs. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSignInError } from '@/lib/auth/next/sign-in-error';
import { MAX_SETUP_BODY_BYTES, PATH_RULES } from './request-rules';
import {
  ACTION_HEADERS,
  bodyOf,
  FORM_HEADERS,
  SESSION,
  SETUP_HEADERS,
  startGuarded,
  type Guarded,
  type GuardedOptions,
} from '../testing/guarded';
import { MAX_ACTION_BODY_BYTES } from '@/lib/protocol/http/action-limits';
import { refusalOf } from '@/lib/protocol/http/request-refusals';

let server: Guarded;
const serve = async (options: GuardedOptions = {}) => (server = await startGuarded(options));
beforeEach(() => serve());
afterEach(() => server.close());

const restart = async (options: GuardedOptions) => {
  await server.close();
  return serve(options);
};
const refused = (reason: Parameters<typeof refusalOf>[0]) => refusalOf(reason).sentence;
const counted = (reason: Parameters<typeof refusalOf>[0]) => server.counts.refusedByReason().get(reason) ?? 0;
const used = (id: string) => server.guard.uses().find((use) => use.id === id)?.used ?? -1;
/** JSON of exactly so many bytes: a list with one text. */
const jsonOf = (bytes: number) => `["${'x'.repeat(bytes - 4)}"]`;
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
/** Any more than this was not read in one go and thrown away. */
const DISCARDED_AT_MOST = 1024 * 1024 + 512 * 1024;

describe('a request that passes', () => {
  it('reaches the handler byte for byte, and leaves the connection open for the next', async () => {
    const seen: IncomingMessage[] = [];
    await restart({
      async handle(request, response) {
        seen.push(request);
        response.end(await bodyOf(request));
      },
    });
    const body = JSON.stringify([{ text: 'ä€😀\u0000"\\', list: Array.from({ length: 500 }, (_, index) => index) }]);
    const client = await server.open();
    const sent = server.head('POST', '/settings?tab=1', {
      ...ACTION_HEADERS,
      'transfer-encoding': 'chunked',
      'X-Custom': 'as it is',
      'x-forwarded-for': '203.0.113.9',
    });
    await client.send(sent + chunk(body.slice(0, 7)) + chunk(body.slice(7)) + '0\r\n\r\n');
    await client.until(body);
    await client.send(server.head('GET', '/', { connection: 'close' }));
    await client.answer();
    const [request] = seen;
    expect(seen).toHaveLength(2);
    expect(request).toMatchObject({ method: 'POST', url: '/settings?tab=1', httpVersion: '1.1', complete: true });
    expect(request?.headers).toEqual({
      host: 'localhost',
      cookie: SESSION,
      'next-action': ACTION_HEADERS['next-action'],
      'content-type': 'text/plain;charset=UTF-8',
      'x-custom': 'as it is',
      'x-forwarded-for': '203.0.113.9',
      'content-length': String(Buffer.byteLength(body)),
    });
    const raw = request?.rawHeaders ?? [];
    expect(raw[raw.indexOf('content-length') + 1]).toBe(String(Buffer.byteLength(body)));
    expect(raw).not.toContain('transfer-encoding');
    expect(server.counts.passed).toEqual({ with_body: 1, without_body: 1 });
  });

  it('may have as many bytes as its path accepts, with or without Content-Length, and not one more', async () => {
    const sized = (path: string, headers: Record<string, string>, bytes: number) =>
      server.ask('POST', path, headers, jsonOf(bytes));
    const exact = await sized('/', ACTION_HEADERS, MAX_ACTION_BODY_BYTES);
    expect([exact.status, exact.text.length]).toEqual([200, MAX_ACTION_BODY_BYTES]);
    expect((await sized('/', ACTION_HEADERS, MAX_ACTION_BODY_BYTES + 1)).status).toBe(413);
    expect((await sized('/setup', SETUP_HEADERS, MAX_SETUP_BODY_BYTES)).status).toBe(200);
    expect((await sized('/setup', SETUP_HEADERS, MAX_SETUP_BODY_BYTES + 1)).status).toBe(413);
    for (const [bytes, status] of [
      [MAX_SETUP_BODY_BYTES, 200],
      [MAX_SETUP_BODY_BYTES + 1, 413],
    ] as const) {
      const client = await server.open();
      const headers = { ...SETUP_HEADERS, 'transfer-encoding': 'chunked', connection: 'close' };
      await client.send(`${server.head('POST', '/setup', headers)}${chunk(jsonOf(bytes))}0\r\n\r\n`);
      expect((await client.answer()).status).toBe(status);
    }
  });

  it('may have as much nesting, values and fields as its path accepts, and not one more', async () => {
    const page = PATH_RULES['/']?.post;
    const form = PATH_RULES['/api/auth/[...nextauth]']?.post;
    if (page?.kind !== 'action' || form?.kind !== 'form') throw new Error('the rules have changed');
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const action = (body: string) => server.ask('POST', '/', ACTION_HEADERS, body);
    expect((await action(nested(page.json.maxDepth))).status).toBe(200);
    expect(await action(nested(page.json.maxDepth + 1))).toMatchObject({ status: 400, text: refused('too-deep') });
    // Both lists are values, and what stands before the first comma is none of its own in this measure.
    const wide = (values: number) => JSON.stringify([Array.from({ length: values - 2 }, () => 1)]);
    expect((await action(wide(page.json.maxValues))).status).toBe(200);
    expect(await action(wide(page.json.maxValues + 1))).toMatchObject({ text: refused('too-many-values') });
    expect(await action('[1')).toMatchObject({ status: 400, text: refused('malformed') });
    expect(await action('')).toMatchObject({ status: 400, text: refused('malformed') });
    const fields = (count: number) =>
      server.ask('POST', '/api/auth/signout', FORM_HEADERS, Array.from({ length: count }, () => 'a=b').join('&'));
    expect((await fields(form.maxFields)).status).toBe(200);
    expect((await fields(form.maxFields + 1)).status).toBe(400);
  });

  it('holds no reference for a decoder to follow, unless it needs a session', async () => {
    const setup = (password: string) =>
      server.ask('POST', '/setup', SETUP_HEADERS, JSON.stringify([{ setupCode: 'x', password }]));
    for (const password of ['$1:__proto__:then', '$F1', '$undefined', '$']) {
      expect(await setup(password), password).toMatchObject({ status: 400, text: refused('malformed') });
    }
    // As React’s client writes a password that begins with a dollar.
    expect((await setup('$$ecret')).status).toBe(200);
    expect((await server.ask('POST', '/', ACTION_HEADERS, '[{"args":"$undefined"}]')).status).toBe(200);
  });

  it('is not read at all for the development tools', async () => {
    await restart({ isDevelopmentTool: (target) => target.startsWith('/__nextjs') });
    expect((await server.ask('POST', '/__nextjs_x', {}, 'anything')).text).toBe('anything');
    expect((await server.ask('POST', '/__other', {}, 'anything')).status).toBe(404);
  });
});

describe('a refusal', () => {
  it('is sent before any byte of the body: for a missing session, a type, a size, a path, a method', async () => {
    const announced = { 'content-length': '100' };
    for (const [path, headers, reason] of [
      ['/', { ...ACTION_HEADERS, cookie: 'session=made-up', ...announced }, 'signed-out'],
      ['/', { ...ACTION_HEADERS, ...announced, 'content-type': 'multipart/form-data; boundary=x' }, 'wrong-type'],
      ['/', { ...ACTION_HEADERS, 'content-length': '10000000' }, 'too-large'],
      ['/', { ...ACTION_HEADERS, ...announced, 'next-action': '7f' }, 'unknown-action'],
      ['/nowhere', { ...ACTION_HEADERS, ...announced }, 'unknown-path'],
      ['/login', { ...ACTION_HEADERS, ...announced }, 'wrong-method'],
    ] as const) {
      const client = await server.open();
      await client.send(server.head('POST', path, headers));
      await client.until(refused(reason));
      // The answer does not wait for the rest.
      client.socket.end();
      const answer = await client.answer();
      expect([answer.status, answer.headers.get('connection')], reason).toEqual([refusalOf(reason).status, 'close']);
      expect(counted(reason), reason).toBe(1);
    }
    expect(server.counts.bodyBytes).toBe(0);
    expect(server.counts.passed).toEqual({ with_body: 0, without_body: 0 });
  });

  it('is text for an action and JSON for everything else, both with the security headers', async () => {
    const text = await server.ask('POST', '/', { ...ACTION_HEADERS, cookie: '' }, '[]');
    expect([text.status, text.headers.get('content-type'), text.text]).toEqual([
      401,
      'text/plain',
      refused('signed-out'),
    ]);
    const json = await server.ask('POST', '/login', FORM_HEADERS, 'a=b');
    expect([json.status, json.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(JSON.parse(json.text)).toEqual({ error: refused('wrong-method') });
    for (const { headers } of [text, json]) {
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('tells a page of another build that its action is gone, as Next does', async () => {
    const answer = await server.ask('POST', '/', { ...ACTION_HEADERS, 'next-action': `7f${'c'.repeat(40)}` }, '[]');
    expect([answer.status, answer.headers.get('x-nextjs-action-not-found')]).toEqual([404, '1']);
  });

  it('reaches the sign-in form in the address that the form reads', async () => {
    const answer = await server.ask(
      'POST',
      '/api/auth/callback/credentials',
      { ...FORM_HEADERS, origin: 'http://localhost' },
      'x'.repeat(100_000),
    );
    const { url } = JSON.parse(answer.text) as { url: string };
    expect(parseSignInError(new URL(url).searchParams.get('error') ?? '')).toEqual({ kind: 'refused' });
  });

  it('reports a session that can’t be looked up', async () => {
    await restart({
      sessions: { resolveSession: () => Promise.reject(new Error('the disk is gone')), knownBrowser: () => null },
    });
    const answer = await server.ask('POST', '/', ACTION_HEADERS, '[]');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect(used('session_lookups')).toBe(0);
  });

  it('reaches a client that keeps sending, up to a megabyte', async () => {
    const asked = httpRequest({
      port: server.port,
      method: 'POST',
      path: '/',
      headers: { ...ACTION_HEADERS, 'content-length': 900_000 },
    });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    asked.end('['.repeat(900_000));
    const [response] = await answered;
    expect([response.statusCode, (await bodyOf(response)).toString()]).toEqual([413, refused('too-large')]);
  });

  it.each(['/', '/setup', '/login', '/nowhere', '/health', '/api/auth/callback/credentials'])(
    'of an endless body at %s stops reading after about a megabyte',
    async (path) => {
      const client = await server.open();
      const types = path.startsWith('/api') ? FORM_HEADERS : path === '/setup' ? SETUP_HEADERS : ACTION_HEADERS;
      await client.send(server.head('POST', path, { ...types, 'transfer-encoding': 'chunked' }));
      const piece = chunk('['.repeat(64 * 1024));
      while (!client.socket.closed) await Promise.race([client.send(piece), client.closed]);
      expect((await client.answer()).status).toBeGreaterThanOrEqual(400);
      expect(server.counts.socketBytes).toBeLessThan(MAX_ACTION_BODY_BYTES + DISCARDED_AT_MOST);
      expect(server.counts.passed.with_body).toBe(0);
    },
  );
});

describe('the head of a request', () => {
  it('is refused when the address is longer or has more fields than any page needs, whatever the method', async () => {
    const long = (length: number) => `/login?${'x'.repeat(length - 7)}`;
    const fields = (count: number) => `/login?${Array.from({ length: count }, () => 'a').join('&')}`;
    expect((await server.ask('GET', long(2_048))).status).toBe(200);
    expect((await server.ask('GET', long(2_049))).status).toBe(414);
    expect((await server.ask('GET', fields(32))).status).toBe(200);
    expect((await server.ask('GET', fields(33))).status).toBe(414);
    expect((await server.ask('POST', `/setup?${'a&'.repeat(40)}`, SETUP_HEADERS, '[]')).status).toBe(414);
    for (const target of ['*', 'http://evil.example/x', '//evil.example/', 'file:///etc/passwd']) {
      expect((await server.ask('GET', target)).status, target).toBe(400);
    }
  });

  it('has its user agent truncated, because patterns read it', async () => {
    let agent = '';
    await restart({
      handle: (request, response) => {
        agent = request.headers['user-agent'] ?? '';
        return Promise.resolve(void response.end());
      },
    });
    await server.ask('GET', '/login', { 'user-agent': 'x'.repeat(15_000) });
    expect(agent).toBe('x'.repeat(512));
    await server.ask('POST', '/setup', { ...SETUP_HEADERS, 'user-agent': '-'.repeat(15_000) }, '[]');
    expect(agent).toBe('-'.repeat(512));
  });

  it('carries exactly the content type that the handler reads', async () => {
    const seen: (string | undefined)[] = [];
    await restart({
      handle: (request, response) => {
        seen.push(request.headers['content-type']);
        return Promise.resolve(void response.end());
      },
    });
    const form = (type: string) =>
      server.ask('POST', '/api/auth/callback/credentials', { 'content-type': type }, 'a=b');
    for (const type of ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=UTF-8']) {
      expect((await form(type)).status, type).toBe(200);
    }
    for (const type of [
      'application/x-www-form-urlencoded; application/json',
      'application/x-www-form-urlencoded, application/json',
      'application/x-www-form-urlencoded;charset=utf-8;x=application/json',
    ]) {
      expect((await form(type)).status, type).toBe(415);
    }
    expect(seen).toEqual(['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded']);
  });
});

describe('an action body', () => {
  it('is a list of at most four arguments; anything else is refused before Next', async () => {
    for (const body of ['5', '"x"', 'null', 'true', '{"length":4294967295}', '[1,2,3,4,5]']) {
      expect((await server.ask('POST', '/setup', SETUP_HEADERS, body)).status, body).toBe(400);
    }
    expect((await server.ask('POST', '/setup', SETUP_HEADERS, '[1,2,3,4]')).status).toBe(200);
  });
});

describe('a body in many small pieces', () => {
  it('is refused, and the rest of it is not read', async () => {
    for (const [path, headers] of [
      ['/setup', SETUP_HEADERS],
      ['/api/auth/callback/credentials', FORM_HEADERS],
      ['/login', FORM_HEADERS],
    ] as const) {
      const client = await server.open();
      const before = server.counts.bodyBytes;
      await client.send(server.head('POST', path, { ...headers, 'transfer-encoding': 'chunked' }));
      await client.send(chunk('a').repeat(20_000));
      await client.closed;
      expect(server.counts.bodyBytes - before, path).toBeLessThan(1_000);
    }
    expect(server.counts.passed.with_body).toBe(0);
    expect(counted('too-many-pieces')).toBe(2);
  });

  it('passes when a network delivers it in such pieces', async () => {
    const client = await server.open();
    const body = jsonOf(8_000);
    await client.send(
      server.head('POST', '/setup', { ...SETUP_HEADERS, 'content-length': '8000', connection: 'close' }),
    );
    for (let at = 0; at < body.length; at += 200) await client.send(body.slice(at, at + 200));
    expect(await client.answer()).toMatchObject({ status: 200, text: body });
  });
});

describe('a client that sends Expect: 100-continue', () => {
  const asking = (headers: Record<string, string>, length: number) =>
    server.head('POST', '/setup', { ...headers, 'content-length': String(length), expect: '100-continue' });

  it('gets 100 Continue when its body is acceptable', async () => {
    const client = await server.open();
    await client.send(asking({ ...SETUP_HEADERS, connection: 'close' }, 2));
    await client.until('HTTP/1.1 100 Continue');
    await client.send('[]');
    expect(await client.answer()).toMatchObject({ status: 200, text: '[]' });
  });

  it('gets no 100 Continue when its body is refused', async () => {
    for (const headers of [{ ...SETUP_HEADERS, 'content-type': 'text/html' }, SETUP_HEADERS]) {
      const client = await server.open();
      await client.send(asking(headers, 100_000));
      await client.until('connection: close');
      client.socket.end();
      expect((await client.answer()).status).toBeGreaterThanOrEqual(400);
      expect(client.text).not.toContain('100 Continue');
    }
  });
});

describe('concurrent requests', () => {
  /** A request that has sent its headers and none of its body. */
  async function hang(headers: Record<string, string>, path = '/setup') {
    const client = await server.open();
    await client.send(server.head('POST', path, { ...SETUP_HEADERS, ...headers, 'content-length': '2' }));
    return client;
  }
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const poll = (read: () => number) => expect.poll(read, { timeout: 10_000 });

  // A slow body may be evicted after half a second; opening all of these takes longer on a slow machine.
  beforeEach(() => restart({ now: () => 0 }));

  it('of one address without a session are limited, per /64 network, and do not affect others', async () => {
    const hung = await Promise.all(
      Array.from({ length: 8 }, (_, index) => hang(from(`2001:db8::${(index + 1).toString(16)}`))),
    );
    await poll(() => used('requests_without_session')).toBe(8);
    const full = await server.ask('POST', '/setup', { ...SETUP_HEADERS, ...from('2001:db8::ff') }, '[]');
    expect([full.status, full.headers.get('retry-after')]).toEqual([429, '2']);
    expect(full.text).toBe(refused('too-many-at-once'));
    expect((await server.ask('POST', '/setup', { ...SETUP_HEADERS, ...from('2001:db8:0:1::1') }, '[]')).status).toBe(
      200,
    );
    expect(server.guard.uses().find(({ id }) => id === 'requests_without_session')).toMatchObject({
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
    expect((await server.ask('POST', '/setup', { ...SETUP_HEADERS, ...from('2001:db8::ff') }, '[]')).status).toBe(200);
  });

  it('of unknown clients everywhere leave room for known browsers and sessions', async () => {
    await Promise.all(Array.from({ length: 256 }, (_, index) => hang(from(`192.0.2.${index}`))));
    await poll(() => used('requests_without_session')).toBe(256);
    const stranger = from('198.51.100.1');
    expect((await server.ask('POST', '/setup', { ...SETUP_HEADERS, ...stranger }, '[]')).status).toBe(429);
    const known = await server.ask('POST', '/setup', { ...SETUP_HEADERS, ...stranger, cookie: 'device=laptop' }, '[]');
    expect(known.status).toBe(200);
    expect((await server.ask('POST', '/', { ...ACTION_HEADERS, ...stranger }, '[]')).status).toBe(200);
    expect((await server.ask('GET', '/login', stranger)).status).toBe(200);
  });

  it('of one known browser are limited without limiting another', async () => {
    await Promise.all(Array.from({ length: 16 }, () => hang({ cookie: 'device=laptop' })));
    await poll(() => used('requests_of_known_browsers')).toBe(16);
    const ask = (device: string) =>
      server.ask('POST', '/setup', { ...SETUP_HEADERS, cookie: `device=${device}` }, '[]');
    expect((await ask('laptop')).status).toBe(429);
    expect((await ask('phone')).status).toBe(200);
  });

  it('of one session have a generous limit', async () => {
    const hung = await Promise.all(Array.from({ length: 32 }, () => hang(ACTION_HEADERS, '/')));
    await poll(() => used('requests_with_session')).toBe(32);
    expect((await server.ask('POST', '/', ACTION_HEADERS, '[]')).status).toBe(429);
    for (const client of hung) client.socket.destroy();
    await poll(() => used('requests_with_session')).toBe(0);
    expect((await server.ask('POST', '/', ACTION_HEADERS, '[]')).status).toBe(200);
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
    expect((await server.ask('POST', '/', ACTION_HEADERS, '[]')).status).toBe(429);
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
    const client = await server.open();
    const get = (path: string) => server.head('GET', path, {});
    await client.send(get('/login'));
    await first;
    await client.send(get('/setup') + get('/login'));
    await client.closed;
    expect(seen).toEqual(['/login']);
    expect(counted('pipelined')).toBe(1);
    // All at once: what would be begun for a client that is gone already is not.
    const hasty = await server.open();
    await hasty.send(get('/login').repeat(500));
    await hasty.closed;
    expect(seen).toEqual(['/login']);
    // One after the other, a connection carries as many as its client likes.
    await restart({});
    const patient = await server.open();
    for (const body of ['[1]', '[2]', '[3]']) {
      await patient.send(server.head('POST', '/setup', { ...SETUP_HEADERS, 'content-length': '3' }) + body);
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
    const client = await server.open();
    await client.send(`${server.head('POST', '/', { ...ACTION_HEADERS, 'content-length': '2' })}[]`);
    const request = await atWork;
    expect(used('requests_with_session')).toBe(1);
    client.socket.destroy();
    await once(request, 'close');
    await poll(() => used('requests_with_session')).toBe(0);
  });
});
