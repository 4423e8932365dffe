/** Pipelines over many hosts: started, watched, cancelled, and gone on with after the dashboard was killed. */
import type { Page } from '@playwright/test';
import { FakeForge, FAKE_FORGE_TOKEN } from '@/lib/forge/testing/fake-forge';
import type { SimulatedAgent } from '@/simulator/agent';
import { PROMPT } from '@/simulator/behaviour';
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { expectLiveAgain, openConfigured, PASSWORD_ONLY, provePassword, signInWithPassword } from './support/operator';
import { closeAll, openFleet } from './support/simulated-fleet';
import { FAKE_FORGE_REPO } from '@/lib/forge/testing/fake-responses';

/**
 * The commands each host received, in order, over all connections. Without refresh-system, by which the dashboard may
 * judge a switch without a result: it changes nothing.
 */
function wireOf(agents: readonly SimulatedAgent[]): Map<string, string[]> {
  const wire = new Map<string, string[]>();
  for (const agent of agents) {
    const received: string[] = [];
    wire.set(agent.hostname, received);
    agent.on((event) => {
      if (event.type === 'command' && event.command !== 'refresh-system') received.push(event.command);
    });
  }
  return wire;
}

const isSwitch = ({ command }: { command: string }) => command === 'switch';

/** Opens the list of pipelines in the status line. */
async function openPipelines(page: Page): Promise<void> {
  await page
    .getByTestId('status-line')
    .getByRole('button', { name: / \d+ of \d+/ })
    .click();
}

async function selectAll(page: Page, hosts: number): Promise<void> {
  await expect(page.getByTestId('host-row')).toHaveCount(hosts);
  await page.keyboard.press('Control+a');
  await expect(page.getByTestId('action-bar')).toContainText(`${hosts}`);
}

test('after kill -9, a pipeline on 20 hosts continues and ends, and no command is sent twice', async ({
  page,
  requests,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  // No pull ends before the page is where the kill is to meet it.
  let letPullsEnd: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letPullsEnd = resolve));
  const agents = await openFleet(dashboard, 20, {
    ...PROMPT,
    standard: { ...PROMPT.standard, durationMs: 800 },
    commands: { pull: { held } },
    restartMs: 200,
  });
  try {
    const wire = wireOf(agents);
    await selectAll(page, 20);
    await page.getByTestId('action-bar').getByRole('button', { name: 'Do all …' }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByTestId('pipeline-preview')).toHaveText(
      'On 20 hosts: Pull, Switch, then Test. Each host stops at its first failure.',
    );
    await dialog.getByRole('combobox', { name: 'Hosts in parallel' }).selectOption('5');
    await dialog.getByRole('button', { name: 'Start on 20 hosts' }).click();
    await openPipelines(page);
    await page.getByTestId('pipeline-strip').getByRole('link').click();
    await expect(page.getByTestId('pipeline-host')).toHaveCount(20);
    await requests.settled();

    const firstSwitch = Promise.race(agents.map((agent) => agent.next('command', isSwitch)));
    letPullsEnd();
    await firstSwitch;
    expect(await dashboard.end('SIGKILL')).toBe('SIGKILL');
    const begun = [...wire.values()].filter((received) => received.length > 0).length;
    expect(begun, 'it was killed in the middle').toBeLessThan(20);
    await dashboard.start();
    await expectLiveAgain(page);
    await expect(page.getByTestId('pipeline-state')).toHaveAttribute('data-phase', 'ended', { timeout: 90_000 });

    // Each at most once and in order. A switch whose frame the kill cut off may be missing: facts decided its outcome.
    const all = ['pull', 'switch', 'test'];
    for (const [host, received] of wire) {
      expect(received, `what ${host} received`).toEqual(all.filter((operation) => received.includes(operation)));
    }
    // A Go agent whose command ended while the dashboard was down can't report the result; agents of protocol 3 keep it.
    // One of these is done if it received every command, and only then: a frame that the kill cut off is known not to
    // have arrived.
    const three = agents.filter((_agent, index) => index % 2 === 1);
    for (const { hostname } of three) {
      const status = wire.get(hostname)?.length === all.length ? 'done' : 'failed';
      await expect(page.locator(`[data-host="${hostname}"]`)).toHaveAttribute('data-status', status);
    }
    await page.goto(`${dashboard.url}/activity`);
    await expect(page.locator('[data-action="pipeline.ended"]')).toHaveCount(1);
    await expect(page.getByTestId('pipeline-list').getByRole('link')).toHaveCount(1);
  } finally {
    letPullsEnd();
    await closeAll(agents);
  }
});

test('a custom pipeline is composed, watched stage by stage and cancelled, without accessibility violations', async ({
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const agents = await openFleet(dashboard, 4, {
    ...PROMPT,
    commands: { test: { ending: 'hangs' } },
    restartMs: 100,
  });
  try {
    const wire = wireOf(agents);
    await selectAll(page, 4);
    await page.getByRole('button', { name: 'More actions for the selected hosts' }).click();
    await page.getByRole('menuitem', { name: /^Custom …/ }).click();
    const dialog = page.getByRole('dialog');
    const stages = dialog.getByTestId('stage-list').getByRole('listitem');
    await expect(stages).toHaveText([/Pull/, /Switch/]);
    await dialog.getByRole('button', { name: 'Remove Switch, stage 2' }).click();
    await dialog.getByRole('combobox', { name: 'Operation to add' }).selectOption('test');
    await dialog.getByRole('button', { name: 'Add stage' }).click();
    await dialog.getByRole('button', { name: 'Move Test, stage 2 up' }).click();
    await expect(stages).toHaveText([/Test/, /Pull/]);
    await dialog.getByRole('button', { name: 'Move Pull, stage 2 up' }).click();
    await dialog.getByRole('combobox', { name: 'Hosts in parallel' }).selectOption('2');
    await dialog.getByRole('checkbox', { name: /Stop the pipeline at the first failure/ }).check();
    await expectAccessible(page, 'the dialog');
    await dialog.getByRole('button', { name: 'Start on 4 hosts' }).click();

    await openPipelines(page);
    const strip = page.getByTestId('pipeline-strip');
    await expect(strip.getByTestId('pipeline-state')).toHaveAttribute('data-phase', 'running');
    await expectAccessible(page, 'the fleet with a pipeline');
    await strip.getByRole('link').click();
    const hosts = page.getByTestId('pipeline-host');
    await expect(page.locator('[data-status="running"]')).toHaveCount(2);
    await expect(page.locator('[data-status="waiting"]')).toHaveCount(2);
    const output = hosts.first().getByRole('button', { name: /^Output of the test run/ });
    await expect(output).toBeVisible();
    await expectAccessible(page, 'a pipeline');
    await output.click();
    await expect(page.getByTestId('output-drawer').getByTestId('command-state')).toHaveAttribute(
      'data-phase',
      'running',
    );
    await page
      .getByTestId('output-drawer')
      .getByRole('button', { name: /^close/i })
      .last()
      .click();

    await page.getByRole('button', { name: 'Cancel …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel and stop running commands' }).click();
    await expect(page.getByTestId('pipeline-state')).toHaveAttribute('data-outcome', 'cancelled');
    await expect(page.locator('[data-status="skipped"]')).toHaveCount(2);
    await expect(page.getByTestId('pipeline-progress')).toContainText('Cancelled by');
    expect([...wire.values()].filter((received) => received.length > 0)).toEqual([
      ['pull', 'test', 'stop'],
      ['pull', 'test', 'stop'],
    ]);
    await expectAccessible(page, 'a pipeline that ended');
    await page.reload();
    await expect(page.getByTestId('pipeline-state')).toHaveAttribute('data-outcome', 'cancelled');
    await page.goto(`${dashboard.url}/activity/pipelines`);
    await expect(page.getByTestId('pipeline-list').getByRole('link')).toHaveCount(1);
    await expectAccessible(page, 'the list of pipelines');
  } finally {
    await closeAll(agents);
  }
});

test('merge and deploy merges the pull request once, then runs the stages on the hosts', async ({ page, world }) => {
  const forge = new FakeForge('github');
  await forge.start();
  const dashboard = world.makeDashboard({
    ...PASSWORD_ONLY,
    NIXFLEET_GITHUB_API_URL: forge.url,
    NIXFLEET_GITHUB_REPO: FAKE_FORGE_REPO,
    NIXFLEET_GITHUB_TOKEN: FAKE_FORGE_TOKEN,
  });
  const pull = forge.addPull();
  await dashboard.start();
  await signInWithPassword(page, dashboard.url);
  const agents = await openFleet(dashboard, 3, PROMPT);
  try {
    const wire = wireOf(agents);
    await page
      .getByTestId('status-line')
      .getByRole('button', { name: /^Update #/ })
      .click();
    await page.getByTestId('flake-update').getByRole('button', { name: 'Merge and deploy …' }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByTestId('pipeline-preview')).toContainText(
      'The first step is to merge the flake update. If it fails, no host is changed.',
    );
    await expect(dialog.getByTestId('pipeline-preview')).toContainText('On 3 hosts: Pull, Switch, then Test.');
    await dialog.getByRole('button', { name: 'Start on 3 hosts' }).click();
    await provePassword(page);
    await openPipelines(page);
    await page.getByTestId('pipeline-strip').getByRole('link').click();
    await expect(page.getByTestId('pipeline-state')).toHaveAttribute('data-outcome', 'succeeded', { timeout: 60_000 });
    await expect(page.getByText(/^#\d+ was merged/)).toBeVisible();
    expect(pull.merged).toBe(true);
    expect([...wire.values()]).toEqual(agents.map(() => ['pull', 'switch', 'test']));
    await expectAccessible(page, 'a pipeline with a merge');
  } finally {
    await closeAll(agents);
    await forge.stop();
  }
});
