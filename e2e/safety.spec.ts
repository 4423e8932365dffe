/** Backups, health and the end of the process, of the production build. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { AGENT_TOKEN } from './support/dashboard';
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { openConfigured } from './support/operator';
import { plainEnvironment, start } from './support/processes';

const METRICS_TOKEN = 'a-token-for-prometheus';

test('a backup is created on demand, listed, and restored after the dashboard stops', async ({ page, world }) => {
  const dashboard = await openConfigured(page, world);
  await page.goto(`${dashboard.url}/settings/backups`);
  await expect(page.getByText('No backups yet')).toBeVisible();
  await page.getByRole('button', { name: 'Back up now' }).click();
  const list = page.getByRole('list', { name: 'Backups' });
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await expect(page.getByText('OK', { exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Back up now' })).toBeEnabled();
  await expectAccessible(page, 'the backups');

  const file = join(dashboard.folder, 'data/backups', (await list.locator('code').first().textContent()) ?? '');
  const nixfleet = (...args: string[]) =>
    start('node', ['dist/cli.mjs', ...args], plainEnvironment({ NIXFLEET_DATA_DIR: join(dashboard.folder, 'data') }));
  const checked = nixfleet('check', file);
  expect(await checked.ended).toBe(0);
  expect(checked.lines.join('\n')).toContain('No problems found.');
  const refused = nixfleet('restore', file);
  expect(await refused.ended).toBe(1);
  expect(refused.lines.join('\n')).toContain('is in use by another NixFleet');

  expect(await dashboard.end('SIGTERM')).toBe(0);
  const restored = nixfleet('restore', '--newest');
  expect(await restored.ended).toBe(0);
  await dashboard.start();
  await page.goto(`${dashboard.url}/activity`);
  await expect(page.getByText('The database was restored from the backup of').first()).toBeVisible();
});

test('health and metrics are available without a session', async ({ world }) => {
  const dashboard = world.makeDashboard({ NIXFLEET_METRICS_TOKEN: METRICS_TOKEN });
  await dashboard.start();
  const health = await fetch(`${dashboard.url}/health`);
  expect([health.status, await health.text()]).toEqual([200, '{"status":"ok"}']);
  const ready = await fetch(`${dashboard.url}/health/ready`);
  expect([ready.status, await ready.text()]).toEqual([200, '{"status":"ready"}']);
  expect((await fetch(`${dashboard.url}/metrics`)).status).toBe(401);
  const metrics = await fetch(`${dashboard.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  expect(await metrics.text()).toContain('nixfleet_agents{state="connected"} 0');
});

test('on SIGTERM, agents are notified and clients that stay connected do not delay the exit', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const port = Number(new URL(dashboard.url).port);
  const dial = async () => {
    const socket = new WebSocket(dashboard.agentUrl, { headers: { authorization: `Bearer ${AGENT_TOKEN}` } });
    socket.on('error', () => undefined);
    await once(socket, 'open');
    return socket;
  };
  const polite = await dial();
  // Neither reads the goodbye nor answers it.
  const deaf = await dial();
  deaf.pause();
  // Requests that never end: one in its headers, one in its body.
  const halfOpen = [
    'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
    'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\na',
  ];
  const held = halfOpen.map((text) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(text);
    return socket;
  });
  await Promise.all(held.map((socket) => once(socket, 'connect')));

  const closed = once(polite, 'close');
  const ended = dashboard.end('SIGTERM');
  const [code] = (await closed) as [number];
  expect(code).toBe(1001);
  // It ends itself with 1 where an end in good order takes longer than its limit of ten seconds.
  expect(await ended).toBe(0);
  for (const socket of held) socket.destroy();
  deaf.terminate();
});

test('a second SIGTERM does not disturb a clean exit', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const first = dashboard.end('SIGTERM');
  dashboard.signal('SIGTERM');
  expect(await first).toBe(0);
});

test('startup fails with instructions when the data folder is not writable', async ({ world }) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nixfleet-read-only-')));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true });
    test.skip(true, 'this process may not mount a file system');
  }
  try {
    const dashboard = world.makeDashboard({ NIXFLEET_DATA_DIR: folder });
    await expect(dashboard.start()).rejects.toThrow(/is not writable/);
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});

test('a second dashboard on the same data names the running one', async ({ world }) => {
  const first = world.makeDashboard();
  await first.start();
  mkdirSync(join(first.folder, 'data'), { recursive: true });
  const second = world.makeDashboard({ NIXFLEET_DATA_DIR: join(first.folder, 'data') });
  await expect(second.start()).rejects.toThrow(/is in use by another NixFleet \(process \d+/);
});
