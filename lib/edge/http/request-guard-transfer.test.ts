/** How a body arrives at the guard in front of Next: in small pieces, and after `Expect: 100-continue`. */
import { describe, expect, it } from 'vitest';
import { chunk, jsonOf, useGuardBench } from '../testing/guard-bench';
import { FORM_HEADERS, SETUP_HEADERS } from '../testing/guarded';

const bench = useGuardBench();
const { counted } = bench;

describe('a body in many small pieces', () => {
  it('is refused, and the rest of it is not read', async () => {
    for (const [path, headers] of [
      ['/setup', SETUP_HEADERS],
      ['/api/auth/callback/credentials', FORM_HEADERS],
      ['/login', FORM_HEADERS],
    ] as const) {
      const client = await bench.server.open();
      const before = bench.server.counts.bodyBytes;
      await client.send(bench.server.head('POST', path, { ...headers, 'transfer-encoding': 'chunked' }));
      await client.send(chunk('a').repeat(20_000));
      await client.closed;
      expect(bench.server.counts.bodyBytes - before, path).toBeLessThan(1_000);
    }
    expect(bench.server.counts.passed.with_body).toBe(0);
    expect(counted('too-many-pieces')).toBe(2);
  });

  it('passes when a network delivers it in such pieces', async () => {
    const client = await bench.server.open();
    const body = jsonOf(8_000);
    await client.send(
      bench.server.head('POST', '/setup', { ...SETUP_HEADERS, 'content-length': '8000', connection: 'close' }),
    );
    for (let at = 0; at < body.length; at += 200) await client.send(body.slice(at, at + 200));
    expect(await client.answer()).toMatchObject({ status: 200, text: body });
  });
});

describe('a client that sends Expect: 100-continue', () => {
  const asking = (headers: Record<string, string>, length: number) =>
    bench.server.head('POST', '/setup', { ...headers, 'content-length': String(length), expect: '100-continue' });

  it('gets 100 Continue when its body is acceptable', async () => {
    const client = await bench.server.open();
    await client.send(asking({ ...SETUP_HEADERS, connection: 'close' }, 2));
    await client.until('HTTP/1.1 100 Continue');
    await client.send('[]');
    expect(await client.answer()).toMatchObject({ status: 200, text: '[]' });
  });

  it('gets no 100 Continue when its body is refused', async () => {
    for (const headers of [{ ...SETUP_HEADERS, 'content-type': 'text/html' }, SETUP_HEADERS]) {
      const client = await bench.server.open();
      await client.send(asking(headers, 100_000));
      await client.until('connection: close');
      client.socket.end();
      expect((await client.answer()).status).toBeGreaterThanOrEqual(400);
      expect(client.text).not.toContain('100 Continue');
    }
  });
});
