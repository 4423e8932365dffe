/** What the dashboard knows after its process was killed. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { expect, test } from './support/fixtures';
import { AGENT_TOKEN } from './support/dashboard';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, expectLiveAgain, signInConfigured } from './support/operator';

test('after kill -9 of the dashboard, a running command continues and ends', async ({ page, requests, world }) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_CONFIG_REPO: host.remote });
  await dashboard.start();
  const fleet = new FleetPage(page);
  await signInConfigured(page, dashboard.url);
  const gate = host.path('go-on');
  host.program('nixos-rebuild', `echo before; until [ -e '${gate}' ]; do sleep 0.05; done; echo after`);
  world.startAgent(host, dashboard);

  await fleet.press('web', 'Switch');
  await fleet.openOutput('web', 'Switch');
  await expect(fleet.drawer.getByText('before', { exact: true })).toBeVisible();

  await requests.settled();
  expect(await dashboard.end('SIGKILL')).toBe('SIGKILL');
  await expect(page.getByTestId('connection')).not.toHaveAttribute('data-state', 'live');
  await dashboard.start();
  await expectLiveAgain(page);
  await expect(fleet.commandState).toHaveAttribute('data-phase', 'running');
  await expect(fleet.drawer.getByText('The dashboard restarted at this point.')).toBeVisible();

  writeFileSync(gate, '');
  await fleet.expectOutcome('succeeded');
  await expect(fleet.drawer.getByText('before', { exact: true })).toHaveCount(1);
  await expect(fleet.drawer.getByText('after', { exact: true })).toHaveCount(1);
});

test('after kill -9 of the dashboard and the agent, the command ends with the known facts', async ({
  page,
  requests,
  world,
}) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_CONFIG_REPO: host.remote });
  await dashboard.start();
  const fleet = new FleetPage(page);
  await signInConfigured(page, dashboard.url);
  host.commit({ 'hosts/web/tests/10-wait.sh': '#!/bin/sh\necho waiting\nexec sleep 600\n' }, 'web: a test that waits');
  const agent = host.start('dist/agent.mjs', dashboard.agentUrl, { NIXFLEET_TOKEN: AGENT_TOKEN });

  await fleet.press('web', 'Test');
  await fleet.openOutput('web', 'Test');
  await expect(fleet.drawer.getByText('waiting', { exact: true })).toBeVisible();
  await requests.settled();
  await dashboard.end('SIGKILL');
  agent.child.kill('SIGKILL');
  await agent.exit;
  await dashboard.start();
  host.start('dist/agent.mjs', dashboard.agentUrl, { NIXFLEET_TOKEN: AGENT_TOKEN });
  await expectLiveAgain(page);
  await fleet.expectOutcome('lost', 'failed');
  await expect(fleet.row('web').getByRole('button', { name: 'Test', exact: true })).toBeEnabled();
});

test('on SIGTERM, sockets are notified and the process exits in time', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const socket = new WebSocket(dashboard.agentUrl, { headers: { authorization: `Bearer ${AGENT_TOKEN}` } });
  await once(socket, 'open');
  const closed = once(socket, 'close');
  expect(await dashboard.end('SIGTERM')).toBe(0);
  const [code] = (await closed) as [number];
  expect(code).toBe(1001);
});

test('on SIGTERM, the process exits cleanly while a refused client keeps its socket open', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const held = connect({ port: Number(new URL(dashboard.url).port), host: '127.0.0.1', allowHalfOpen: true });
  held.on('error', () => undefined);
  held.write('GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [answer] = (await once(held, 'data')) as [Buffer];
  expect(answer.toString('latin1')).toContain('401 Unauthorized');
  expect(await dashboard.end('SIGTERM')).toBe(0);
  held.destroy();
});
