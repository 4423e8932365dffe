/** The operator at the browser: sets up and signs in. */
import { expect, type Page } from '@playwright/test';
import { LIVE_TIMES } from '@/app/_live/live-client';
import { Authenticator } from './authenticator';
import type { Dashboard } from './dashboard';

export const PASSWORD = 'correct horse battery staple';

/** bcrypt of PASSWORD at the lowest cost, so that tests are quick. */
const PASSWORD_HASH = '$2b$04$cv.3zYF6yLrSBLhkJNcSieq8TDELAYuB4cX4rDyyLhock30.Pvp86';
export const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** An installation whose password and second factor come from the environment: nothing to set up. */
export const CONFIGURED = { NIXFLEET_PASSWORD_HASH: PASSWORD_HASH, NIXFLEET_TOTP_SECRET: TOTP_SECRET };
/** The same without a second factor. */
export const PASSWORD_ONLY = { NIXFLEET_PASSWORD_HASH: PASSWORD_HASH };

/** Signs in at an installation with the settings `CONFIGURED`. Gives the authenticator for further codes. */
export async function signInConfigured(page: Page, url: string): Promise<Authenticator> {
  const authenticator = new Authenticator(TOTP_SECRET);
  await page.goto(`${url}/login`);
  await signIn(page, authenticator);
  return authenticator;
}

/** Starts a dashboard with the settings `CONFIGURED`, and signs in at it. */
export async function openConfigured(
  page: Page,
  world: { makeDashboard(settings: Record<string, string>): Dashboard },
): Promise<Dashboard> {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  return dashboard;
}

/** Signs in at an installation with the settings `PASSWORD_ONLY`. */
export async function signInWithPassword(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/login`);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expectLive(page);
}

/** Answers the question for a step-up proof at an installation with the settings `PASSWORD_ONLY`. */
export async function provePassword(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Your password' }).fill(PASSWORD);
  await page.keyboard.press('Enter');
}

/** Sets the password, enrols a second factor and signs in. Each of the two takes a code. */
export async function setUpAndSignIn(page: Page, link: string): Promise<Authenticator> {
  await page.goto(link);
  await page.getByRole('textbox', { name: 'New password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Confirm password' }).fill(PASSWORD);
  await page
    .locator('form')
    .getByRole('button', { name: /continue|next/i })
    .click();
  const secret = (await page.locator('#totp-secret').innerText()).replace(/\s/g, '');
  expect(secret).toMatch(/^[A-Z2-7]{16,}$/);
  const authenticator = new Authenticator(secret);
  await page.getByRole('textbox', { name: /code/i }).fill(await authenticator.newCode());
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, authenticator);
  return authenticator;
}

/** Fills in the sign-in page, which is open, and waits until the fleet is shown live. */
export async function signIn(page: Page, authenticator: Authenticator): Promise<void> {
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: /code/i }).fill(await authenticator.newCode());
  await page.getByRole('button', { name: /sign in/i }).click();
  await expectLive(page);
}

export async function expectLive(page: Page): Promise<void> {
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');
}

/** After its dashboard was away, the page reconnects without a reload, at the latest after its longest wait between attempts. */
export async function expectLiveAgain(page: Page): Promise<void> {
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live', {
    timeout: LIVE_TIMES.backOffCapMs + LIVE_TIMES.openWithinMs,
  });
}
