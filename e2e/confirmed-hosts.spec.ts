/**
 * Confirmed switches of real agents in the browser: six hosts with the real Nix, the real nixfleet-root and one store, and
 * stand-ins for systemd and switch-to-configuration alone. Timers elapse by hand.
 */
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { hasNix, makeNixosFleet, type NixosFleet } from './support/nixos-fleet';
import { expectLive, openConfigured } from './support/operator';

const UNITS = { units: { settle: 0 }, tests: 'off' };
/** Its check never ends in the window. */
const SLOW = { ...UNITS, checks: [{ kind: 'command', name: 'slow', command: ['false'], interval: 300, tries: 9 }] };
const REFUSED = ['/bin/sh', '-c', 'echo trying the port; echo connection refused >&2; exit 7'];
const FAILING = { ...UNITS, checks: [{ kind: 'command', name: 'web', command: REFUSED, tries: 1 }] };
const COUNTDOWN = /^[0-3]:[0-5]\d$/;

test('six real hosts: the countdown, Keep now, Revert now, a failed check, and a pipeline in which one goes back', async ({
  page,
  world,
}) => {
  test.skip(!hasNix, 'without Nix');
  const dashboard = await openConfigured(page, world);
  const names = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const;
  const fleet: NixosFleet = makeNixosFleet(names, (name) => world.makeHost(name));
  try {
    fleet.configure('2', { h1: SLOW, h2: SLOW, h3: FAILING });
    for (const { host, variables } of fleet.hosts) world.startAgent(host, dashboard, variables);
    const fleetPage = new FleetPage(page);
    const panel = fleetPage.drawer.getByTestId('confirmation');
    for (const name of names)
      await expect(fleetPage.row(name).getByRole('button', { name: 'Switch', exact: true })).toBeEnabled();
    await expect(fleetPage.row('h6').getByRole('button', { name: 'Switch', exact: true })).toHaveAttribute(
      'data-tip',
      /Takes itself back unless confirmed within 3 min\.$/,
    );

    await test.step('the countdown with three marks, and Keep now in the row', async () => {
      const old = fleet.running('h1');
      await fleetPage.press('h1', 'Switch');
      const row = fleetPage.row('h1');
      await expect(row.getByTestId('countdown')).toHaveText(COUNTDOWN);
      await expect(row.locator('[data-mark="reached"]')).toHaveAttribute('data-state', 'passed');
      await expect(row.locator('[data-mark="units"]')).toHaveAttribute('data-state', 'passed');
      await expect(row.locator('[data-mark="checks"]')).toHaveAttribute('data-state', 'pending');
      expect(fleet.running('h1')).not.toBe(old);
      // A restart would boot the previous system.
      expect(fleet.generation('h1')).toBe(1);
      await row.getByRole('button', { name: 'Keep now' }).click();
      const dialog = page.getByRole('dialog', { name: 'Keep the new system on h1?' });
      await dialog.getByRole('button', { name: 'Keep', exact: true }).click();
      await fleetPage.expectOutcome('succeeded');
      await expect(panel).toContainText('The host has kept the new system.');
      expect(fleet.generation('h1')).toBe(2);
    });

    await test.step('Revert now with the keyboard', async () => {
      const old = fleet.running('h2');
      await fleetPage.press('h2', 'Switch');
      const revert = fleetPage.row('h2').getByRole('button', { name: 'Revert now' });
      await expect(fleetPage.row('h2').locator('[data-mark="reached"]')).toHaveAttribute('data-state', 'passed');
      await revert.focus();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'Revert the switch on h2?' });
      await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
      await dialog.getByRole('button', { name: 'Revert', exact: true }).click();
      await fleet.goesBack('h2');
      await fleetPage.expectOutcome('rolled-back');
      await expect(panel).toContainText('The host went back to the previous system.');
      await expect(panel).toContainText('nixos-system-h2-2');
      await expect(panel).toContainText('nixos-system-h1-25.11.1');
      expect(fleet.running('h2')).toBe(old);
    });

    await test.step('a check that fails: its reason, and what its program printed last', async () => {
      await fleetPage.press('h3', 'Switch');
      await fleet.goesBack('h3');
      await fleetPage.expectOutcome('rolled-back');
      await expect(panel.getByRole('row', { name: /^web/ })).toContainText('Failed');
      await expect(panel).toContainText('exit code 7: connection refused');
      await expect(fleetPage.drawer.getByRole('log')).toContainText('✗ the check web failed');
      await expect(fleetPage.drawer.getByRole('log')).toContainText('trying the port');
      await expectAccessible(page, 'a real switch that was taken back');
    });

    await test.step('a pipeline of six, of which one goes back', async () => {
      fleet.configure('3', { h6: FAILING });
      await page.keyboard.press('Escape');
      await page.goto(dashboard.url);
      await expectLive(page);
      await expect(page.getByTestId('host-row')).toHaveCount(6);
      await page.keyboard.press('Control+a');
      await page.getByRole('button', { name: 'More actions for the selected hosts' }).click();
      await page.getByRole('menuitem', { name: /^Custom …/ }).click();
      const start = page.getByRole('dialog');
      await expect(start.getByTestId('confirm-choice')).toContainText(
        'Takes itself back unless confirmed within 3 min.',
      );
      await start.getByRole('button', { name: 'Start on 6 hosts' }).click();
      await fleet.goesBack('h6');
      await expect(fleetPage.row('h6')).toContainText('Switch: rolled back');
      await page.goto(`${dashboard.url}/activity`);
      await page.getByTestId('pipeline-list').getByRole('link').click();
      await expect(page.getByTestId('pipeline-progress')).toHaveText('5 done, 1 rolled back.');
      await expect(page.locator('[data-host="h6"]')).toHaveAttribute('data-status', 'rolled-back');
      expect(names.map((name) => fleet.version(name))).toEqual(['3', '3', '3', '3', '3', '25.11.1']);
      expect(names.map((name) => fleet.bootsWhatRuns(name))).toEqual(names.map(() => true));
      await expect.poll(() => names.flatMap((name) => fleet.leftovers(name))).toEqual([]);
    });
  } finally {
    fleet.remove();
  }
});
