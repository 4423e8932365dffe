/** The fleet page with hundreds of hosts: no control leaves its bar, and nothing covers one. */
import type { Locator, Page } from '@playwright/test';
import { PROMPT } from '@/simulator/behaviour';
import { expect, test } from './support/fixtures';
import { CONFIGURED, openConfigured, signInConfigured } from './support/operator';
import { closeAll, openFleet } from './support/simulated-fleet';

const HOSTS = 220;

async function boxOf(part: Locator) {
  const box = await part.boundingBox();
  if (box === null) throw new Error('the part is not shown');
  return { left: box.x, right: box.x + box.width, top: box.y, bottom: box.y + box.height };
}

async function expectInside(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 844 });
  const bar = page.getByTestId('action-bar');
  const outer = await boxOf(bar);
  expect(outer.left, `${width} px`).toBeGreaterThanOrEqual(0);
  expect(outer.right, `${width} px`).toBeLessThanOrEqual(width);
  for (const button of await bar.getByRole('button').filter({ visible: true }).all()) {
    const inner = await boxOf(button);
    const name = `${(await button.textContent()) ?? ''} at ${width} px`;
    expect(inner.left, name).toBeGreaterThanOrEqual(outer.left);
    expect(inner.right, name).toBeLessThanOrEqual(outer.right);
    expect(inner.bottom, name).toBeLessThanOrEqual(outer.bottom);
  }
}

test('the action bar holds its buttons, a toast covers none of them, and bars reach the right edge', async ({
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const agents = await openFleet(dashboard, HOSTS, PROMPT);
  try {
    await expect(page.getByRole('button', { name: `All ${HOSTS}` })).toBeVisible();
    await page.keyboard.press('Control+a');
    const bar = page.getByTestId('action-bar');
    await expect(bar).toContainText(`${HOSTS}`);
    for (const width of [390, 640, 800, 1024, 1440]) await expectInside(page, width);
    const header = await boxOf(page.getByRole('banner'));
    expect(header.right).toBe(await page.evaluate(() => document.documentElement.clientWidth));

    await bar.getByRole('button', { name: /^Pull/ }).click();
    const toast = page.getByRole('region', { name: 'Messages' }).getByText(/started/);
    await expect(toast).toBeVisible();
    expect((await boxOf(page.getByRole('region', { name: 'Messages' }))).bottom).toBeLessThanOrEqual(
      (await boxOf(bar)).top,
    );
    await expect(toast).toHaveCount(0);
  } finally {
    await closeAll(agents);
  }
});

test('on a phone, the current settings page is in view in the list, and a long menu shows that it has more entries', async ({
  page,
  world,
}) => {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  await page.setViewportSize({ width: 390, height: 844 });
  await signInConfigured(page, dashboard.url);
  const agents = await openFleet(dashboard, 1, PROMPT);
  try {
    await page.getByRole('button', { name: 'More actions for h0' }).click();
    const menu = page.getByRole('menu');
    await expect(menu).toBeVisible();
    const shades = await menu.evaluate((element) => ({
      scrolls: element.scrollHeight > element.clientHeight,
      attachments: getComputedStyle(element).backgroundAttachment,
    }));
    expect(shades.scrolls).toBe(true);
    expect(shades.attachments).toContain('local, local, scroll, scroll');
    await page.keyboard.press('Escape');
    await page.goto(`${dashboard.url}/settings/about`);
    const current = page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'About' });
    await expect(current).toBeInViewport({ ratio: 1 });
    await page.setViewportSize({ width: 1440, height: 1200 });
    const header = await boxOf(page.getByRole('banner'));
    expect(header.right).toBe(1440);
  } finally {
    await closeAll(agents);
  }
});
