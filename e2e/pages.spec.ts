/** Every page, dark and light, wide and narrow: nothing that axe or the browser complains of, nothing from elsewhere. */
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { CONFIGURED, expectLive, openConfigured, PASSWORD, setUpAndSignIn, signInConfigured } from './support/operator';

/** JavaScript that the fleet page may load, compressed. */
const MAX_SCRIPT_BYTES = 250 * 1024;

test('no page has accessibility violations', async ({ page, world }) => {
  const host = world.makeHost('web');
  const dashboard = world.makeDashboard({ NIXFLEET_CONFIG_REPO: host.remote });
  await dashboard.start();
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(dashboard.url) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url());
  });
  const link = await dashboard.setupLink();
  await page.goto(link);
  await expect(page.getByRole('textbox', { name: 'New password' })).toBeVisible();
  await expectAccessible(page, 'set-up');
  await page.goto(`${dashboard.url}/setup?code=wrong`);
  await expectAccessible(page, 'set-up with a wrong code');
  await setUpAndSignIn(page, link);
  await expectAccessible(page, 'the empty fleet');
  world.startAgent(host, dashboard);
  const fleet = new FleetPage(page);
  await expect(fleet.row('web')).toBeVisible();
  await expectAccessible(page, 'the fleet');
  await fleet.press('web', 'Test');
  await fleet.openOutput('web', 'Test');
  await fleet.expectOutcome('succeeded', 'failed', 'unchanged');
  await expectAccessible(page, 'the output');
  await fleet.drawer
    .getByRole('button', { name: /^close/i })
    .last()
    .click();
  for (const path of [
    '/activity',
    '/settings',
    '/settings/hosts',
    '/settings/configuration',
    '/settings/appearance',
    '/settings/about',
  ]) {
    await page.goto(`${dashboard.url}${path}`);
    await expect(page.getByRole('main')).toBeVisible();
    await expectAccessible(page, path);
  }
  // A separate page: the browser itself complains of a 404.
  const nowhere = await page.context().newPage();
  await nowhere.goto(`${dashboard.url}/no/such/page`);
  await expectAccessible(nowhere, 'not found');
  expect(elsewhere, 'requests to other origins').toEqual([]);
});

test('the fleet page stays within its download limit, and its responses have the security headers', async ({
  page,
  world,
}) => {
  await openConfigured(page, world);
  const response = await page.reload({ waitUntil: 'networkidle' });
  const headers = response?.headers() ?? {};
  expect(headers['content-security-policy']).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic'/);
  expect(headers['content-security-policy']).not.toContain('unsafe-inline');
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  expect(headers['x-powered-by']).toBeUndefined();
  const bytes = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter((entry): entry is PerformanceResourceTiming => entry instanceof PerformanceResourceTiming)
      .filter((entry) => entry.initiatorType === 'script' || entry.name.endsWith('.js'))
      .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
  );
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(MAX_SCRIPT_BYTES);
});

test('a wrong password and a used code get the same message; signing out closes the live socket', async ({
  page,
  world,
}) => {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  const authenticator = await signInConfigured(page, dashboard.url);
  await page.getByRole('button', { name: /account/i }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);

  const signIn = async (password: string, code: string) => {
    await page.getByRole('textbox', { name: 'Password' }).fill(password);
    await page.getByRole('textbox', { name: /code/i }).fill(code);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const refusal = page.getByRole('alert').filter({ hasText: 'Wrong password or code.' });
  // First, while the code would still be valid had it not been used.
  await signIn(PASSWORD, authenticator.usedCode());
  await expect(refusal).toBeVisible();
  await page.reload();
  await expect(page.getByRole('textbox', { name: 'Password' })).toHaveValue('');
  await signIn('not the password', '000000');
  await expect(refusal).toBeVisible();
  expect(page.url()).not.toContain('password');
});

test('keeps values that a password manager fills in before the page’s script runs', async ({ page, world }) => {
  const dashboard = await openConfigured(page, world);
  await page.context().clearCookies();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.js', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${dashboard.url}/login`, { waitUntil: 'commit' });
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: /code/i }).fill('000000');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeDisabled();
  release();
  await page.getByRole('button', { name: 'Sign in' }).click();
  // The password arrived: only the code was wrong, which the activity tells apart.
  await expect(page.getByRole('alert').filter({ hasText: 'Wrong password or code.' })).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Password' })).toHaveValue(PASSWORD);
});

test('a session survives a reload and a restart of the dashboard', async ({ page, world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  await setUpAndSignIn(page, await dashboard.setupLink());
  await dashboard.end('SIGTERM');
  await dashboard.start();
  await page.reload();
  await expectLive(page);
  expect(dashboard.lines.some((line) => line.includes('/setup?code='))).toBe(false);
});

test('two pages of one operator share a session, and other browsers are redirected to sign-in', async ({
  browser,
  page,
  world,
}) => {
  const dashboard = await openConfigured(page, world);
  const second = await page.context().newPage();
  await second.goto(dashboard.url);
  await expectLive(second);
  const stranger = await browser.newPage();
  await stranger.goto(dashboard.url);
  await expect(stranger).toHaveURL(/\/login/);
  await stranger.close();
});
