/** Clicks and text from before the scripts have loaded, on the fleet page. */
import { PROMPT } from '@/simulator/behaviour';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { PASSWORD_ONLY, signInWithPassword } from './support/operator';
import { closeAll, openFleet } from './support/simulated-fleet';

test('clicks and text from before the scripts have loaded are applied afterwards', async ({ page, world }) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  const agents = await openFleet(dashboard, 3, PROMPT);
  try {
    await signInWithPassword(page, dashboard.url);
    const fleet = new FleetPage(page);
    await expect(page.getByTestId('host-row')).toHaveCount(3);

    let release: () => void = () => undefined;
    let released = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/_next/static/**/*.js', async (route) => {
      await released;
      await route.continue();
    });
    await page.goto(dashboard.url, { waitUntil: 'commit' });
    const box = fleet.row('h0').getByRole('checkbox');
    const test = fleet.row('h1').getByRole('button', { name: 'Test', exact: true });
    const more = fleet.row('h0').getByRole('button', { name: 'More actions for h0' });
    const started = agents[1]?.next('command', ({ command }) => command === 'test');
    await page.getByRole('searchbox').pressSequentially('h');
    await box.click();
    await test.click();
    await more.click();
    for (const control of [box, test, more]) await expect(control).toHaveAttribute('aria-busy', 'true');
    await expect(box).not.toBeChecked();
    await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'connecting');

    release();
    await expect(box).toBeChecked();
    await expect(page.getByTestId('action-bar')).toContainText('1 host selected');
    await started;
    await expect(page.getByRole('menu', { name: 'More actions for h0' })).toBeVisible();
    await expect(page).toHaveURL(/\?q=h$/);
    await expect(page.locator('[data-held]')).toHaveCount(0);

    // A click from long ago is dropped, with a message.
    released = new Promise<void>((resolve) => (release = resolve));
    await page.clock.install();
    await page.goto(dashboard.url, { waitUntil: 'commit' });
    await box.click();
    await expect(box).toHaveAttribute('aria-busy', 'true');
    await page.clock.fastForward(20_000);
    release();
    await expect(page.getByText('The page was not ready')).toBeVisible();
    await expect(box).not.toHaveAttribute('aria-busy');
    await expect(box).not.toBeChecked();
  } finally {
    await closeAll(agents);
  }
});
