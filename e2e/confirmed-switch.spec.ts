/** Confirmed switches: the countdown, the operator's answers, a host that goes back, and a pipeline in which one does. */
import { SimulatedAgent } from '@/simulator/agent';
import { PROMPT, type TrialEnding } from '@/simulator/behaviour';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { expectAccessible } from './support/accessible';
import { AGENT_TOKEN, type Dashboard } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { expectLiveAgain, openConfigured } from './support/operator';
import { closeAll } from './support/simulated-fleet';

/** One host for each ending, named after it. */
async function openTrials(dashboard: Dashboard, endings: Record<string, TrialEnding>): Promise<SimulatedAgent[]> {
  const agents = Object.entries(endings).map(
    ([hostname, ending]) =>
      new SimulatedAgent({
        url: dashboard.agentUrl,
        token: AGENT_TOKEN,
        hostname,
        capabilities: [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES],
        intervalMs: 1_000,
        firstRedialMs: 100,
        behaviour: { ...PROMPT, trial: { ...PROMPT.trial, ending } },
      }),
  );
  for (const agent of agents) agent.connect();
  await Promise.all(agents.map((agent) => agent.whenRegistered()));
  return agents;
}

const COUNTDOWN = /^[0-3]:[0-5]\d$/;

test('row and drawer count down; Keep now and Revert now are carried out, and so is a kill -9 in between', async ({
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const agents = await openTrials(dashboard, { keeper: 'waits', reverter: 'waits' });
  try {
    const fleet = new FleetPage(page);
    const panel = fleet.drawer.getByTestId('confirmation');
    const button = fleet.row('keeper').getByRole('button', { name: 'Switch', exact: true });
    await expect(button).toHaveAttribute('data-tip', /Takes itself back unless confirmed within 3 min\.$/);

    await fleet.press('keeper', 'Switch');
    await expect(panel).toHaveAttribute('data-stage', 'waiting');
    await expect(panel.getByTestId('countdown')).toHaveText(COUNTDOWN);
    await expect(fleet.row('keeper').getByTestId('countdown')).toHaveText(COUNTDOWN);
    for (const place of [panel, fleet.row('keeper')]) {
      await expect(place.locator('[data-mark="reached"]')).toHaveAttribute('data-state', 'passed');
      await expect(place.locator('[data-mark="units"]')).toHaveAttribute('data-state', 'passed');
      await expect(place.locator('[data-mark="checks"]')).toHaveAttribute('data-state', 'pending');
    }
    await expect(panel).toContainText('nixos-system-25.11.20260214.new (8cx7qv2)');
    await expect(panel).toContainText('nixos-system-25.11.20260131.old (2r9pdb6)');
    for (const name of ['Keep now', 'Revert now'])
      await expect(fleet.row('keeper').getByRole('button', { name })).not.toHaveAttribute('aria-disabled');
    await expectAccessible(page, 'a switch that waits for its confirmation');

    expect(await dashboard.end('SIGKILL')).toBe('SIGKILL');
    await dashboard.start();
    await expectLiveAgain(page);
    await expect(panel.getByTestId('countdown')).toHaveText(COUNTDOWN);
    await panel.getByRole('button', { name: 'Keep now' }).click();
    await fleet.expectOutcome('succeeded');
    await expect(panel).toContainText('The host has kept the new system.');

    // It may still be reconnecting after the restart.
    await expect(fleet.row('reverter')).not.toContainText('Offline');
    await fleet.press('reverter', 'Switch');
    await expect(panel).toHaveAttribute('data-stage', 'waiting');
    // With the keyboard alone; the question has the focus on the safe answer.
    await panel.getByRole('button', { name: 'Revert now' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Revert the switch on reverter?' });
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await dialog.getByRole('button', { name: 'Revert', exact: true }).click();
    await fleet.expectOutcome('rolled-back');
    await expect(panel).toContainText('The host went back to the previous system.');
    await page.goto(`${dashboard.url}/activity`);
    await expect(page.locator('[data-action="command.answered"]')).toHaveCount(2);
    await expect(page.getByTestId('event').filter({ hasText: 'The switch on reverter was rolled back' })).toContainText(
      'An operator reverted the switch.',
    );
  } finally {
    world.expectCuts();
    await closeAll(agents);
  }
});

test('a host whose check fails goes back: row, drawer, activity and the summary of its pipeline say so', async ({
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const endings: Record<string, TrialEnding> = { h6: 'check-fails' };
  for (const name of ['h1', 'h2', 'h3', 'h4', 'h5']) endings[name] = 'passes';
  const agents = await openTrials(dashboard, endings);
  try {
    await expect(page.getByTestId('host-row')).toHaveCount(6);
    await page.keyboard.press('Control+a');
    await page.getByRole('button', { name: 'More actions for the selected hosts' }).click();
    await page.getByRole('menuitem', { name: /^Custom …/ }).click();
    const start = page.getByRole('dialog');
    await start.getByRole('button', { name: 'Remove Pull, stage 1' }).click();
    await expect(start.getByTestId('confirm-choice')).toContainText('Takes itself back unless confirmed within 3 min.');
    await expect(start.getByRole('checkbox', { name: /Go back to the previous system/ })).toBeChecked();
    await expectAccessible(page, 'the choice of a confirmed switch');
    await start.getByRole('button', { name: 'Start on 6 hosts' }).click();

    const fleet = new FleetPage(page);
    await expect(fleet.row('h6')).toContainText('Switch: rolled back');
    await fleet.openOutput('h6', 'Switch');
    await fleet.expectOutcome('rolled-back');
    const panel = fleet.drawer.getByTestId('confirmation');
    await expect(panel).toContainText('The host went back to the previous system.');
    await expect(panel.getByRole('row', { name: /^web/ })).toContainText('Failed');
    await expect(panel).toContainText('nginx: connect() failed (111: Connection refused)');
    await expect(fleet.drawer).toContainText('A check of the new system failed. The previous system runs again.');
    await expectAccessible(page, 'a switch that was taken back');

    await page.goto(`${dashboard.url}/?status=failing`);
    await expect(page.getByTestId('host-row')).toHaveCount(1);
    await page.goto(`${dashboard.url}/activity`);
    await expect(page.getByTestId('event').filter({ hasText: 'The switch on h6 was rolled back' })).toBeVisible();
    await page.getByTestId('pipeline-list').getByRole('link').click();
    await expect(page.getByTestId('pipeline-progress')).toHaveText('5 done, 1 rolled back.');
    await expect(page.locator('[data-host="h6"]')).toHaveAttribute('data-status', 'rolled-back');
    await expectAccessible(page, 'a pipeline in which a host went back');
  } finally {
    await closeAll(agents);
  }
});

test('agents of 4.0.0 and in Go switch without a confirmation, which is said before and in the output', async ({
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const shared = {
    url: dashboard.agentUrl,
    token: AGENT_TOKEN,
    intervalMs: 1_000,
    firstRedialMs: 100,
    behaviour: PROMPT,
  };
  const agents = [
    new SimulatedAgent({ ...shared, hostname: 'released', protocol: 3 }),
    new SimulatedAgent({ ...shared, hostname: 'go', protocol: 2 }),
  ];
  for (const agent of agents) agent.connect();
  await Promise.all(agents.map((agent) => agent.whenRegistered()));
  try {
    const fleet = new FleetPage(page);
    for (const [name, sentence] of [
      ['released', /Not confirmed: the agent does not use nixfleet-root\.$/],
      ['go', /Not confirmed: the agent is too old\.$/],
    ] as const) {
      const button = fleet.row(name).getByRole('button', { name: 'Switch', exact: true });
      await expect(button).toHaveAttribute('data-tip', sentence);
      await fleet.press(name, 'Switch');
      await fleet.expectOutcome('succeeded');
      await expect(fleet.drawer.getByRole('log')).toContainText(
        /Not confirmed: the agent (does not use nixfleet-root|is too old)\./,
      );
      await expect(fleet.drawer.getByTestId('confirmation')).toHaveCount(0);
    }
  } finally {
    await closeAll(agents);
  }
});

test('a host can be set not to be confirmed, which its button and the activity log say, and back', async ({
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const agents = await openTrials(dashboard, { web: 'passes', db: 'passes' });
  try {
    const fleet = new FleetPage(page);
    const tip = (host: string) => fleet.row(host).getByRole('button', { name: 'Switch', exact: true });
    const confirmed = /Takes itself back unless confirmed within 3 min\.$/;
    await expect(tip('web')).toHaveAttribute('data-tip', confirmed);

    await fleet.row('web').getByRole('button', { name: 'More actions for web' }).click();
    await page.getByRole('menuitem', { name: /^Confirmation of switches … Dashboard default/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Confirmation of switches: web' });
    await expect(dialog.getByRole('radio', { name: /^Dashboard default/ })).toBeChecked();
    await dialog.getByRole('radio', { name: /^Off/ }).check();
    await expect(dialog.getByTestId('confirm-effect')).toHaveText(
      'Not confirmed: confirmed switches are turned off for this host.',
    );
    await expectAccessible(page, 'the setting for confirmed switches');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(tip('web')).toHaveAttribute('data-tip', /Not confirmed: .* turned off for this host\.$/);
    await expect(tip('db')).toHaveAttribute('data-tip', confirmed);
    await fleet.press('web', 'Switch');
    await fleet.expectOutcome('succeeded');
    await expect(fleet.drawer.getByTestId('confirmation')).toHaveCount(0);

    // For both, with the keyboard.
    await fleet.select('web', 'db');
    await page.getByRole('button', { name: 'More actions for the selected hosts' }).click();
    await page.getByRole('menuitem', { name: /^Confirmation of switches …/ }).click();
    const both = page.getByRole('dialog', { name: 'Confirmation of switches: 2 hosts' });
    await expect(both.getByRole('radio', { checked: true })).toHaveCount(0);
    await both.getByRole('radio', { name: /^Dashboard default/ }).focus();
    await page.keyboard.press('Space');
    await both.getByRole('button', { name: 'Save' }).press('Enter');
    await expect(tip('web')).toHaveAttribute('data-tip', confirmed);
    await page.goto(`${dashboard.url}/activity`);
    await expect(page.locator('[data-action="host.confirm-set"]')).toHaveCount(2);
    await expect(page.getByText('Switches on web are not confirmed from now on.')).toBeVisible();
  } finally {
    await closeAll(agents);
  }
});
