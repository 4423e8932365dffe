/** What the dashboard does itself, and what waits for a host: by the operator's own way through the page. */
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { AGENT_TOKEN } from './support/dashboard';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, signInConfigured } from './support/operator';

test('adds a host, sets its colour, queues and cancels a command, and removes it', async ({ page, world }) => {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  const authenticator = await signInConfigured(page, dashboard.url);
  const fleet = new FleetPage(page);
  const dialog = page.getByRole('dialog');
  const menu = async (item: RegExp) => {
    await fleet.row('lap-1').getByRole('button', { name: 'More actions for lap-1' }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };

  await page.getByRole('button', { name: 'Add a host by name instead' }).click();
  await expect(dialog.getByRole('textbox', { name: 'Name' })).toBeFocused();
  await page.keyboard.type('not a name');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('letters, digits and hyphens');
  await expectAccessible(page, 'add-host');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Lap-1');
  await dialog.getByRole('combobox', { name: 'Location' }).selectOption('work');
  await dialog.getByRole('combobox', { name: 'Device' }).selectOption('laptop');
  await dialog.getByRole('radio', { name: 'Green' }).check();
  await dialog.getByRole('button', { name: 'Add host' }).click();
  await expect(fleet.row('lap-1')).toContainText('work');
  await expect(fleet.row('lap-1').locator('svg[stroke="#68c878"]')).toHaveCount(1);

  await menu(/^Change colour/);
  await expectAccessible(page, 'colour');
  await dialog.getByRole('textbox', { name: 'Custom colour (hex)' }).fill('red');
  await dialog.getByRole('button', { name: 'Set colour' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Custom colour (hex)' }).fill('#E09050');
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(fleet.row('lap-1').locator('svg[stroke="#e09050"]')).toHaveCount(1);

  await fleet.press('lap-1', 'Pull');
  await expect(dialog).toContainText('lap-1 is offline');
  await expectAccessible(page, 'wait');
  await dialog.getByRole('combobox').selectOption({ label: '8 hours' });
  await dialog.getByRole('button', { name: 'Queue' }).click();
  await expect(fleet.row('lap-1')).toContainText('Pull: queued');
  await fleet
    .row('lap-1')
    .getByRole('button', { name: /^Pull: queued/ })
    .click();
  await expect(fleet.commandState).toHaveAttribute('data-phase', 'queued');
  await expectAccessible(page, 'queued');
  await fleet.drawer.getByRole('button', { name: 'Cancel' }).click();
  await fleet.expectOutcome('cancelled');
  await expect(fleet.row('lap-1')).not.toContainText('queued');

  await menu(/^Remove host/);
  await expect(dialog).toContainText('Removes the host and everything that is stored about it');
  await dialog.getByRole('button', { name: 'Remove host' }).click();
  await dialog.getByRole('textbox', { name: /code/i }).fill(await authenticator.newCode());
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Connect the first host' })).toBeVisible();
  await page.goto(`${dashboard.url}/activity`);
  await expect(page.getByText(/lap-1 was removed/)).toBeVisible();
  await expect(page.getByText(/lap-1 was added/)).toBeVisible();
});

test('the selection shows which hosts run and which are queued; a queued command runs when its host reconnects', async ({
  page,
  world,
}) => {
  const [web, lap] = [world.makeHost('web'), world.makeHost('lap-1')];
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_CONFIG_REPO: web.remote });
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  const fleet = new FleetPage(page);
  world.startAgent(web, dashboard);
  const agent = lap.start('dist/agent.mjs', dashboard.agentUrl, { NIXFLEET_TOKEN: AGENT_TOKEN });
  await expect(fleet.row('lap-1')).toContainText('Online');
  await expect(fleet.row('web')).toContainText('Online');
  agent.child.kill('SIGTERM');
  await agent.exit;
  await expect(fleet.row('lap-1')).toContainText('Offline');

  await fleet.select('web', 'lap-1');
  const plan = page.getByTestId('action-plan');
  await expect(plan).toHaveText('Pull the configuration on web. Skipped: 1 offline.');
  await page.getByRole('combobox', { name: 'Offline hosts' }).selectOption({ label: 'Queue for a day' });
  await expect(plan).toHaveText('Pull the configuration on web. Queued: 1 offline.');
  await expectAccessible(page, 'selection');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByTestId('action-bar').getByRole('button', { name: /^Pull/ }).first().click();
  await expect(fleet.row('lap-1')).toContainText('Pull: queued');
  await expect(fleet.row('web')).toContainText(/Pull: (succeeded|nothing to do)/);

  lap.start('dist/agent.mjs', dashboard.agentUrl, { NIXFLEET_TOKEN: AGENT_TOKEN });
  await expect(fleet.row('lap-1')).toContainText(/Pull: (succeeded|nothing to do|partly done)/);
  await page.goto(`${dashboard.url}/activity`);
  await expect(page.getByText('lap-1 is back online: the pull requested by operator was sent.')).toHaveCount(1);
});
