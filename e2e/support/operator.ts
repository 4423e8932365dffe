/** The operator at the browser: sets up, signs in, and knows the time as TOTP does. */
import { expect, type Page } from '@playwright/test';
import { generateSync } from 'otplib';

export const PASSWORD = 'correct horse battery staple';
const STEP_S = 30;

/** bcrypt of PASSWORD at the lowest cost, so that tests are quick. */
const PASSWORD_HASH = '$2b$04$cv.3zYF6yLrSBLhkJNcSieq8TDELAYuB4cX4rDyyLhock30.Pvp86';
const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** An installation whose password and second factor come from the environment: no set-up, and two codes are left. */
export const CONFIGURED = { NIXFLEET_PASSWORD_HASH: PASSWORD_HASH, NIXFLEET_TOTP_SECRET: TOTP_SECRET };

/** Signs in at such an installation with the code of the present step. The next one is valid for half a minute more. */
export async function signInConfigured(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/login`);
  await signIn(page, TOTP_SECRET);
}

/** The code that `signInConfigured` uses. */
export const presentCode = (): string => totp(TOTP_SECRET);

/** The code after the one that `signInConfigured` used. */
export const nextCode = (): string => totp(TOTP_SECRET, 1);

/** The code of the present time step, or of one that many steps later. */
export function totp(secret: string, stepsLater = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + stepsLater * STEP_S });
}

/**
 * Sets the password and enrols a second factor, and signs in. A code counts once: enrolling takes the present one,
 * signing in the next (both stay valid for at least half a minute, so that no step change can come between).
 */
export async function setUpAndSignIn(page: Page, link: string): Promise<string> {
  await page.goto(link);
  await page.getByRole('textbox', { name: 'New password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Confirm password' }).fill(PASSWORD);
  await page
    .locator('form')
    .getByRole('button', { name: /continue|next/i })
    .click();
  const secret = (await page.locator('#totp-secret').innerText()).replace(/\s/g, '');
  await page.getByRole('textbox', { name: /code/i }).fill(totp(secret));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, secret, 1);
  return secret;
}

export async function signIn(page: Page, secret: string, stepsLater = 0): Promise<void> {
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: /code/i }).fill(totp(secret, stepsLater));
  await page.getByRole('button', { name: /sign in/i }).click();
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');
}
