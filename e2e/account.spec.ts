/** The account page: password, second factor, recovery codes and sessions, each change with a step-up proof. */
import type { Page } from '@playwright/test';
import { expectAccessible } from './support/accessible';
import { Authenticator } from './support/authenticator';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, PASSWORD, PASSWORD_ONLY, signIn, signInWithPassword } from './support/operator';

const NEW_PASSWORD = 'another correct horse';

async function recoveryCodes(page: Page): Promise<string[]> {
  const dialog = page.getByRole('dialog', { name: 'Save your recovery codes' });
  await expect(dialog).toBeVisible();
  return dialog.locator('#recovery-codes li').allInnerTexts();
}

test('with a configured password, the second factor can be set up and removed in the browser', async ({
  page,
  world,
}) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  await signInWithPassword(page, dashboard.url);
  await page.goto(`${dashboard.url}/settings`);
  await expect(page.getByText('NIXFLEET_PASSWORD_HASH in the environment sets the password')).toBeVisible();
  await expectAccessible(page, 'the account without a second factor');

  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Set up …' }).click();
  await expect(dialog.getByRole('img', { name: /QR code/ })).toBeVisible();
  await expectAccessible(page, 'enrolment');
  const secret = (await dialog.locator('#totp-secret').innerText()).replace(/\s/g, '');
  const authenticator = new Authenticator(secret);
  const code = dialog.getByRole('textbox', { name: 'Code from your authenticator app' });
  await code.fill('000000');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('This code is wrong or was already used');
  await code.fill(await authenticator.unspentCode());
  await page.keyboard.press('Enter');
  // There is no second factor yet: the password proves who asks.
  const password = dialog.getByRole('textbox', { name: 'Your password' });
  await expect(password).toBeFocused();
  await expectAccessible(page, 'a step-up proof');
  await password.fill('not the password');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert').last()).toContainText('Wrong password.');
  // Again from the code on: the checks above may have taken longer than one is valid.
  await page.keyboard.press('Escape');
  await expect(password).toHaveCount(0);
  await code.fill(await authenticator.newCode());
  await page.keyboard.press('Enter');
  await password.fill(PASSWORD);
  await page.keyboard.press('Enter');
  const codes = await recoveryCodes(page);
  expect(codes).toHaveLength(10);
  await expectAccessible(page, 'recovery codes');
  await dialog.getByRole('button', { name: 'I have saved them' }).click();
  await expect(page.getByText('10 left')).toBeVisible();
  await expectAccessible(page, 'the account with a second factor');

  // A recovery code proves as well as the app does, once.
  await page.getByRole('button', { name: 'Create new codes …' }).click();
  await dialog.getByRole('button', { name: 'Use a recovery code' }).click();
  await dialog.getByRole('textbox', { name: 'Recovery code' }).fill(codes[0] ?? '');
  await page.keyboard.press('Enter');
  const renewed = await recoveryCodes(page);
  expect(renewed).not.toContain(codes[1]);
  await dialog.getByRole('button', { name: 'I have saved them' }).click();

  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await expect(page).toHaveURL(/\/login/);
  await signIn(page, authenticator);
  await page.goto(`${dashboard.url}/settings`);
  await page.getByRole('button', { name: 'Remove …' }).click();
  await dialog.getByRole('button', { name: 'Use a recovery code' }).click();
  await dialog.getByRole('textbox', { name: 'Recovery code' }).fill(renewed[0] ?? '');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Second factor removed')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Set up …' })).toBeVisible();
  const stored = await page.evaluate(() =>
    JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
  );
  for (const kept of [secret, ...codes, ...renewed]) expect(stored).not.toContain(kept);
});

test('signing out a session or changing the password closes the live sockets of the ended sessions', async ({
  browser,
  page,
  world,
}) => {
  // With a second factor of the environment, set-up stores a password alone.
  const settings: Record<string, string> = { NIXFLEET_TOTP_SECRET: CONFIGURED.NIXFLEET_TOTP_SECRET };
  const dashboard = world.makeDashboard(settings);
  await dashboard.start();
  await page.goto(await dashboard.setupLink());
  await page.getByRole('textbox', { name: 'New password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Confirm password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible();
  await dashboard.end('SIGTERM');
  delete settings.NIXFLEET_TOTP_SECRET;
  await dashboard.start();

  await signInWithPassword(page, dashboard.url);
  const others = await Promise.all(
    ['a phone', 'a laptop'].map(async (userAgent) => {
      const context = await browser.newContext({ userAgent });
      const other = await context.newPage();
      await signInWithPassword(other, dashboard.url);
      return other;
    }),
  );
  const [phone, laptop] = others;
  if (!phone || !laptop) throw new Error('two pages were opened');
  await page.goto(`${dashboard.url}/settings`);
  const list = page.getByRole('list', { name: 'Sessions' });
  await expect(list.getByRole('listitem')).toHaveCount(3);
  await expect(list.getByRole('listitem').first()).toContainText('This session');
  await expectAccessible(page, 'the list of sessions');

  await list
    .locator('li', { has: page.locator('[data-tip="a phone"]') })
    .getByRole('button')
    .click();
  await expect(list.getByRole('listitem')).toHaveCount(2);
  await expect(phone.getByTestId('connection')).toHaveAttribute('data-state', 'signed-out');
  await expect(laptop.getByTestId('connection')).toHaveAttribute('data-state', 'live');

  await page.getByRole('textbox', { name: 'Current password' }).fill('not the password');
  await page.getByRole('textbox', { name: 'New password' }).fill(NEW_PASSWORD);
  await page.getByRole('textbox', { name: 'Confirm password' }).fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('This is not the current password.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Current password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('1 other session was signed out.')).toBeVisible();
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await expect(laptop.getByTestId('connection')).toHaveAttribute('data-state', 'signed-out');
  await laptop.reload();
  await expect(laptop).toHaveURL(/\/login/);
  await laptop.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await laptop.getByRole('button', { name: 'Sign in' }).click();
  await expect(laptop.getByText('Wrong password.')).toBeVisible();
  await page.goto(`${dashboard.url}/activity`);
  await expect(page.getByText('The password was changed. 1 other session ended.')).toBeVisible();
});

test('a click after the session ended elsewhere shows a message with a sign-in button', async ({ page, world }) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  await signInWithPassword(page, dashboard.url);
  const host = world.makeHost('web');
  world.startAgent(host, dashboard);
  const fleet = new FleetPage(page);
  await expect(fleet.row('web')).toBeVisible();
  // The page gets no notice: it loses its connection first.
  let asked = 0;
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.headers()['next-action'] !== undefined) asked += 1;
  });
  await page.context().clearCookies();
  await fleet.press('web', 'Pull');
  const message = page.getByText('Your session has ended. Sign in again.');
  await expect(message).toBeVisible();
  // Asked once: what was refused would be refused again.
  expect(asked).toBe(1);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/login/);
});
