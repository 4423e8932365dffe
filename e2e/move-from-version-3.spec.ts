/** The move of a running version 3: its data folder, its whole environment, its scripts and its agents. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { GONE_ADDRESSES, goneDocument } from '@/lib/edge/http/gone-addresses';
import { freePort } from '@/scripts/free-port';
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { connectGoAgent } from './support/go-agent';
import { putOldDatabase } from './support/old-data';
import { CONFIGURED, expectLive, openConfigured, signInConfigured } from './support/operator';

/** Values that version 3 accepted and that are not used as written, with what is used. */
const NOT_AS_WRITTEN: readonly [variable: string, value: string, used: RegExp][] = [
  ['NIXFLEET_SESSION_DURATION', '7d', /24h is used/],
  ['NIXFLEET_RATE_LIMIT', '0', /1 is used/],
  ['NIXFLEET_RATE_WINDOW', '60', /1m is used/],
  ['NIXFLEET_VERSION_FETCH_TTL', '30', /30s is used/],
  ['NIXFLEET_GITHUB_POLL_TTL', '3600', /5m is used/],
  ['NIXFLEET_COLOR_COMMIT_MODE', 'none', /off is used/],
  ['NIXFLEET_LOG_LEVEL', 'warning', /info is used/],
  ['NIXFLEET_HEARTBEAT_INTERVAL', '5s', /is not used by this version/],
  ['NIXFLEET_STALE_MULTIPLIER', '120', /is not used by this version/],
  ['NIXFLEET_STALE_MINIMUM', '5m', /is not used by this version/],
  ['NIXFLEET_STALE_CLEANUP_INTERVAL', '1m', /is not used by this version/],
  ['NIXFLEET_CMD_RETENTION_DAYS', '30', /is not used by this version/],
  ['NIXFLEET_LOG_RETENTION_DAYS', '30', /is not used by this version/],
  ['NIXFLEET_SYNC_BEACON_INTERVAL', '30s', /is not used by this version/],
  ['NIXFLEET_INIT_EVENT_LIMIT', '100', /is not used by this version/],
];

/** GitHub without pull requests, and the version feed. */
async function serveForge(): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    const feed = { gitCommit: 'a'.repeat(40), message: 'Update', branch: 'main', timestamp: '2026-11-01T00:00:00Z' };
    response.end(JSON.stringify(request.url === '/version.json' ? feed : []));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

test('starts with the data and environment of version 3, and lists what is different until it is marked as read', async ({
  page,
  world,
}) => {
  const forge = await serveForge();
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const environment: Record<string, string> = {
    ...CONFIGURED,
    NIXFLEET_LISTEN: `127.0.0.1:${port}`,
    NIXFLEET_BASE_URL: url,
    NIXFLEET_SESSION_SECRET: 'f00dfeed'.repeat(8),
    NIXFLEET_ALLOWED_ORIGINS: 'https://fleet.example.org',
    NIXFLEET_VERSION_URL: `${forge.url}/version.json`,
    NIXFLEET_GITHUB_TOKEN: 'ghp_a_token',
    NIXFLEET_GITHUB_REPO: 'ada/nixcfg',
    NIXFLEET_GITHUB_API_URL: forge.url,
    ...Object.fromEntries(NOT_AS_WRITTEN.map(([variable, value]) => [variable, value])),
  };
  const dashboard = world.makeDashboard(environment);
  const data = putOldDatabase(dashboard, 'nixfleet-go-3.1.5.db');
  environment.NIXFLEET_DB_PATH = join(data, 'nixfleet.db');
  environment.NIXFLEET_NIXCFG_PATH = join(data, 'nixcfg');
  await dashboard.start();
  const log = dashboard.lines.join('\n');
  expect(log).toContain('was adopted');
  for (const [variable, , used] of NOT_AS_WRITTEN) {
    const line = dashboard.lines.find((one) => one.includes(`${variable} is `)) ?? '';
    expect(line, variable).toMatch(used);
  }

  // An agent of version 3, whose colour is in the short form.
  const agent = await connectGoAgent(dashboard.agentUrl, 'sim1');

  await signInConfigured(page, url);
  const fleet = new FleetPage(page);
  await expect(fleet.row('sim1')).toContainText('3.1.5');

  // Its scripts, with and without a session.
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  for (const address of GONE_ADDRESSES) {
    const { method, pattern } = address;
    const path = pattern.replace('[id]', 'sim1').replace('[...]', 'app.css');
    for (const headers of [new Headers(), new Headers({ cookie })]) {
      const response = await fetch(url + path, { method, headers, redirect: 'manual' });
      expect(response.status, `${method} ${path}`).toBe(410);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('x-frame-options')).toBe('DENY');
      expect(await response.text()).toMatch(new RegExp(`^\\{"error":"[^"]+\\(${goneDocument(address)}\\)\\."\\}$`));
    }
  }

  // One line, which the server sends with the page: nothing moves while somebody works.
  const bar = page.getByText('Some things differ from version 3.');
  await page.goto(url);
  await expect(bar).toBeVisible();
  expect(await (await page.request.get(url)).text()).toContain('Some things differ from version 3.');
  await page.getByRole('link', { name: 'See what changed' }).click();
  await expect(page.getByRole('heading', { name: 'Changed since version 3' })).toBeVisible();
  const changes = page.getByRole('list', { name: 'Changes' }).getByRole('listitem');
  for (const title of ['Scripts', 'Colours', 'Flake updates', 'NIXFLEET_BASE_URL', 'Updates of NixFleet', 'Agents']) {
    await expect(changes.filter({ has: page.getByRole('heading', { name: title, exact: true }) })).toBeVisible();
  }
  for (const [variable, , used] of NOT_AS_WRITTEN) {
    const item = changes.filter({ has: page.getByRole('heading', { name: variable }) }).filter({ hasText: used });
    await expect(item, variable).toHaveCount(1);
  }
  // The table shows what is in force, and what was written.
  await expect(page.getByRole('row', { name: /NIXFLEET_RATE_WINDOW/ })).toContainText(
    'Set to "60": the unit is missing',
  );
  await expectAccessible(page, 'the notice');

  await page.getByRole('button', { name: 'Mark as read' }).click();
  await expect(page.getByRole('heading', { name: 'Changed since version 3' })).toBeHidden();
  await expect(bar).toBeHidden();
  await page.goto(`${url}/activity`);
  await expect(page.getByText(/These notices were marked as read: /)).toBeVisible();

  // For the installation, and for ever.
  agent.end();
  expect(await dashboard.end()).toBe(0);
  await dashboard.start();
  await page.goto(url);
  await expectLive(page);
  await expect(bar).toHaveCount(0);
  forge.close();
});

test('a new installation has no notice', async ({ page, world }) => {
  const dashboard = await openConfigured(page, world);
  await page.goto(`${dashboard.url}/settings/configuration`);
  await expect(page.getByRole('heading', { name: 'Configuration' })).toBeVisible();
  await expect(page.getByText(/See what changed|See which/)).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Mark as read' })).toHaveCount(0);
});
