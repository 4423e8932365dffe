/** A fresh code before what could cost the fleet: on one host and on several, by keyboard, and never twice. */
import { existsSync } from 'node:fs';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, PASSWORD, PASSWORD_ONLY, signInConfigured, signInWithPassword } from './support/operator';

test('a reboot requires a new code and accepts each correct code once', async ({ page, world }) => {
  const host = world.makeHost('web');
  const rebooted = host.path('rebooted');
  host.program('reboot', `echo yes >> '${rebooted}'`);
  host.program('systemctl', `echo yes >> '${rebooted}'`);
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_CONFIG_REPO: host.remote });
  await dashboard.start();
  const authenticator = await signInConfigured(page, dashboard.url);
  world.startAgent(host, dashboard);
  const fleet = new FleetPage(page);
  const more = fleet.row('web').getByRole('button', { name: 'More actions for web' });
  const dialog = page.getByRole('dialog');
  const code = dialog.getByRole('textbox', { name: /code/i });

  const askForReboot = async () => {
    await more.click();
    await page.getByRole('menuitem', { name: /^Reboot/ }).click();
    await expect(dialog).toContainText('unreachable until it is up again');
    await dialog.getByRole('button', { name: 'Reboot' }).click();
    await expect(code).toBeFocused();
  };

  await askForReboot();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);

  await askForReboot();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('This code is wrong');
  await expect(code).toBeFocused();
  const right = await authenticator.newCode();
  expect(existsSync(rebooted)).toBe(false);
  await page.keyboard.type(right);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(fleet.drawer).toContainText('Reboot');

  await page.goto(`${dashboard.url}/activity`);
  await expect(
    page.getByText('Confirmation refused: the code or password was wrong or already used. Requested: Reboot web.'),
  ).toBeVisible();
  await expect(page.getByText('Confirmed their identity. Requested: Reboot web.')).toBeVisible();
  await expect(page.getByText('The reboot of web was requested.')).toHaveCount(1);
});

test('rolling back several hosts requires one confirmation, with the password when there is no second factor', async ({
  page,
  world,
}) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  await signInWithPassword(page, dashboard.url);
  for (const name of ['web', 'db']) world.startAgent(world.makeHost(name), dashboard);
  const fleet = new FleetPage(page);
  await fleet.select('web', 'db');
  await page.getByRole('button', { name: 'More actions for the selected hosts' }).click();
  await page.getByRole('menuitem', { name: /^Roll back/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Roll back (2)' }).click();
  await expect(dialog).toContainText('Roll back 2 hosts.');
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText('Rollback of 2 hosts started')).toBeVisible();
});
