/** A scan of every kind of response of the production server: each carries the headers, once. */
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { expect, test } from './support/fixtures';
import { Authenticator } from './support/authenticator';
import { CONFIGURED, PASSWORD, TOTP_SECRET } from './support/operator';
import { signInForm } from './support/sign-in';
import { allActions, allRoutes } from './support/surface';

/** For the one sign-in of a dashboard. */
const code = () => new Authenticator(TOTP_SECRET).newCode();

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Names as sent: a repeated header appears twice. */
  rawNames: string[];
}

async function ask(url: string, method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, headers });
  sent.end(method === 'POST' ? '[{}]' : undefined);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  const rawNames = response.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return { status: response.statusCode ?? 0, headers: response.headers, rawNames };
}

const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

function expectHeaders({ headers, rawNames }: Answer, what: string, https = false): void {
  expect(headers, what).toMatchObject(ALWAYS);
  expect(headers['permissions-policy'], what).toContain('camera=()');
  const policy = String(headers['content-security-policy']);
  expect(policy, what).toContain("frame-ancestors 'none'");
  expect(policy, what).toMatch(/^default-src '(self|none)'; /);
  expect(policy, what).not.toMatch(/unsafe|\*|https?:/);
  expect(headers['x-powered-by'], what).toBeUndefined();
  expect(headers['strict-transport-security'], what).toBe(https ? 'max-age=31536000' : undefined);
  const named = [...Object.keys(ALWAYS), 'permissions-policy', 'content-security-policy', 'strict-transport-security'];
  for (const name of named) expect(rawNames.filter((raw) => raw === name).length, `${name}, ${what}`).toBeLessThan(2);
}

test('every response has the security headers: pages, files, errors, redirects, refusals, health', async ({
  world,
}) => {
  const dashboard = world.makeDashboard(CONFIGURED);
  await dashboard.start();
  const { url } = dashboard;
  const { cookies, error } = await (await signInForm(url))(PASSWORD, await code());
  expect(error).toBeNull();
  const [chunk = ''] = readdirSync('.next/static/chunks').filter((name) => name.endsWith('.js'));
  expect(chunk).not.toBe('');
  const paths = [
    ...allRoutes().map(({ path }) => path),
    `/_next/static/chunks/${chunk}`,
    '/_next/static/chunks/no-such-file.js',
    '/_next/image?url=%2Ficon.svg&w=64&q=75',
    '/_next/data/anything/index.json',
    '/health',
    '/ws',
    '/live',
    '/no/such/page',
    '/favicon.ico',
    '/robots.txt',
    '/%c0%80',
    '/..%2f..%2fetc%2fpasswd',
    '//evil.example/',
    '/login?callbackUrl=https://evil.example',
    `/${'x'.repeat(4_000)}`,
  ];
  const statuses = new Set<number>();
  for (const path of paths) {
    for (const cookie of ['', cookies]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const answer = await ask(url, method, path, { cookie });
        statuses.add(answer.status);
        // Nobody has to ask what a page accepts: no other site may send anything. What is no address comes first.
        const refused = path.startsWith('//') ? 400 : path.length > 2_048 ? 414 : 405;
        if (method === 'OPTIONS') expect([answer.status, path], 'OPTIONS').toEqual([refused, path]);
        expectHeaders(answer, `${method} ${path.slice(0, 80)} (${answer.status})`);
        const location = answer.headers.location ?? '/';
        expect(new URL(location, url).origin, `${path} leads elsewhere`).toBe(url);
      }
    }
  }
  const posts: [string, Record<string, string>][] = [
    ['an action', { 'next-action': allActions()[0]?.id ?? '' }],
    ['an action that does not exist', { 'next-action': '0'.repeat(42) }],
    ['another site', { origin: 'https://evil.example' }],
    ['no origin', { origin: 'null' }],
  ];
  for (const [what, headers] of posts) {
    const answer = await ask(url, 'POST', '/', {
      cookie: cookies,
      origin: url,
      'content-type': 'text/plain;charset=UTF-8',
      ...headers,
    });
    statuses.add(answer.status);
    expectHeaders(answer, `POST by ${what} (${answer.status})`);
  }
  for (const path of [
    '/api/auth/signin/credentials',
    '/api/auth/session',
    '/api/auth/callback/credentials',
    '/nowhere',
  ]) {
    expectHeaders(await ask(url, 'POST', path, { origin: url }), `POST ${path}`);
    expectHeaders(await ask(url, 'TRACE', path), `TRACE ${path}`);
  }
  // The scan met what it is about.
  for (const status of [200, 307, 401, 403, 404, 405])
    expect([...statuses], `a response with ${status}`).toContain(status);
});

test('behind TLS, cookies are Secure and bound to the host, and HSTS is set', async ({ world }) => {
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_BASE_URL: 'https://fleet.example.org' });
  await dashboard.start();
  for (const path of ['/', '/login', '/health', '/icon.svg', '/no/such/page']) {
    expectHeaders(await ask(dashboard.url, 'GET', path, { host: 'fleet.example.org' }), path, true);
  }
  const csrf = await fetch(`${dashboard.url}/api/auth/csrf`);
  const { csrfToken } = (await csrf.json()) as { csrfToken: string };
  const cookie = csrf.headers
    .getSetCookie()
    .map((header) => header.split(';', 1)[0])
    .join('; ');
  const response = await fetch(`${dashboard.url}/api/auth/callback/credentials`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: 'https://fleet.example.org', cookie },
    body: new URLSearchParams({ csrfToken, password: PASSWORD, code: await code(), json: 'true', callbackUrl: '/' }),
  });
  expect(await response.json()).toEqual({ url: 'https://fleet.example.org/' });
  const set = [...csrf.headers.getSetCookie(), ...response.headers.getSetCookie()];
  expect(set.map((header) => header.split('=', 1)[0])).toEqual(
    expect.arrayContaining(['__Host-nixfleet.csrf', '__Host-nixfleet.session', '__Host-nixfleet.device']),
  );
  for (const header of set) {
    expect(header).toMatch(/^__Host-/);
    for (const attribute of ['HttpOnly', 'Secure', 'Path=/']) expect(header).toContain(attribute);
    expect(header).toMatch(/SameSite=(Lax|Strict)/i);
    expect(header).not.toContain('Domain');
  }
  // A page of the same name without TLS, which somebody on the way may have written, does nothing.
  const plain = await fetch(`${dashboard.url}/`, {
    method: 'POST',
    headers: { origin: 'http://fleet.example.org' },
  });
  expect(plain.status).toBe(403);
});

test('the addresses of sign-in are those of the browser, with and without a public address', async ({ world }) => {
  const open = world.makeDashboard(CONFIGURED);
  const named = world.makeDashboard({ ...CONFIGURED, NIXFLEET_BASE_URL: 'https://fleet.example.org' });
  for (const [dashboard, origin] of [
    [open, null],
    [named, 'https://fleet.example.org'],
  ] as const) {
    await dashboard.start();
    const response = await fetch(`${dashboard.url}/api/auth/providers`);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).not.toContain('localhost:3000');
    const providers = Object.values(JSON.parse(text) as Record<string, { signinUrl: string; callbackUrl: string }>);
    expect(providers).not.toEqual([]);
    for (const { signinUrl, callbackUrl } of providers) {
      for (const address of [signinUrl, callbackUrl]) expect(new URL(address).origin).toBe(origin ?? dashboard.url);
    }
  }
});
