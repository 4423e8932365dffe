/** The demonstration, as a visitor sees it, from its start to its end. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { plainEnvironment, start } from './support/processes';

test('the demo connects six real agents, one build succeeds and one fails, and stopping it leaves nothing behind', async ({
  page,
  world,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-e2e-demo-'));
  const demo = start(
    'node',
    ['scripts/launch.mjs', 'demo'],
    plainEnvironment({ TMPDIR: folder, NIXFLEET_DEMO_SPEED: '20' }),
  );
  try {
    await demo.line(/All 6 hosts are connected\./);
    const [, address = ''] = await demo.line(/(http:\/\/[^\s/]+:\d+)/);
    const [, password = ''] = await demo.line(/Password: +(\S+)/);
    await page.goto(address);
    await page.getByRole('textbox', { name: 'Password' }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const fleet = new FleetPage(page);
    await expect(page.getByTestId('host-row')).toHaveCount(6);

    await fleet.press('atlas', 'Switch');
    await fleet.expectOutcome('succeeded');
    await fleet.press('draco', 'Switch');
    await fleet.expectOutcome('failed');
    await expect(fleet.compartment('draco', 'system')).toHaveAttribute('data-status', 'error');

    for (const path of ['/', '/activity', '/settings', '/settings/about']) {
      await page.goto(`${address}${path}`);
      await expect(page.getByText(/demonstration/i).first()).toBeVisible();
    }
  } finally {
    world.expectCuts();
    expect(await demo.end('SIGINT')).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  }
});
