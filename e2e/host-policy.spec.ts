/** What a host accepts: shown in its menu, said before an operation is sent, and carried out by the host. */
import { SimulatedAgent } from '@/simulator/agent';
import { PROMPT } from '@/simulator/behaviour';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import type { HostPolicyInput } from '@/lib/protocol/agent/host-policy';
import { expectAccessible } from './support/accessible';
import { AGENT_TOKEN, type Dashboard } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, signInConfigured } from './support/operator';
import { closeAll } from './support/simulated-fleet';

const SOURCE = '/etc/nixfleet-agent/policy.json';
const STRICT: HostPolicyInput = {
  state: 'set',
  source: SOURCE,
  operations: ['pull', 'switch'],
  hours: { zone: 'UTC', windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: 0, to: 1_440 }] },
  branches: ['main', 'release'],
  signers: [{ name: 'alice@example.org', key: 'ssh-ed25519 SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDNmHBXwu0vBRbq1Bo' }],
  oldest_commit: '3c9a8081f2f14b7fb1a3c58d8e9b0c1d2e3f4a5b',
};

async function open(
  dashboard: Dashboard,
  hosts: Record<string, HostPolicyInput | undefined>,
): Promise<SimulatedAgent[]> {
  const agents = Object.entries(hosts).map(
    ([hostname, policy]) =>
      new SimulatedAgent({
        url: dashboard.agentUrl,
        token: AGENT_TOKEN,
        hostname,
        capabilities: [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES],
        intervalMs: 1_000,
        firstRedialMs: 100,
        behaviour: PROMPT,
        ...(policy === undefined ? {} : { policy }),
      }),
  );
  for (const agent of agents) agent.connect();
  await Promise.all(agents.map((agent) => agent.whenRegistered()));
  return agents;
}

test('the menu of a host shows what it accepts, by the keyboard and on a phone', async ({ page, world }) => {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  const agents = await open(dashboard, {
    strict: STRICT,
    plain: undefined,
    broken: {
      state: 'unreadable',
      source: SOURCE,
      problem: 'has a mistake at hours.zone: is not the name of a time zone',
    },
  });
  try {
    const fleet = new FleetPage(page);
    const show = async (host: string) => {
      await fleet
        .row(host)
        .getByRole('button', { name: `More actions for ${host}` })
        .focus();
      await page.keyboard.press('Enter');
      const item = page.getByRole('menuitem', { name: 'What this host accepts' });
      await item.focus();
      await page.keyboard.press('Enter');
      return page.getByRole('dialog', { name: `What ${host} accepts` });
    };

    const strict = await show('strict');
    await expect(strict).toContainText('Pull and Switch.');
    await expect(strict).toContainText('Open now.');
    await expect(strict).toContainText('every day 00:00–24:00 (UTC)');
    await expect(strict).toContainText(
      'alice@example.org (ssh-ed25519 SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDNmHBXwu0vBRbq1Bo)',
    );
    await expect(strict).toContainText('release');
    await expect(strict).toContainText(SOURCE);
    await expect(strict.getByRole('button', { name: 'Close' }).last()).toBeFocused();
    await expectAccessible(page, 'what a host accepts');
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = await strict.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await expect(strict.getByRole('button', { name: 'Close' }).last()).toBeInViewport();
    await page.keyboard.press('Escape');
    await expect(strict).toHaveCount(0);
    await page.setViewportSize({ width: 1440, height: 900 });

    const plain = await show('plain');
    await expect(plain).toContainText('No policy: accepts everything.');
    await page.keyboard.press('Escape');
    const broken = await show('broken');
    await expect(broken).toContainText('refuses every operation that would change it');
    await expect(broken).toContainText('has a mistake at hours.zone');
  } finally {
    await closeAll(agents);
  }
});

test('a button says that the host will refuse, the host refuses all the same, and a pipeline counts that apart', async ({
  page,
  world,
}) => {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  const agents = await open(dashboard, { strict: { ...STRICT, operations: ['pull'] }, plain: undefined });
  try {
    const fleet = new FleetPage(page);
    const button = fleet.row('strict').getByRole('button', { name: 'Test', exact: true });
    await expect(button).toHaveAttribute(
      'data-tip',
      /strict does not accept the test run: its policy does not list it\.$/,
    );
    await expect(fleet.row('strict').getByRole('button', { name: 'Pull', exact: true })).not.toHaveAttribute(
      'data-tip',
      /does not accept/,
    );
    await button.click();
    const dialog = page.getByRole('dialog', { name: 'Test: strict' });
    await expect(dialog).toContainText('strict does not accept the test run: its policy does not list it.');
    await dialog.getByRole('button', { name: 'Send anyway' }).click();
    await fleet.expectOutcome('refused');
    await expect(fleet.drawer).toContainText('Refused by the host: its policy does not accept “test”.');
    await expect(fleet.row('strict')).toContainText('Test: refused');

    await page.getByTestId('host-row').first().waitFor();
    await fleet.select('plain', 'strict');
    await page.getByRole('button', { name: 'More actions for the selected hosts' }).click();
    await page.getByRole('menuitem', { name: /^Custom …/ }).click();
    const start = page.getByRole('dialog');
    await start.getByRole('button', { name: 'Remove Pull, stage 1' }).click();
    await expect(start).toContainText('strict does not accept the switch: its policy does not list it.');
    await start.getByRole('button', { name: 'Start on 2 hosts' }).click();
    await expect(fleet.row('strict')).toContainText('Switch: refused');
    await expect(fleet.row('plain')).toContainText('Switch: succeeded');

    await page.goto(`${dashboard.url}/?status=failing`);
    await expect(page.getByTestId('host-row')).toHaveCount(1);
    await page.goto(`${dashboard.url}/activity`);
    await expect(
      page.getByTestId('event').filter({ hasText: 'The test run on strict was refused by the host' }).first(),
    ).toBeVisible();
    await page.getByTestId('pipeline-list').getByRole('link').click();
    await expect(page.getByTestId('pipeline-progress')).toHaveText('1 done, 1 refused.');
    await expect(page.locator('[data-host="strict"]')).toHaveAttribute('data-status', 'refused');
    await expectAccessible(page, 'a pipeline that a host has refused');
  } finally {
    await closeAll(agents);
  }
});
