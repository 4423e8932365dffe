/** Attacks on signing in and on sessions over HTTP: guessing, and cookies that are no longer good. */
import { once } from 'node:events';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { Database } from '@/lib/store/sqlite/driver';
import type { Dashboard } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { Authenticator } from './support/authenticator';
import { CONFIGURED, PASSWORD, PASSWORD_ONLY, TOTP_SECRET } from './support/operator';
import { signInForm } from './support/sign-in';
import { allActions, allRoutes } from './support/surface';
import { refusalOf } from '@/lib/protocol/http/request-refusals';

const GUESSES = 300;
/** Failures without a wait; after them, each wait is twice as long as the one before, from a second on. */
const FREE_FAILURES = 5;

test('hundreds of code guesses from as many addresses fail, while a known device can sign in', async ({ world }) => {
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_TRUSTED_PROXIES: '127.0.0.1' });
  await dashboard.start();
  const signIn = await signInForm(dashboard.url);
  const authenticator = new Authenticator(TOTP_SECRET);
  const owner = await signIn(PASSWORD, await authenticator.newCode(), { forwardedFor: '203.0.113.9' });
  expect(owner.error).toBeNull();
  const device = owner.cookies.split('; ').find((cookie) => cookie.startsWith('nixfleet.device='));
  expect(device).toBeDefined();

  const outcomes: string[] = [];
  const begin = performance.now();
  // Goes on where the present wait is nearly over, so that the account still waits below.
  for (let guess = 0; guess < GUESSES || /^throttled-[12]$/.test(outcomes.at(-1) ?? ''); guess += 1) {
    const code = String((guess * 3_331) % 1_000_000).padStart(6, '0');
    if (authenticator.mayAccept(code)) continue;
    // What stands at the left was made up; the proxy adds the right-most.
    const forwardedFor = `203.0.113.9, 198.51.${guess >> 8}.${guess & 255}`;
    const { error, url } = await signIn(PASSWORD, code, { forwardedFor });
    expect(url).toContain(dashboard.url);
    outcomes.push(error ?? 'signed in');
  }
  const refused = outcomes.filter((outcome) => outcome === 'refused').length;
  const tookS = (performance.now() - begin) / 1_000;
  expect(refused).toBeLessThanOrEqual(FREE_FAILURES + Math.floor(Math.log2(tookS + 1)));
  expect(outcomes.every((outcome) => /^refused$|^throttled-\d+$/.test(outcome))).toBe(true);

  // The account waits for everybody but the browser that signed in before.
  const code = await authenticator.newCode();
  expect((await signIn(PASSWORD, code, { forwardedFor: '192.0.2.1' })).error).toMatch(/^throttled-/);
  expect((await signIn(PASSWORD, code, { forwardedFor: '192.0.2.1', cookies: device })).error).toBeNull();
});

/** What a copy of a cookie opens: nothing, on any page, route, action or socket. */
async function expectNothingOpens(dashboard: Dashboard, cookie: string, what: string): Promise<void> {
  for (const { path, kind } of allRoutes()) {
    if (['/login', '/setup', '/icon.svg'].includes(path) || path.startsWith('/api/auth/')) continue;
    const response = await fetch(`${dashboard.url}${path}`, { redirect: 'manual', headers: { cookie } });
    if (kind === 'page') {
      expect([response.status, response.headers.get('location')], `${path}, ${what}`).toEqual([307, '/login']);
    } else {
      expect([401, 405], `${path}, ${what}`).toContain(response.status);
    }
  }
  for (const { id, name, path } of allActions()) {
    if (name.includes('setup/actions')) continue;
    const response = await fetch(`${dashboard.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: dashboard.url, 'next-action': id, 'content-type': 'text/plain;charset=UTF-8' },
      body: '[{}]',
    });
    expect([response.status, await response.text()], `${name}, ${what}`).toEqual([
      401,
      refusalOf('signed-out').sentence,
    ]);
  }
  expect(await dialLive(dashboard, cookie), what).toBe(401);
}

async function dialLive(dashboard: Dashboard, cookie: string): Promise<number | 'open'> {
  const socket = new WebSocket(`${dashboard.url.replace('http', 'ws')}/live`, {
    headers: { cookie, origin: dashboard.url },
  });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(() => 'open' as const);
  const refused = once(socket, 'unexpected-response').then(
    (args) => (args as [unknown, { statusCode: number }])[1].statusCode,
  );
  const result = await Promise.race([opened, refused]);
  socket.terminate();
  return result;
}

test('a stolen session cookie is useless after its session ends, expires or is idle; a device cookie never opens a session', async ({
  world,
}) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  const signIn = await signInForm(dashboard.url);
  const stolen: Record<string, string> = {};
  for (const what of ['signed out', 'run out', 'idle', 'good'] as const) {
    const { cookies } = await signIn(PASSWORD, '');
    stolen[what] = cookies;
    expect(await dialLive(dashboard, cookies)).toBe('open');
  }
  const sessionOf = (cookies = '') => cookies.split('; ').find((one) => one.startsWith('nixfleet.session=')) ?? '';
  const deviceOf = (cookies = '') => cookies.split('; ').find((one) => one.startsWith('nixfleet.device=')) ?? '';

  // As the browser signs out; the copy stays behind.
  const csrf = await fetch(`${dashboard.url}/api/auth/csrf`);
  const { csrfToken } = (await csrf.json()) as { csrfToken: string };
  const [csrfCookie = ''] = csrf.headers.getSetCookie().map((header) => header.split(';', 1)[0] ?? '');
  await fetch(`${dashboard.url}/api/auth/signout`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: dashboard.url, cookie: `${csrfCookie}; ${sessionOf(stolen['signed out'])}` },
    body: new URLSearchParams({ csrfToken, json: 'true', callbackUrl: dashboard.url }),
  });
  await expectNothingOpens(dashboard, sessionOf(stolen['signed out']), 'signed out');

  await dashboard.end('SIGTERM');
  const database = new Database(join(dashboard.folder, 'data', 'nixfleet.db'));
  const open = database.prepare<[], { id_hash: string }>(
    'SELECT id_hash FROM sessions WHERE revoked_at IS NULL ORDER BY created_at',
  );
  const [runOut, idle, good] = open.all();
  expect(good).toBeDefined();
  database.prepare('UPDATE sessions SET expires_at = ? WHERE id_hash = ?').run(Date.now() - 1, runOut?.id_hash);
  database
    .prepare('UPDATE sessions SET last_seen_at = ? WHERE id_hash = ?')
    .run(Date.now() - 13 * 3_600_000, idle?.id_hash);
  database.close();
  await dashboard.start();
  await expectNothingOpens(dashboard, sessionOf(stolen['run out']), 'run out');
  await expectNothingOpens(dashboard, sessionOf(stolen.idle), 'idle');
  await expectNothingOpens(dashboard, deviceOf(stolen.good), 'a device cookie');
  expect(await dialLive(dashboard, sessionOf(stolen.good))).toBe('open');
});
