/** What arrives while the operator points at a control does not move it. */
import type { Locator, Page } from '@playwright/test';
import { SimulatedAgent } from '@/simulator/agent';
import { PROMPT } from '@/simulator/behaviour';
import { AGENT_TOKEN } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { expectLive, PASSWORD_ONLY, provePassword, signInWithPassword } from './support/operator';
import { closeAll, openFleet } from './support/simulated-fleet';

/** Another page of the same browser, in which the operator does something meanwhile. */
async function otherPage(page: Page, url: string): Promise<Page> {
  const other = await page.context().newPage();
  await other.setViewportSize({ width: 1440, height: 900 });
  await other.goto(url);
  await expectLive(other);
  return other;
}

/** Where these begin. */
async function boxesOf(page: Page, parts: Record<string, Locator>): Promise<unknown[]> {
  const boxes: unknown[] = [];
  for (const [name, part] of Object.entries(parts)) {
    const box = await part.boundingBox();
    boxes.push([name, box?.x, box?.y]);
  }
  return [page.viewportSize()?.width, ...boxes];
}

test('a row that comes under a pointer that rests opens no tooltip', async ({ page, world }) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  const agents = await openFleet(dashboard, 2, PROMPT);
  try {
    await page.clock.install();
    await signInWithPassword(page, dashboard.url);
    const fleet = new FleetPage(page);
    const pull = async (host: string) => {
      const box = await fleet.row(host).getByRole('button', { name: 'Pull', exact: true }).boundingBox();
      return { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
    };
    const [first, second] = [await pull('h0'), await pull('h1')];
    const next = { x: second.x, y: 2 * second.y - first.y };
    await page.mouse.move(next.x, next.y);
    const agent = new SimulatedAgent({
      url: dashboard.agentUrl,
      token: AGENT_TOKEN,
      hostname: 'h2',
      behaviour: PROMPT,
    });
    agents.push(agent);
    agent.connect();
    await expect(fleet.row('h2')).toBeVisible();
    const under = await pull('h2');
    expect(Math.abs(under.x - next.x) + Math.abs(under.y - next.y)).toBeLessThan(8);

    const tip = page.locator('#nixfleet-tip');
    await page.clock.runFor(1_000);
    await expect(tip).toBeHidden();
    await page.mouse.move(next.x + 2, next.y);
    await page.clock.runFor(1_000);
    await expect(tip).toContainText('Pull the configuration on h2');
  } finally {
    await closeAll(agents);
  }
});

for (const width of [390, 1440]) {
  test.describe(`at ${width} px, under the pointer`, () => {
    test.use({ viewport: { width, height: 900 } });

    test('pending agents and hosts that come or go do not move the cards of the settings', async ({ page, world }) => {
      const dashboard = world.makeDashboard({ ...PASSWORD_ONLY, NIXFLEET_AGENT_APPROVAL: 'true' });
      await dashboard.start();
      const agents: SimulatedAgent[] = [];
      const arrive = (hostname: string) => {
        const agent = new SimulatedAgent({ url: dashboard.agentUrl, token: AGENT_TOKEN, hostname, behaviour: PROMPT });
        agents.push(agent);
        agent.connect();
        return agent;
      };
      try {
        await signInWithPassword(page, dashboard.url);
        await page.goto(`${dashboard.url}/settings/hosts`);
        await expectLive(page);
        const card = (name: string) => page.locator('section').filter({ has: page.getByRole('heading', { name }) });
        const pending = card('Pending agents');
        const tokens = card('Host tokens');
        const parts = { pending, tokens, code: page.getByRole('button', { name: 'New code' }) };
        await page.getByRole('button', { name: 'New code' }).hover();
        const calm = await boxesOf(page, parts);

        const first = arrive('web');
        await pending.getByRole('button', { name: '1 new pending agent' }).waitFor();
        expect(await boxesOf(page, parts), 'with a new agent').toEqual(calm);
        await pending.getByRole('button', { name: '1 new pending agent' }).click();
        const approve = (name: string) => pending.getByRole('button', { name: `Approve ${name}` });
        await expect(approve('web')).toBeVisible();

        // Without the pointer over the cards, an agent is shown at once.
        await page.mouse.move(0, 0);
        arrive('db');
        await expect(approve('db')).toBeVisible();
        await approve('db').hover();
        const parts2 = { ...parts, db: approve('db') };
        const before = await boxesOf(page, parts2);
        await first.close();
        await expect(pending.getByText('No longer pending')).toBeVisible();
        expect(await boxesOf(page, parts2), 'with an agent that has left').toEqual(before);

        await approve('db').click();
        await provePassword(page);
        await expect(page.getByRole('dialog')).toHaveCount(0);
        await page.mouse.move(0, 0);
        await expect(pending).toContainText('No pending agents.');
        await expect(tokens.getByRole('button', { name: 'Create token: db' })).toBeVisible();
      } finally {
        await closeAll(agents);
      }
    });

    test('the end of a command and a newer one do not move the controls of an output', async ({ page, world }) => {
      const dashboard = world.makeDashboard(PASSWORD_ONLY);
      await dashboard.start();
      let letTestsEnd: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (letTestsEnd = resolve));
      const agents = await openFleet(dashboard, 1, { ...PROMPT, commands: { test: { held, ending: 'fails' } } });
      try {
        await signInWithPassword(page, dashboard.url);
        const other = new FleetPage(await otherPage(page, dashboard.url));
        const fleet = new FleetPage(page);
        await other.press('h0', 'Test');
        await fleet.openOutput('h0', 'Test');
        const button = (name: string) => fleet.drawer.getByRole('button', { name, exact: true });
        const stop = button('Stop');
        await expect(stop).toBeVisible();
        const controls = {
          search: fleet.drawer.getByRole('searchbox'),
          wrap: button('Wrap long lines'),
          recent: button('Recent'),
        };
        await stop.hover();
        const running = await boxesOf(page, controls);
        letTestsEnd();
        await fleet.expectOutcome('failed');
        expect(await boxesOf(page, controls), 'after its end').toEqual(running);

        // The newest command to follow is the test: a refresh of the page keeps it, as the operator has selected it.
        await other.press('h0', 'Pull');
        await expect(fleet.drawer.getByRole('heading', { name: 'Pull' })).toBeVisible();
        await button('Recent').click();
        await page.getByRole('menuitemcheckbox', { name: /^Test/ }).click();
        await expect(fleet.drawer.getByText('There is a newer command on h0.')).toBeVisible();
        await expect(fleet.drawer.getByRole('heading', { name: 'Test' })).toBeVisible();
        const parts = { ...controls, output: fleet.drawer.getByRole('log'), newest: button('Show newest') };
        const pinned = await boxesOf(page, parts);
        await other.press('h0', 'Pull');
        await expect(other.row('h0').getByRole('button', { name: /^Pull: / })).toBeVisible();
        expect(await boxesOf(page, parts), 'with another command').toEqual(pinned);
      } finally {
        letTestsEnd();
        await closeAll(agents);
      }
    });

    test('a newer command does not move the output of a stopped one', async ({ page, world }) => {
      const dashboard = world.makeDashboard(PASSWORD_ONLY);
      await dashboard.start();
      const agents = await openFleet(dashboard, 1, { ...PROMPT, commands: { test: { ending: 'hangs' } } });
      try {
        await signInWithPassword(page, dashboard.url);
        const other = new FleetPage(await otherPage(page, dashboard.url));
        const fleet = new FleetPage(page);
        await other.press('h0', 'Test');
        await fleet.openOutput('h0', 'Test');
        await other.press('h0', 'Stop');
        await fleet.expectOutcome('stopped', 'lost');
        // The stop is the newest of the recent commands, but no output follows it.
        await fleet.drawer.getByRole('button', { name: 'Recent', exact: true }).click();
        await page.getByRole('menuitemcheckbox', { name: /^Test/ }).click();
        const output = fleet.drawer.getByRole('log').or(fleet.drawer.getByText('This command produced no output.'));
        const newer = fleet.drawer.getByText('There is a newer command on h0.');
        await expect(output).toBeVisible();
        await expect(newer).toHaveCount(0);
        await output.hover();
        const calm = await boxesOf(page, { output });
        await other.press('h0', 'Pull');
        await expect(newer).toBeVisible();
        expect(await boxesOf(page, { output })).toEqual(calm);
      } finally {
        await closeAll(agents);
      }
    });

    test('a new pipeline does not move the links to the others', async ({ page, world }) => {
      const dashboard = world.makeDashboard(PASSWORD_ONLY);
      await dashboard.start();
      const agents = await openFleet(dashboard, 2, PROMPT);
      try {
        await signInWithPassword(page, dashboard.url);
        const other = await otherPage(page, dashboard.url);
        const startPipeline = async () => {
          await expect(other.getByTestId('host-row')).toHaveCount(2);
          await other.keyboard.press('Control+a');
          await other.getByRole('button', { name: 'More actions for the selected hosts' }).click();
          await other.getByRole('menuitem', { name: /^Do all/ }).click();
          await other.getByRole('dialog').getByRole('button', { name: 'Start on 2 hosts' }).click();
          await expect(other.getByTestId('status-line').getByRole('button', { name: /^Do all 2 of 2/ })).toBeVisible();
          await other.reload();
          await expectLive(other);
        };
        const card = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Pipelines' }) });
        const link = card.getByTestId('pipeline-list').getByRole('link');
        const fresh = card.getByRole('button', { name: '1 new pipeline' });
        const search = page.getByRole('searchbox');
        await page.goto(`${dashboard.url}/activity`);
        await expectLive(page);
        await search.hover();
        const empty = await boxesOf(page, { card, search });
        await startPipeline();
        await expect(fresh).toBeVisible();
        expect(await boxesOf(page, { card, search }), 'with the first pipeline').toEqual(empty);
        await fresh.click();
        await expect(link).toHaveCount(1);

        const id = (await link.getAttribute('href')) ?? '';
        const known = card.locator(`a[href="${id}"]`);
        for (const path of ['/activity', '/activity/pipelines']) {
          await page.goto(`${dashboard.url}${path}`);
          await expectLive(page);
          await known.hover();
          const calm = await boxesOf(page, { card, known });
          await startPipeline();
          await expect(fresh).toBeVisible();
          expect(await boxesOf(page, { card, known }), path).toEqual(calm);
          const shown = await link.count();
          await fresh.click();
          await expect(link).toHaveCount(shown + 1);
        }
      } finally {
        await closeAll(agents);
      }
    });

    test('changes of hosts do not move the rows, an open menu, a dialog or a toast', async ({ page, world }) => {
      const dashboard = world.makeDashboard(PASSWORD_ONLY);
      await dashboard.start();
      const agents = await openFleet(dashboard, 2, PROMPT);
      const more = (hostname: string) => {
        const agent = new SimulatedAgent({ url: dashboard.agentUrl, token: AGENT_TOKEN, hostname, behaviour: PROMPT });
        agents.push(agent);
        agent.connect();
      };
      try {
        await signInWithPassword(page, dashboard.url);
        const fleet = new FleetPage(page);
        await expect(page.getByTestId('host-row')).toHaveCount(2);

        await fleet.row('h1').getByRole('button', { name: 'Pull', exact: true }).hover();
        const rows = await boxesOf(page, { h0: fleet.row('h0'), h1: fleet.row('h1') });
        more('a0');
        await expect(fleet.row('a0')).toBeVisible();
        expect(await boxesOf(page, { h0: fleet.row('h0'), h1: fleet.row('h1') }), 'with a new host').toEqual(rows);
        // The tooltip of the button may cover the row above.
        await page.mouse.move(1, 1);
        await expect(page.locator('#nixfleet-tip')).toBeHidden();

        await fleet.row('h0').getByRole('button', { name: 'More actions for h0' }).click();
        const remove = page.getByRole('menuitem', { name: /^Remove/ });
        await remove.hover();
        const open = await boxesOf(page, { remove });
        await agents[0]?.close();
        await expect(fleet.row('h0')).toContainText(/offline/i);
        expect(await boxesOf(page, { remove }), 'with a host that goes offline').toEqual(open);
        await page.keyboard.press('Escape');

        await fleet.row('h1').getByRole('button', { name: 'More actions for h1' }).click();
        await page.getByRole('menuitem', { name: /^Reboot/ }).click();
        const dialog = page.getByRole('dialog');
        const cancel = dialog.getByRole('button', { name: 'Cancel' });
        await cancel.hover();
        const asked = await boxesOf(page, { cancel, dialog });
        await agents[1]?.close();
        await expect(dialog.getByText(/offline/i).first()).toBeVisible();
        expect(await boxesOf(page, { cancel, dialog }), 'with a host that goes offline').toEqual(asked);
      } finally {
        await closeAll(agents);
      }
    });
  });
}
