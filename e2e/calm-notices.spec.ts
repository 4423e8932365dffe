/** Notices and switches that wait do not move the fleet page, and a dead connection is noticed. */
import { renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FakeForge, FAKE_FORGE_TOKEN } from '@/lib/forge/testing/fake-forge';
import { FAKE_FORGE_REPO } from '@/lib/forge/testing/fake-responses';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { SimulatedAgent } from '@/simulator/agent';
import { PROMPT } from '@/simulator/behaviour';
import { expectAccessible } from './support/accessible';
import { AGENT_TOKEN } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { PASSWORD_ONLY, signInWithPassword } from './support/operator';
import { closeAll, openFleet } from './support/simulated-fleet';
import { PausableProxy } from './support/pausable-proxy';

const WIDTHS = [390, 800, 1440];

test('notices, pipelines and flake updates do not move the hosts or the controls above them', async ({
  page,
  world,
}) => {
  const forge = new FakeForge('github');
  await forge.start();
  const { remote } = world.makeHost('repository');
  const folder = remote.startsWith('file:') ? fileURLToPath(remote) : remote;
  const dashboard = world.makeDashboard({
    ...PASSWORD_ONLY,
    NIXFLEET_CONFIG_REPO: remote,
    NIXFLEET_VERSION_FETCH_TTL: '1s',
    NIXFLEET_GITHUB_API_URL: forge.url,
    NIXFLEET_GITHUB_REPO: FAKE_FORGE_REPO,
    NIXFLEET_GITHUB_TOKEN: FAKE_FORGE_TOKEN,
    NIXFLEET_GITHUB_POLL_TTL: '10s',
  });
  await dashboard.start();
  const proxy = await PausableProxy.start(dashboard.url);
  let letPullsEnd: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letPullsEnd = resolve));
  const agents = await openFleet(dashboard, 3, { ...PROMPT, commands: { pull: { held } } });
  try {
    await signInWithPassword(page, proxy.url);
    const fleet = new FleetPage(page);
    const line = page.getByTestId('status-line');
    await expect(page.getByTestId('host-row')).toHaveCount(3);
    await page.evaluate(() => document.fonts.ready);

    /** Where the first and the last host and the search are, at each width. */
    const places = async () => {
      const tops: unknown[] = [];
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        for (const part of [fleet.row('h0'), fleet.row('h2'), page.getByRole('searchbox')]) {
          const box = await part.boundingBox();
          tops.push([width, box?.x, box?.y, box?.width]);
        }
      }
      return tops;
    };
    const calm = await places();

    await fleet.select('h0', 'h1', 'h2');
    expect(await places(), 'with a selection').toEqual(calm);
    await page.getByTestId('action-bar').getByRole('button', { name: 'Do all …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Start on 3 hosts' }).click();
    const pipelines = line.getByRole('button', { name: /^Do all 0 of 3 Running/ });
    await expect(pipelines).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByTestId('action-bar')).toHaveCount(0);
    expect(await places(), 'with a pipeline').toEqual(calm);

    forge.addPull({});
    const update = line.getByRole('button', { name: /^Update #1/ });
    await expect(update).toBeVisible();
    expect(await places(), 'with a flake update').toEqual(calm);

    renameSync(folder, `${folder}.away`);
    const notice = line.getByRole('button', { name: /^Error: The desired state can’t be fetched/ });
    await expect(notice).toBeVisible();
    expect(await places(), 'with an error').toEqual(calm);

    // By keyboard: each panel lies over the page, and Escape closes it and gives the focus back.
    for (const [button, panel, text] of [
      [notice, 'Notices', /The last fetched state is shown\./],
      [pipelines, 'Pipelines', /0 of 3 done/],
      [update, 'Flake update', /Merge …/],
    ] as const) {
      await button.focus();
      await page.keyboard.press('Enter');
      await expect(line.getByRole('region', { name: panel })).toContainText(text);
      expect(await places(), panel).toEqual(calm);
      await expectAccessible(page, panel);
      await page.keyboard.press('Escape');
      await expect(line.getByRole('region')).toHaveCount(0);
      await expect(button).toBeFocused();
    }

    proxy.pause();
    await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'checking');
    // Announced once it has lasted.
    await expect(page.getByTestId('connection-announcement')).toHaveText('Checking the connection.');
    expect(await places(), 'with a dead connection').toEqual(calm);
    proxy.resume();
    await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');

    renameSync(`${folder}.away`, folder);
    await expect(notice).toHaveCount(0);
    letPullsEnd();
    await expect(line.getByRole('button', { name: /^Do all 3 of 3/ })).toBeVisible();
    expect(await places(), 'with an ended pipeline').toEqual(calm);
    await line.getByRole('button', { name: /^Do all/ }).click();
    await line.getByRole('button', { name: 'Dismiss the “Do all” pipeline' }).click();
    await expect(line.getByRole('button', { name: /^Do all/ })).toHaveCount(0);
    expect(await places(), 'afterwards').toEqual(calm);
  } finally {
    letPullsEnd();
    await closeAll(agents);
    await proxy.close();
    await forge.stop();
  }
});

test('a switch that waits for its confirmation does not move its row, and both answers fit in it', async ({
  page,
  world,
}) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  const trial = { ...PROMPT, trial: { ...PROMPT.trial, ending: 'waits' } } as const;
  const shared = { url: dashboard.agentUrl, token: AGENT_TOKEN, intervalMs: 1_000, firstRedialMs: 100 };
  const capabilities = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES];
  const agents = ['h0', 'h1'].map(
    (hostname) => new SimulatedAgent({ ...shared, hostname, capabilities, behaviour: trial }),
  );
  for (const agent of agents) agent.connect();
  await Promise.all(agents.map((agent) => agent.whenRegistered()));
  try {
    await signInWithPassword(page, dashboard.url);
    const fleet = new FleetPage(page);
    await expect(page.getByTestId('host-row')).toHaveCount(2);
    await page.evaluate(() => document.fonts.ready);
    const more = fleet.row('h0').getByRole('button', { name: 'More actions for h0' });
    const places = async () => {
      const found: unknown[] = [];
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        for (const part of [fleet.row('h0'), fleet.row('h1'), more]) {
          const box = await part.boundingBox();
          found.push([width, box?.x, box?.y, box?.width, box?.height]);
        }
      }
      return found;
    };
    const calm = await places();
    await fleet.press('h0', 'Switch');
    await page.keyboard.press('Escape');
    const answers = ['Keep now', 'Revert now'].map((name) => fleet.row('h0').getByRole('button', { name }));
    await expect(fleet.row('h0').locator('[data-mark="reached"]')).toHaveAttribute('data-state', 'passed');
    expect(await places(), 'in the window').toEqual(calm);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const row = await fleet.row('h0').boundingBox();
      for (const button of answers) {
        await expect(button).toBeVisible();
        const box = await button.boundingBox();
        expect((box?.x ?? 0) >= (row?.x ?? 0)).toBe(true);
        expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual((row?.x ?? 0) + (row?.width ?? 0));
      }
    }
    await answers[0]?.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Keep the new system on h0?' });
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await dialog.getByRole('button', { name: 'Keep', exact: true }).press('Enter');
    await expect(fleet.row('h0').getByRole('button', { name: /^Switch: / })).toBeVisible();
    expect(await places(), 'afterwards').toEqual(calm);
  } finally {
    await closeAll(agents);
  }
});
