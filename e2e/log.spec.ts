/** What strangers send reaches the log as bounded, harmless lines, whoever writes them: Next, next-auth or this project. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { expect, test } from './support/fixtures';

/** CSI and OSC in C1 form. Header values are Latin-1 on the wire. */
const CONTROLS = '\u009b2J\u009b31m\u009d0;forged\u009c';
const REQUESTS_OF_EACH_KIND = 100;

async function send(url: string, method: string, path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, headers });
  sent.end(method === 'POST' ? '[]' : undefined);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'close');
  return response.statusCode ?? 0;
}

test('text from strangers is logged as few short lines without control characters', async ({ world }) => {
  const dashboard = world.makeDashboard({ NIXFLEET_LOG_LEVEL: 'debug' });
  await dashboard.start();
  // The last of what it says to whoever started it.
  await dashboard.setupLink();
  const welcome = dashboard.lines.length;
  const { url } = dashboard;
  const textual = { 'content-type': 'text/plain;charset=UTF-8', origin: url };
  const hostile = encodeURIComponent(`\u001b[2J\u009b31m\u202e${'x'.repeat(4_000)}\nforged line`);
  const kinds: [string, string, Record<string, string>][] = [
    ['POST', '/setup', { ...textual, 'next-action': `${CONTROLS}${'a'.repeat(3_000)}` }],
    ['POST', '/setup', { ...textual, 'next-action': '0'.repeat(42) }],
    ['POST', '/login', { ...textual, 'next-action': CONTROLS }],
    ['GET', `/api/auth/signin?callbackUrl=${hostile}`, {}],
    ['GET', '/api/auth/signin', { cookie: `nixfleet.callback=${hostile}` }],
    ['GET', `/api/auth/error?error=${hostile}`, {}],
    ['GET', '/login', { rsc: '1', 'next-router-state-tree': hostile }],
    ['GET', `/${hostile}`, {}],
    ['GET', '/%c0%80', {}],
    ['POST', '/', { ...textual, origin: `http://evil.example/${CONTROLS}` }],
    ['POST', '/', { ...textual, host: `evil${CONTROLS}` }],
  ];
  for (const [method, path, headers] of kinds) {
    for (let n = 0; n < REQUESTS_OF_EACH_KIND; n += 1) await send(url, method, path, headers);
  }
  await dashboard.end();
  const lines = dashboard.lines.slice(welcome).filter((line) => line !== '');
  for (const line of lines) {
    expect(line).toMatch(/^\{.*\}$/);
    expect(() => JSON.parse(line) as unknown, line).not.toThrow();
    expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
    expect(line.length).toBeLessThan(20_000);
  }
  expect(lines.length, lines.slice(0, 20).join('\n')).toBeLessThan((kinds.length * REQUESTS_OF_EACH_KIND) / 4);
});
