/**
 * The demonstration, as a visitor sees it, from its start to its end. One after the other: each takes the first free port
 * from 8000.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectAccessible } from './support/accessible';
import { openDemo } from './support/demo';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';

test.describe.configure({ mode: 'default' });

const GENERATION_LABEL = 'Switch to generation';
const TAKEN_BACK = 'A check of the new system failed. The previous system runs again.';

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
      await expect(page.getByRole('dialog')).toContainText('This host switches with nixos-rebuild');
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

test('an operator goes back to an older generation by its number, and the dialog shows what runs', async ({
  page,
  world,
}) => {
  const demo = await openDemo(page, { NIXFLEET_DEMO_SPEED: '20' });
  try {
    const fleet = new FleetPage(page);
    const dialog = page.getByRole('dialog');
    const item = page.getByRole('menuitem', { name: new RegExp(`^${GENERATION_LABEL}`) });
    const generation = (number: number) => dialog.getByTestId('generation').filter({ hasText: `Generation ${number}` });
    const openMenu = async (host: string) => {
      await fleet
        .row(host)
        .getByRole('button', { name: `More actions for ${host}` })
        .click();
      await expect(item).toBeVisible();
    };
    const open = async (host: string) => {
      await openMenu(host);
      await item.click();
      await expect(dialog.getByTestId('generation').first()).toBeVisible();
    };

    // A switch makes generation 42, and marks follow.
    await open('atlas');
    await expect(dialog.getByTestId('generation')).toHaveCount(4);
    await expect(generation(41)).toContainText('runs now');
    await expect(generation(41)).toContainText('boot default');
    await expect(generation(41)).toContainText('booted');
    await expect(generation(41).getByRole('radio')).toBeDisabled();
    await expect(generation(39)).toContainText(/NixOS 25\.11\.\d{8}\.[0-9a-f]{7}/);
    await expect(generation(39)).toContainText(/Linux 6\.12\.\d+/);
    await expect(generation(39)).toContainText(/commit [0-9a-f]{7}/);
    await expect(dialog.getByRole('button', { name: GENERATION_LABEL })).toBeDisabled();
    await expectAccessible(page, 'generations');
    await page.keyboard.press('Escape');
    await fleet.press('atlas', 'Switch');
    await fleet.expectOutcome('succeeded');

    await open('atlas');
    await expect(generation(42)).toContainText('runs now');
    await expect(generation(41)).not.toContainText('runs now');
    await expect(generation(41)).toContainText('booted');
    await generation(39).getByRole('radio').check();
    const button = dialog.getByRole('button', { name: `${GENERATION_LABEL} 39`, exact: true });
    await expectAccessible(page, 'a chosen generation');
    await button.click();
    await expect(dialog).toHaveCount(0);
    await fleet.expectOutcome('succeeded');
    await expect(fleet.drawer.getByRole('heading', { name: `${GENERATION_LABEL} 39` })).toBeVisible();
    await expect(fleet.drawer).toContainText('Switched to generation 39.');
    await expect(fleet.row('atlas')).toContainText(`${GENERATION_LABEL} 39: succeeded`);
    await expect(fleet.compartment('atlas', 'system')).toHaveAttribute('data-status', 'outdated');

    await open('atlas');
    await expect(generation(39)).toContainText('runs now');
    await expect(generation(39)).toContainText('boot default');
    await expect(generation(42)).not.toContainText('runs now');
    await page.keyboard.press('Escape');

    // Without nixfleet-root, on macOS, and for several hosts, it is disabled and says why.
    for (const host of ['borealis', 'ember']) {
      await openMenu(host);
      await expect(item).toBeDisabled();
      await expect(item).toContainText('nixfleet-root');
      await page.keyboard.press('Escape');
    }
    await fleet.select('atlas', 'cygnus');
    await page.getByTestId('action-bar').getByRole('button', { name: /^More/ }).click();
    await expect(item).toBeDisabled();
    await expect(item).toContainText('applies to one host');
    await page.keyboard.press('Escape');

    await page.goto(`${demo.address}/activity`);
    await expect(
      page.getByTestId('event').filter({ hasText: `The switch to generation 39 on atlas was requested.` }),
    ).toBeVisible();
    await expect(
      page.getByTestId('event').filter({ hasText: `The switch to generation 39 on atlas succeeded.` }),
    ).toBeVisible();
  } finally {
    world.expectCuts();
    await demo.end();
  }
});
