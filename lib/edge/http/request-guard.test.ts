/** The guard in front of Next, on real sockets: what reaches the handler, up to which limits, and in what form. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { MAX_SETUP_BODY_BYTES, PATH_RULES } from './request-rules';
import { chunk, jsonOf, refused, useGuardBench } from '../testing/guard-bench';
import { ACTION_HEADERS, bodyOf, FORM_HEADERS, SESSION, SETUP_HEADERS } from '../testing/guarded';
import { MAX_ACTION_BODY_BYTES } from '@/lib/protocol/http/action-limits';

const bench = useGuardBench();
const { restart } = bench;

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
    const client = await bench.server.open();
    const sent = bench.server.head('POST', '/settings?tab=1', {
      ...ACTION_HEADERS,
      'transfer-encoding': 'chunked',
      'X-Custom': 'as it is',
      'x-forwarded-for': '203.0.113.9',
    });
    await client.send(sent + chunk(body.slice(0, 7)) + chunk(body.slice(7)) + '0\r\n\r\n');
    await client.until(body);
    await client.send(bench.server.head('GET', '/', { connection: 'close' }));
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
    expect(bench.server.counts.passed).toEqual({ with_body: 1, without_body: 1 });
  });

  it('may have as many bytes as its path accepts, with or without Content-Length, and not one more', async () => {
    const sized = (path: string, headers: Record<string, string>, bytes: number) =>
      bench.server.ask('POST', path, headers, jsonOf(bytes));
    const exact = await sized('/', ACTION_HEADERS, MAX_ACTION_BODY_BYTES);
    expect([exact.status, exact.text.length]).toEqual([200, MAX_ACTION_BODY_BYTES]);
    expect((await sized('/', ACTION_HEADERS, MAX_ACTION_BODY_BYTES + 1)).status).toBe(413);
    expect((await sized('/setup', SETUP_HEADERS, MAX_SETUP_BODY_BYTES)).status).toBe(200);
    expect((await sized('/setup', SETUP_HEADERS, MAX_SETUP_BODY_BYTES + 1)).status).toBe(413);
    for (const [bytes, status] of [
      [MAX_SETUP_BODY_BYTES, 200],
      [MAX_SETUP_BODY_BYTES + 1, 413],
    ] as const) {
      const client = await bench.server.open();
      const headers = { ...SETUP_HEADERS, 'transfer-encoding': 'chunked', connection: 'close' };
      await client.send(`${bench.server.head('POST', '/setup', headers)}${chunk(jsonOf(bytes))}0\r\n\r\n`);
      expect((await client.answer()).status).toBe(status);
    }
  });

  it('may have as much nesting, values and fields as its path accepts, and not one more', async () => {
    const page = PATH_RULES['/']?.post;
    const form = PATH_RULES['/api/auth/[...nextauth]']?.post;
    if (page?.kind !== 'action' || form?.kind !== 'form') throw new Error('the rules have changed');
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const action = (body: string) => bench.server.ask('POST', '/', ACTION_HEADERS, body);
    expect((await action(nested(page.json.maxDepth))).status).toBe(200);
    expect(await action(nested(page.json.maxDepth + 1))).toMatchObject({ status: 400, text: refused('too-deep') });
    // Both lists are values, and what stands before the first comma is none of its own in this measure.
    const wide = (values: number) => JSON.stringify([Array.from({ length: values - 2 }, () => 1)]);
    expect((await action(wide(page.json.maxValues))).status).toBe(200);
    expect(await action(wide(page.json.maxValues + 1))).toMatchObject({ text: refused('too-many-values') });
    expect(await action('[1')).toMatchObject({ status: 400, text: refused('malformed') });
    expect(await action('')).toMatchObject({ status: 400, text: refused('malformed') });
    const fields = (count: number) =>
      bench.server.ask('POST', '/api/auth/signout', FORM_HEADERS, Array.from({ length: count }, () => 'a=b').join('&'));
    expect((await fields(form.maxFields)).status).toBe(200);
    expect((await fields(form.maxFields + 1)).status).toBe(400);
  });

  it('holds no reference for a decoder to follow, unless it needs a session', async () => {
    const setup = (password: string) =>
      bench.server.ask('POST', '/setup', SETUP_HEADERS, JSON.stringify([{ setupCode: 'x', password }]));
    for (const password of ['$1:__proto__:then', '$F1', '$undefined', '$']) {
      expect(await setup(password), password).toMatchObject({ status: 400, text: refused('malformed') });
    }
    // As React’s client writes a password that begins with a dollar.
    expect((await setup('$$ecret')).status).toBe(200);
    expect((await bench.server.ask('POST', '/', ACTION_HEADERS, '[{"args":"$undefined"}]')).status).toBe(200);
  });

  it('is not read at all for the development tools', async () => {
    await restart({ isDevelopmentTool: (target) => target.startsWith('/__nextjs') });
    expect((await bench.server.ask('POST', '/__nextjs_x', {}, 'anything')).text).toBe('anything');
    expect((await bench.server.ask('POST', '/__other', {}, 'anything')).status).toBe(404);
  });
});

describe('the head of a request', () => {
  it('is refused when the address is longer or has more fields than any page needs, whatever the method', async () => {
    const long = (length: number) => `/login?${'x'.repeat(length - 7)}`;
    const fields = (count: number) => `/login?${Array.from({ length: count }, () => 'a').join('&')}`;
    expect((await bench.server.ask('GET', long(2_048))).status).toBe(200);
    expect((await bench.server.ask('GET', long(2_049))).status).toBe(414);
    expect((await bench.server.ask('GET', fields(32))).status).toBe(200);
    expect((await bench.server.ask('GET', fields(33))).status).toBe(414);
    expect((await bench.server.ask('POST', `/setup?${'a&'.repeat(40)}`, SETUP_HEADERS, '[]')).status).toBe(414);
    for (const target of ['*', 'http://evil.example/x', '//evil.example/', 'file:///etc/passwd']) {
      expect((await bench.server.ask('GET', target)).status, target).toBe(400);
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
    await bench.server.ask('GET', '/login', { 'user-agent': 'x'.repeat(15_000) });
    expect(agent).toBe('x'.repeat(512));
    await bench.server.ask('POST', '/setup', { ...SETUP_HEADERS, 'user-agent': '-'.repeat(15_000) }, '[]');
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
      bench.server.ask('POST', '/api/auth/callback/credentials', { 'content-type': type }, 'a=b');
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
      expect((await bench.server.ask('POST', '/setup', SETUP_HEADERS, body)).status, body).toBe(400);
    }
    expect((await bench.server.ask('POST', '/setup', SETUP_HEADERS, '[1,2,3,4]')).status).toBe(200);
  });
});
