import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createShell } from '../shell';
import type { DeclaredCheck } from './check-config';
import { runCheck } from './run-check';

const timing = { name: 'check', interval: 1, timeout: 5, tries: 1, enforced: true };
const shell = createShell({ cwd: () => '/', env: process.env, say: () => undefined });
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
const site = (answer: RequestListener) => listen(createHttpServer(answer));
const http = (port: number, more: object = {}): DeclaredCheck => ({
  kind: 'http',
  ...timing,
  url: `http://127.0.0.1:${port}/`,
  status: 200,
  ...more,
});

it('passes where the status is the expected one, without waiting for a body', async () => {
  const port = await site((_request, response) => response.writeHead(204).flushHeaders());
  expect(await runCheck(http(port, { status: 204 }), shell)).toMatchObject({ passed: true, reason: 'status 204' });
});

it('fails with the status that it found, and follows no redirect', async () => {
  let requests = 0;
  const port = await site((_request, response) => {
    requests++;
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  expect(await runCheck(http(port), shell)).toMatchObject({ passed: false, reason: 'status 302 instead of 200' });
  expect(requests).toBe(1);
});

it('fails where nothing answers in time', async () => {
  const port = await site(() => undefined);
  expect(await runCheck(http(port, { timeout: 0.2 }), shell)).toMatchObject({
    passed: false,
    reason: 'no answer within 0.2 s',
  });
  servers.at(-1)?.removeAllListeners('request');
});

it('tells a port that accepts connections from one that does not', async () => {
  const server = createServer();
  const port = await listen(server);
  const tcp = { kind: 'tcp', ...timing, host: '127.0.0.1', port } as const;
  expect(await runCheck(tcp, shell)).toMatchObject({ passed: true });
  servers.splice(0);
  await new Promise((resolve) => server.close(resolve));
  const refused = await runCheck(tcp, shell);
  expect(refused.passed).toBe(false);
  expect(refused.reason).toContain('ECONNREFUSED');
});

it('fails with the exit code and the cause that a program printed, and gives its last lines', async () => {
  const command = ['sh', '-c', 'echo one; echo "fatal: no route"; echo "hint: try again"; exit 3'];
  expect(await runCheck({ kind: 'command', ...timing, command }, shell)).toMatchObject({
    passed: false,
    reason: 'exit code 3: fatal: no route',
    lines: ['one', 'fatal: no route', 'hint: try again'],
  });
  const unknown = ['sh', '-c', 'echo "pool tank is degraded"; exit 1'];
  expect(await runCheck({ kind: 'command', ...timing, command: unknown }, shell)).toMatchObject({
    reason: 'exit code 1: pool tank is degraded',
  });
  const long = ['sh', '-c', 'seq 20000; exit 1'];
  const { lines } = await runCheck({ kind: 'command', ...timing, command: long }, shell);
  expect([lines.length, lines.at(-1)]).toEqual([10, '20000']);
  expect(await runCheck({ kind: 'command', ...timing, command: ['true'] }, shell)).toMatchObject({ passed: true });
  const missing = await runCheck({ kind: 'command', ...timing, command: ['no-such-program'] }, shell);
  expect([missing.passed, missing.reason.includes('no-such-program')]).toEqual([false, true]);
});
