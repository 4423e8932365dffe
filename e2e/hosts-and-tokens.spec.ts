/** Tokens of hosts from making to revoking, enrolment by a real agent, approval, and a version-1 agent beside them. */
import { expect, test } from './support/fixtures';
import { AGENT_TOKEN } from './support/dashboard';
import { FleetPage } from './support/fleet-page';
import { PASSWORD, PASSWORD_ONLY, signInWithPassword } from './support/operator';

test('a host gets a token of its own, by hand and with a code, and loses it', async ({ page, world }) => {
  const [web, nas] = [world.makeHost('web'), world.makeHost('nas')];
  // Without a second factor a fresh proof is the password, which can be given more than once.
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  await signInWithPassword(page, dashboard.url);
  await page.goto(`${dashboard.url}/settings/hosts`);
  const dialog = (name: string) => page.getByRole('dialog', { name });
  const prove = async () => {
    await page.getByRole('textbox', { name: 'Your password' }).fill(PASSWORD);
    await page.keyboard.press('Enter');
  };
  const door = page.locator('section').filter({ has: page.getByRole('heading', { name: 'At the door' }) });
  const hosts = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Tokens of hosts' }) });

  // New hosts wait; the operator takes one in.
  await page.getByRole('button', { name: 'Let new hosts wait' }).click();
  await prove();
  await expect(page.getByText('Wait for approval', { exact: true })).toBeVisible();
  const shared = world.startAgent(web, dashboard);
  await door.getByRole('button', { name: 'Approve web' }).click();
  await expect(hosts.getByText('Connected with the shared token')).toBeVisible();
  await expect(door).toContainText('Nobody waits.');

  // A token by hand: shown once, and better than the shared one.
  await hosts.getByRole('button', { name: 'Make a token: web' }).click();
  await prove();
  const shown = dialog('Token for web');
  const token = (await shown.locator('code').first().textContent()) ?? '';
  await shown.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByText(token)).toHaveCount(0);
  shared.child.kill('SIGTERM');
  await shared.exit;
  const own = world.startAgent(web, dashboard, { NIXFLEET_TOKEN: token });
  await expect(hosts.getByText('Connected with its own token')).toBeVisible();

  // Whoever comes with the shared one is held, and shown.
  const thief = world.makeHost('web');
  world.startAgent(thief, dashboard);
  await expect(door).toContainText('web has a token of its own');

  // A code: the agent fetches its token by itself, and needs no approval.
  await page.getByRole('button', { name: 'New code' }).click();
  await dialog('New enrolment code').getByRole('textbox', { name: 'Host' }).fill('nas');
  await dialog('New enrolment code').getByRole('button', { name: 'Make a code' }).click();
  await prove();
  const coded = dialog('Enrolment code for nas');
  const code = (await coded.locator('code').first().textContent()) ?? '';
  await coded.getByRole('button', { name: 'I have it' }).click();
  world.startAgent(nas, dashboard, { NIXFLEET_TOKEN: '', NIXFLEET_ENROLMENT_CODE: code });
  await expect(hosts.getByText('Connected with its own token')).toHaveCount(2);

  // Revoking ends the connection at once; the agent can’t come back.
  await hosts.getByRole('button', { name: 'Revoke token of nas' }).click();
  await dialog('Revoke this token of nas?').getByRole('button', { name: 'Revoke' }).click();
  // With the shared token accepted, nas could be claimed by anybody who has that.
  await prove();
  await expect(hosts.getByText('Connected with its own token')).toHaveCount(1);
  expect(own.child.exitCode).toBeNull();
});

test('a version-1 agent is shown as one, and given its one command', async ({ page, world }) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  const call = async (path: string, body: object) => {
    const answer = await fetch(`${dashboard.url}/api/hosts/hsb0/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${AGENT_TOKEN}` },
      body: JSON.stringify(body),
      redirect: 'manual',
    });
    expect(answer.headers.get('content-type')).toBe('application/json');
    return (await answer.json()) as { command?: string | null };
  };
  const register = { hostname: 'hsb0', host_type: 'nixos', agent_version: '0.4.0-7c087d2', poll_interval: 30 };
  await call('register', register);
  await signInWithPassword(page, dashboard.url);
  const row = new FleetPage(page).row('hsb0');
  await expect(row).toBeVisible();
  await row.getByRole('button', { name: 'More for hsb0' }).click();
  await page.getByRole('menuitem', { name: /^Pull and switch/ }).click();
  await expect.poll(async () => (await call('register', register)).command).toBe('pull-switch');
  expect((await call('register', register)).command).toBeNull();
  await call('status', { status: 'error', output: 'Pull failed' });
  await expect(
    row.getByRole('button', { name: /^System: Error\. The version-1 agent reported an error/ }),
  ).toBeVisible();
  await expect(row.getByRole('button', { name: /^Pull and switch: failed/ })).toBeVisible();
  await page.goto(`${dashboard.url}/settings/hosts`);
  await expect(page.getByText('Version-1 agent', { exact: true })).toBeVisible();
  for (const path of ['nothing', 'register/more']) expect(await call(path, {})).toEqual({ detail: 'Not Found' });
});
