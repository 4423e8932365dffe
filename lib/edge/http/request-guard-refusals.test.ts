/** What the guard in front of Next answers when it refuses a request, and how little it reads of it. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parseSignInError } from '@/lib/auth/next/sign-in-error';
import { chunk, refused, useGuardBench } from '../testing/guard-bench';
import { ACTION_HEADERS, bodyOf, FORM_HEADERS, SETUP_HEADERS } from '../testing/guarded';
import { MAX_ACTION_BODY_BYTES } from '@/lib/protocol/http/action-limits';
import { refusalOf } from '@/lib/protocol/http/request-refusals';

const bench = useGuardBench();
const { restart, counted, used } = bench;
/** Any more than this was not read in one go and thrown away. */
const DISCARDED_AT_MOST = 1024 * 1024 + 512 * 1024;

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
      const client = await bench.server.open();
      await client.send(bench.server.head('POST', path, headers));
      await client.until(refused(reason));
      // The answer does not wait for the rest.
      client.socket.end();
      const answer = await client.answer();
      expect([answer.status, answer.headers.get('connection')], reason).toEqual([refusalOf(reason).status, 'close']);
      expect(counted(reason), reason).toBe(1);
    }
    expect(bench.server.counts.bodyBytes).toBe(0);
    expect(bench.server.counts.passed).toEqual({ with_body: 0, without_body: 0 });
  });

  it('is text for an action and JSON for everything else, both with the security headers', async () => {
    const text = await bench.server.ask('POST', '/', { ...ACTION_HEADERS, cookie: '' }, '[]');
    expect([text.status, text.headers.get('content-type'), text.text]).toEqual([
      401,
      'text/plain',
      refused('signed-out'),
    ]);
    const json = await bench.server.ask('POST', '/login', FORM_HEADERS, 'a=b');
    expect([json.status, json.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(JSON.parse(json.text)).toEqual({ error: refused('wrong-method') });
    for (const { headers } of [text, json]) {
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('tells a page of another build that its action is gone, as Next does', async () => {
    const answer = await bench.server.ask(
      'POST',
      '/',
      { ...ACTION_HEADERS, 'next-action': `7f${'c'.repeat(40)}` },
      '[]',
    );
    expect([answer.status, answer.headers.get('x-nextjs-action-not-found')]).toEqual([404, '1']);
  });

  it('reaches the sign-in form in the address that the form reads', async () => {
    const answer = await bench.server.ask(
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
    const answer = await bench.server.ask('POST', '/', ACTION_HEADERS, '[]');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect(used('session_lookups')).toBe(0);
  });

  it('reaches a client that keeps sending, up to a megabyte', async () => {
    const asked = httpRequest({
      port: bench.server.port,
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
      const client = await bench.server.open();
      const types = path.startsWith('/api') ? FORM_HEADERS : path === '/setup' ? SETUP_HEADERS : ACTION_HEADERS;
      await client.send(bench.server.head('POST', path, { ...types, 'transfer-encoding': 'chunked' }));
      const piece = chunk('['.repeat(64 * 1024));
      while (!client.socket.closed) await Promise.race([client.send(piece), client.closed]);
      expect((await client.answer()).status).toBeGreaterThanOrEqual(400);
      expect(bench.server.counts.socketBytes).toBeLessThan(MAX_ACTION_BODY_BYTES + DISCARDED_AT_MOST);
      expect(bench.server.counts.passed.with_body).toBe(0);
    },
  );
});
