/** What every request and every response passes: the headers, and the check of where it comes from. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpOptions } from './http';

let server: Server | null = null;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  if (server) await once(server, 'close');
  server = null;
});

async function serve(
  options: Partial<HttpOptions> = {},
): Promise<
  (method: string, path: string, headers?: Record<string, string>) => Promise<IncomingMessage & { text: string }>
> {
  const made = createHttpServer({
    handle: (_request, response) => Promise.resolve(void response.end('handled')),
    trusts: () => false,
    origins: { baseUrl: null, allowedOrigins: [], machineNames: ['nas'] },
    directRoutes: new Map([['/health', () => ({ status: 200, type: 'application/json', body: '{"status":"ok"}' })]]),
    agentCount: () => 0,
    machineEndpoints: [],
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...options,
  });
  server = made;
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  const { port } = made.address() as AddressInfo;
  return async (method, path, headers = {}) => {
    const asked = httpRequest({ host: '127.0.0.1', port, method, path, headers: { host: 'nas:8000', ...headers } });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return Object.assign(response, { text });
  };
}

describe('every response', () => {
  it('carries the security headers: pages, health and refusals', async () => {
    const ask = await serve();
    const answers = [
      await ask('GET', '/'),
      await ask('GET', '/health'),
      await ask('POST', '/', { origin: 'http://evil.example' }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 403]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'permissions-policy': expect.stringContaining('camera=()') as string,
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['strict-transport-security']).toBeUndefined();
    }
  });

  it('requires https only when the public address is https', async () => {
    const origins = { baseUrl: 'https://fleet.example.org', allowedOrigins: [], machineNames: [] };
    const ask = await serve({ origins });
    for (const path of ['/', '/health']) {
      expect((await ask('GET', path)).headers['strict-transport-security']).toBe('max-age=31536000');
    }
  });
});

describe('a request that changes something', () => {
  const statusOf = async (policy: HttpOptions['origins'], method: string, headers: Record<string, string>) =>
    (await (await serve({ origins: policy }))(method, '/settings', headers)).statusCode;
  const none = { baseUrl: null, allowedOrigins: [], machineNames: ['nas'] };
  const named = {
    baseUrl: 'https://fleet.example.org',
    allowedOrigins: ['http://nas.lan:8000'],
    machineNames: ['nas'],
  };

  it.each([
    ['the page itself', none, 'POST', { origin: 'http://nas:8000' }, 200],
    ['another site', none, 'POST', { origin: 'http://evil.example' }, 403],
    ['another port of the same machine', none, 'POST', { origin: 'http://nas:9000' }, 403],
    ['no origin that can be named', none, 'POST', { origin: 'null' }, 403],
    [
      'a host name that rebinding points here',
      none,
      'POST',
      { origin: 'http://evil.example', host: 'evil.example' },
      403,
    ],
    ['another method', none, 'DELETE', { origin: 'http://evil.example' }, 403],
    ['a browser that hides its origin', none, 'POST', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a browser of the same site, but not the same origin', none, 'POST', { 'sec-fetch-site': 'same-site' }, 403],
    ['a program, which brings no cookies of its own', none, 'POST', {}, 200],
    ['the public address', named, 'POST', { origin: 'https://fleet.example.org' }, 200],
    ['the public address without TLS', named, 'POST', { origin: 'http://fleet.example.org' }, 403],
    ['a configured name in the local network, by http', named, 'POST', { origin: 'http://nas.lan:8000' }, 200],
    ['that name at another port', named, 'POST', { origin: 'http://nas.lan' }, 403],
    ['looking alone', none, 'GET', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }, 200],
  ] as const)('by %s', async (_who, policy, method, headers, status) => {
    expect(await statusOf(policy, method, headers)).toBe(status);
  });
});
