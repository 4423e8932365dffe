/** What fills the dashboard's limits is shown to the operator, by address. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { expectAccessible } from './support/accessible';
import { AGENT_TOKEN } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { openConfigured } from './support/operator';

const SQUATTERS = 40;

test('the About page shows the limit of unregistered connections and their addresses', async ({ page, world }) => {
  const dashboard = await openConfigured(page, world);
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');
  await page.goto(`${dashboard.url}/settings/about`);
  const row = page.locator('#limits li').filter({ hasText: 'Unregistered agent connections' }).first();
  await expect(row).toContainText('0 of 4,096');
  await expect(row).toContainText('None refused since startup.');

  const headers = { authorization: `Bearer ${AGENT_TOKEN}` };
  const squatters = Array.from({ length: SQUATTERS }, () => new WebSocket(dashboard.agentUrl, { headers }));
  await Promise.all(squatters.map((socket) => once(socket, 'open')));
  const ended = Promise.all(squatters.map((socket) => once(socket, 'close')));
  await page.reload();
  await expect(row).toContainText(`${SQUATTERS} of 4,096`);
  await expect(row).toContainText(`Highest use: 127.0.0.1 (${SQUATTERS}).`);
  await expectAccessible(page, 'limits in use');

  // They are ended after ten seconds.
  for (const [code] of (await ended) as [number][]) expect(code).toBe(1008);
  await page.reload();
  await expect(row).toContainText('0 of 4,096');
});
