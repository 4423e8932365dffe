/**
 * The demonstration, as a visitor sees it, from its start to its end. One after the other: each takes the first free port
 * from 8000.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDemo } from './support/demo';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';

const TAKEN_BACK = 'A check of the new system failed. The system before the switch runs again.';

test('the demo connects six real agents, one build succeeds and one fails, and stopping it leaves nothing behind', async ({
  page,
  world,
}) => {
  const demo = await openDemo(page, { NIXFLEET_DEMO_SPEED: '20' });
  try {
    const fleet = new FleetPage(page);
    await fleet.press('atlas', 'Switch');
    await fleet.expectOutcome('succeeded');
    await fleet.press('draco', 'Switch');
    await fleet.expectOutcome('failed');
    await expect(fleet.compartment('draco', 'system')).toHaveAttribute('data-status', 'error');

    for (const path of ['/', '/activity', '/settings', '/settings/about']) {
      await page.goto(`${demo.address}${path}`);
      await expect(page.getByText(/demonstration/i).first()).toBeVisible();
    }
  } finally {
    world.expectCuts();
    await demo.end();
  }
});

test('row and drawer show the same progress of a build, and that a host went back because a unit failed', async ({
  page,
  world,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-e2e-hold-'));
  const hold = join(folder, 'hold');
  writeFileSync(hold, '');
  const demo = await openDemo(page, { NIXFLEET_DEMO_SPEED: '4', NIXFLEET_DEMO_HOLD: hold });
  try {
    const fleet = new FleetPage(page);
    const step = (label: string) => fleet.drawer.getByRole('listitem').filter({ hasText: label });

    // The build pauses in the middle: whatever is shown now stays.
    await fleet.press('atlas', 'Switch');
    await expect(fleet.row('atlas')).toContainText('Building 4 of 14');
    await expect(fleet.row('atlas').getByRole('progressbar')).toHaveAttribute('aria-valuenow', '29');
    await expect(step('Build')).toContainText('4 of 14');
    await expect(step('Build')).toHaveAttribute('data-state', 'active');
    await expect(step('Fetch')).toContainText('9 of 9');
    rmSync(hold);
    await fleet.expectOutcome('succeeded');
    await expect(step('Build')).toContainText('14 of 14');

    await fleet.press('cygnus', 'Switch');
    await fleet.expectOutcome('rolled-back');
    await expect(fleet.drawer).toContainText(TAKEN_BACK);
    await expect(fleet.drawer.getByTestId('confirmation')).toContainText('fleet-status.service');
    await expect(fleet.drawer.getByTestId('output-line').filter({ hasText: 'address already in use' })).toBeVisible();
    await expect(fleet.row('cygnus')).toContainText('Switch: rolled back');

    // On a phone, tabs show the whole name of their host in one line.
    await fleet.press('draco', 'Switch');
    await fleet.expectOutcome('failed');
    await page.setViewportSize({ width: 390, height: 844 });
    const tabs = fleet.drawer.getByRole('tab');
    const isWhole = await tabs.evaluateAll((all) =>
      all.map((tab) => {
        const name = tab.querySelector('.one-line');
        return (
          name !== null &&
          name.scrollWidth <= name.clientWidth &&
          (name.nextElementSibling?.getClientRects().length ?? 0) <= 1
        );
      }),
    );
    expect(isWhole).toEqual([true, true, true]);
    await page.setViewportSize({ width: 1440, height: 900 });

    // The host without nixfleet-root says so where its agent and its system are explained.
    for (const compartment of ['agent', 'system'] as const) {
      await fleet.compartment('borealis', compartment).click();
      await expect(page.getByRole('dialog')).toContainText('Switches on this host are made by nixos-rebuild');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
    }

    await page.goto(`${demo.address}/activity`);
    await expect(page.getByTestId('event').filter({ hasText: TAKEN_BACK })).toBeVisible();
  } finally {
    world.expectCuts();
    rmSync(folder, { recursive: true });
    await demo.end();
  }
});
