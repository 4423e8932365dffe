/** A refused enrolment code is tried again after five minutes, whatever is done to the clock meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTokenSource } from './token';

const MINUTE_MS = 60_000;

let server: Server;
let stateDir: string;
let asked: number;
let answer: { status: number; body: object };

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'nixfleet-token-'));
  asked = 0;
  answer = { status: 403, body: { error: 'unknown code' } };
  server = createServer((request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(stateDir, { recursive: true, force: true });
});

it.each([
  ['back', -120],
  ['ahead', 120],
])('the pause is five minutes long, also when the clock is set %s', async (_where, minutes) => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const none = () => undefined;
  const log = { debug: none, info: none, warn: none, error: none };
  const url = `ws://127.0.0.1:${address.port}/ws`;
  const config = { url, token: 'shared', enrolmentCode: 'a-code', hostname: 'h1', stateDir };
  const tokens = createTokenSource({ config, log, onSecret: () => undefined });
  expect(await tokens.get()).toBe('shared');
  expect(asked).toBe(1);
  vi.setSystemTime(Date.now() + minutes * MINUTE_MS);
  vi.advanceTimersByTime(4 * MINUTE_MS);
  expect(await tokens.get()).toBe('shared');
  expect(asked).toBe(1);
  answer = { status: 200, body: { token: 'the-token-of-this-host', host_id: 'h1' } };
  vi.advanceTimersByTime(MINUTE_MS + 1_000);
  expect(await tokens.get()).toBe('the-token-of-this-host');
});
