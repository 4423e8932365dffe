/** The interface under keyboard, phone and failure: the focus is never lost, nothing is wider than a phone, and what is wrong is said in words. */
import { renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, openConfigured, signInConfigured } from './support/operator';

test('dialogs, menus and the output take and restore the keyboard focus', async ({ page, world }) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_CONFIG_REPO: host.remote });
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  world.startAgent(host, dashboard);
  const fleet = new FleetPage(page);

  const more = fleet.row('web').getByRole('button', { name: 'More actions for web' });
  await more.focus();
  await page.keyboard.press('Enter');
  const rollback = page.getByRole('menuitem', { name: /^Roll back/ });
  await expect(rollback).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(more).toBeFocused();
  await page.keyboard.press('Enter');
  await rollback.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(more).toBeFocused();

  await fleet.press('web', 'Test');
  await fleet.expectOutcome('succeeded', 'failed', 'unchanged');
  const ended = fleet.row('web').getByRole('button', { name: /^Test: / });
  await ended.focus();
  await page.keyboard.press('Enter');
  await expect(fleet.drawer.getByRole('tab', { name: /web/ })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(fleet.drawer).toHaveAttribute('data-collapsed', 'true');
  await expect(ended).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(fleet.drawer.getByRole('tab', { name: /web/ })).toBeFocused();
  await page.keyboard.press('Delete');
  await expect(fleet.drawer).toHaveCount(0);
  await expect(ended).toBeFocused();
});

test('long host facts do not make the page wider than a phone', async ({ page, world }) => {
  const long = 'a-data-centre-with-a-long-name-in-the-far-north-of-the-country';
  const dashboard = await openConfigured(page, world);
  world.startAgent(world.makeHost('web'), dashboard, { NIXFLEET_LOCATION: long });
  world.startAgent(world.makeHost('db'), dashboard, { NIXFLEET_LOCATION: 'cellar' });
  const fleet = new FleetPage(page);
  await expect(fleet.row('web')).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Location' })).toBeVisible();
  for (const width of [320, 390, 768, 1440]) {
    await page.setViewportSize({ width, height: 844 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
  }
});

test('on a phone, the selection bar is above the navigation, and the reason of a failed fetch is shown', async ({
  page,
  world,
}) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({
    ...CONFIGURED,
    NIXFLEET_CONFIG_REPO: host.remote,
    NIXFLEET_VERSION_FETCH_TTL: '1s',
  });
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  world.startAgent(host, dashboard);
  const fleet = new FleetPage(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await fleet.select('web');
  const bar = await page.getByTestId('action-bar').boundingBox();
  const places = await page.getByRole('navigation', { name: 'Main' }).boundingBox();
  expect((bar?.y ?? 0) + (bar?.height ?? 0)).toBeLessThanOrEqual(places?.y ?? 0);

  const folder = host.remote.startsWith('file:') ? fileURLToPath(host.remote) : host.remote;
  renameSync(folder, `${folder}.away`);
  const notice = page.getByRole('button', {
    name: /^Error: The desired state can’t be fetched\. .*NIXFLEET_CONFIG_REPO/,
  });
  await notice.click();
  await expect(page.getByRole('region', { name: 'Notices' })).toContainText('The last fetched state is shown.');
  renameSync(`${folder}.away`, folder);
});

test('on a phone, the collapsed output covers neither the navigation nor the selection bar', async ({
  page,
  world,
}) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_CONFIG_REPO: host.remote });
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  world.startAgent(host, dashboard);
  const fleet = new FleetPage(page);
  await fleet.press('web', 'Test');
  await fleet.expectOutcome('succeeded', 'failed', 'unchanged');
  await fleet.openOutput('web', 'Test');

  await page.setViewportSize({ width: 390, height: 844 });
  await fleet.drawer.getByRole('button', { name: 'Collapse output' }).click();
  await fleet.select('web');
  // A trial: it fails where something else would take the click.
  await page.getByTestId('action-bar').getByRole('button', { name: /^Pull/ }).click({ trial: true });
  await page.getByRole('link', { name: 'Activity' }).click();
  await expect(page).toHaveURL(/\/activity$/);
  await expect(fleet.drawer).toBeVisible();
  await page.getByRole('link', { name: 'Settings' }).click();
  await expect(page).toHaveURL(/\/settings$/);
});

test('a page without a connection shows no host as late', async ({ page, requests, world }) => {
  const host = world.makeHost('web');
  const dashboard = await openConfigured(page, world);
  world.startAgent(host, dashboard);
  const row = new FleetPage(page).row('web');
  await expect(row).toBeVisible();
  await page.clock.install();
  await requests.settled();
  await dashboard.end('SIGKILL');
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'reconnecting');
  await page.clock.fastForward(10 * 60_000);
  await expect(row).toContainText('10m');
  await expect(row).not.toContainText('late');
});
