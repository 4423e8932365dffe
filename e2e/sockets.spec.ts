/** Sockets beside pages, on the production server: Next must not touch them. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { expect, test } from './support/fixtures';
import { AGENT_TOKEN } from './support/dashboard';

test('a socket opened after a page request stays open', async ({ request, world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  expect((await request.get(`${dashboard.url}/login`)).status()).toBe(200);
  expect((await request.get(`${dashboard.url}/no/such/page`)).status()).toBe(404);

  const socket = new WebSocket(dashboard.agentUrl, { headers: { authorization: `Bearer ${AGENT_TOKEN}` } });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'register', payload: { hostname: 'web' } }));
  await once(socket, 'message');
  expect((await request.get(`${dashboard.url}/login`)).status()).toBe(200);
  const pong = once(socket, 'pong');
  socket.ping();
  await pong;
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.terminate();
});

test('refused socket upgrades get a response', async ({ request, world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  await request.get(`${dashboard.url}/login`);
  const statusOf = async (path: string, headers: Record<string, string> = {}) => {
    const socket = new WebSocket(`${dashboard.url.replace('http', 'ws')}${path}`, { headers });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    return response.statusCode;
  };
  expect(await statusOf('/ws')).toBe(401);
  expect(await statusOf('/live')).toBe(403);
  expect(await statusOf('/live', { origin: dashboard.url })).toBe(401);
  expect(await statusOf('/login')).toBe(404);
  expect(await statusOf('/_next/hmr')).toBe(404);
});

test('without a session, pages redirect to sign-in and routes answer in their own format', async ({
  request,
  world,
}) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  for (const path of ['/', '/activity', '/settings', '/settings/configuration']) {
    const response = await request.get(`${dashboard.url}${path}`, { maxRedirects: 0 });
    expect([response.status(), response.headers().location], path).toEqual([307, '/login']);
  }
  const output = await request.get(`${dashboard.url}/api/output/none`, { maxRedirects: 0 });
  expect(output.status()).toBe(401);
  expect(output.headers()['content-type']).toContain('application/json');
  const health = await request.get(`${dashboard.url}/health`);
  expect(await health.json()).toEqual({ status: 'ok' });
});
