/** What a newcomer does on the first day, with a real agent and a real repository. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { setUpAndSignIn } from './support/operator';

test('set-up, sign-in, first host, pull, a new commit, pull again, switch with complete output', async ({
  page,
  world,
}) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({ NIXFLEET_CONFIG_REPO: host.remote, NIXFLEET_VERSION_FETCH_TTL: '1s' });
  await dashboard.start();
  const fleet = new FleetPage(page);

  await setUpAndSignIn(page, await dashboard.setupLink());
  await expect(page.getByText('Waiting for the first agent')).toBeVisible();

  await test.step('the host appears without a reload', async () => {
    world.startAgent(host, dashboard);
    await expect(fleet.row('web')).toBeVisible();
    await expect(fleet.compartment('web', 'git')).toHaveAttribute('data-status', 'ok');
  });

  await test.step('pull: output streams and the command ends; there was nothing new', async () => {
    await fleet.press('web', 'Pull');
    await expect(fleet.drawer).toBeVisible();
    await expect(fleet.line(1)).toBeVisible();
    await fleet.expectOutcome('unchanged');
  });

  await test.step('a commit turns Git yellow without a reload', async () => {
    host.commit({ 'hosts/web/default.nix': '{ }\n' }, 'web: open the firewall');
    await expect(fleet.compartment('web', 'git')).toHaveAttribute('data-status', 'outdated');
    await expect(page.getByTestId('desired-state')).toContainText('web: open the firewall');
  });

  await test.step('pull again: output streams, the command ends, Git is green', async () => {
    await fleet.press('web', 'Pull');
    await expect(fleet.drawer).toBeVisible();
    await fleet.expectOutcome('succeeded');
    await expect(fleet.line(1)).toBeVisible();
    await expect(fleet.compartment('web', 'git')).toHaveAttribute('data-status', 'ok');
  });

  await test.step('reload in the middle of a switch: no line is lost', async () => {
    const gate = host.path('go-on');
    host.program(
      'nixos-rebuild',
      [
        'i=1; while [ $i -le 1500 ]; do echo "building $i"; i=$((i+1)); done',
        `until [ -e '${gate}' ]; do sleep 0.05; done`,
        'while [ $i -le 3000 ]; do echo "building $i" >&2; i=$((i+1)); done',
        'printf "\\033[32mactivating the configuration...\\033[0m\\n"',
      ].join('\n'),
    );
    await fleet.press('web', 'Switch');
    await expect(fleet.compartment('web', 'system')).toHaveAttribute('data-status', 'working');
    await expect(fleet.drawer.getByText('building 1500', { exact: true })).toBeVisible();
    await page.reload();
    await expect(fleet.commandState).toHaveAttribute('data-phase', 'running');
    writeFileSync(gate, '');
    await fleet.expectOutcome('succeeded');
    await expect(fleet.drawer.getByText('activating the configuration...')).toBeVisible();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      fleet.drawer
        .getByRole('button', { name: /download/i })
        .or(fleet.drawer.getByRole('link', { name: /download/i }))
        .click(),
    ]);
    const text = readFileSync(await download.path(), 'utf8');
    const numbers = [...text.matchAll(/building (\d+)$/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
  });

  await test.step('the switch is over when the agent is back, and the system is green', async () => {
    await expect(fleet.compartment('web', 'system')).toHaveAttribute('data-status', 'ok');
    await expect(fleet.row('web').getByRole('button', { name: 'Pull', exact: true })).toBeEnabled();
  });
});
