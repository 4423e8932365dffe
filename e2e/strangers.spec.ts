/**
 * What whoever has no session can make the production server do. Every path and action of the build is tried, taken
 * from its manifests, with every kind of body that costs more to read than to send.
 */
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { PATH_RULES } from '@/lib/edge/http/request-rules';
import { Authenticator } from './support/authenticator';
import type { Dashboard } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { HOSTILE_BODIES, residentBytes, sendHostile, type HostileRequest } from './support/hostile';
import { CONFIGURED, PASSWORD, TOTP_SECRET } from './support/operator';
import { signInForm } from './support/sign-in';
import { allActions, allRoutes } from './support/surface';

const METRICS_TOKEN = 'a-token-for-prometheus';
const SETTINGS = { NIXFLEET_METRICS_TOKEN: METRICS_TOKEN, NIXFLEET_TRUSTED_PROXIES: '127.0.0.1' };
/** Refusals, and nothing else. */
const REFUSED = [400, 401, 403, 404, 405, 408, 410, 413, 415, 422];
/** Of the right form, made with a key of somebody else: has to be decrypted to be refused. */
const FORGED = `nixfleet.session=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.${'A'.repeat(240)}.AAAAAAAAAAAAAAAAAAAAAA`;
const MIB = 1024 * 1024;
/** What is thrown away of a refused body, what was read of it before, and what fills the buffers of a socket. */
const READ_AT_MOST = 2.5 * MIB;
const MEMORY_MARGIN = 150 * MIB;
const AT_ONCE = 8;

async function metrics({ url }: Dashboard): Promise<(name: string) => number> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  const lines = (await response.text()).split('\n');
  return (name) => Number(lines.find((line) => line.startsWith(`nixfleet_${name} `))?.split(' ')[1]);
}

/** Asks for /health on separate connections until the work is over. Gives how often it answered. */
async function healthBeside<T>({ url }: Dashboard, work: Promise<T>): Promise<{ result: T; answers: number }> {
  const state = { isOver: false };
  let answers = 0;
  const over = work.finally(() => (state.isOver = true));
  do {
    const response = await fetch(`${url}/health`, { headers: { connection: 'close' } });
    expect([response.status, await response.text()]).toEqual([200, '{"status":"ok"}']);
    answers += 1;
  } while (!state.isOver);
  return { result: await over, answers };
}

/** So many requests at a time; each comes from a separate address, so that none is refused for being one too many. */
async function sendAll(port: number, requests: readonly HostileRequest[]): Promise<(number | null)[]> {
  const statuses: (number | null)[] = [];
  const queue = requests.map((request, index) => ({ request, index }));
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { request, index } = next;
        const address = `198.51.${100 + (index >> 8)}.${index & 255}`;
        const headers = { ...request.headers, 'x-forwarded-for': address };
        statuses[index] = await sendHostile(port, { ...request, headers });
      }
    }),
  );
  return statuses;
}

/** Each path that answers, and each action at the pages that carry it and at those that everybody reaches. */
function targets(): { what: string; path: string; headers: Record<string, string> }[] {
  const paths = new Set([
    ...allRoutes().map(({ path }) => path),
    '/api/auth/callback/credentials',
    '/api/auth/signout',
    '/api/auth/session',
    '/api/hosts/h1/register',
    '/api/hosts/h1/status',
    '/api/agents/enrol',
    '/health',
    '/metrics',
    '/logout',
    '/api/dispatch',
    '/api/hosts/h1/command',
    '/_next/static/chunks/a.js',
    '/no/such/page',
  ]);
  return [
    ...[...paths].map((path) => ({ what: path, path, headers: {} })),
    ...allActions().flatMap(({ id, name, path }) =>
      [...new Set([path, '/login', '/setup'])].map((page) => ({
        what: `${name} at ${page}`,
        path: page,
        headers: { 'next-action': id },
      })),
    ),
  ];
}

test('every page, route and action of the build has a rule', () => {
  expect(allRoutes().length).toBeGreaterThan(15);
  for (const { pattern } of allRoutes()) expect(Object.keys(PATH_RULES), pattern).toContain(pattern);
  expect(allActions().length).toBeGreaterThan(20);
  for (const { name, pattern } of allActions()) {
    const post = PATH_RULES[pattern]?.post;
    expect(post?.kind, name).toBe('action');
    // Whoever adds an action that needs no session decides it here.
    expect(post?.session, name).toBe(name !== 'app/(auth)/setup/actions.ts completeSetup');
  }
});

test('without a session, only a few KB of any request to any path are parsed', async ({ world }) => {
  const dashboard = world.makeDashboard(SETTINGS);
  await dashboard.start();
  const port = Number(new URL(dashboard.url).port);
  // What a first look loads is there before memory is measured.
  for (const path of ['/login', '/setup', '/api/auth/csrf']) await fetch(`${dashboard.url}${path}`);
  const lines = dashboard.lines.length;
  const atFirst = await metrics(dashboard);
  const memory = residentBytes(dashboard.pid);
  const everything = targets();

  for (const [kind, { type, body }] of Object.entries(HOSTILE_BODIES)) {
    for (const cookie of ['', FORGED]) {
      const requests = everything.map(({ path, headers }) => ({
        method: 'POST',
        path,
        headers: { ...headers, 'content-type': type, cookie },
        body,
      }));
      const before = await metrics(dashboard);
      const { result, answers } = await healthBeside(dashboard, sendAll(port, requests));
      const after = await metrics(dashboard);
      expect(answers, `${kind}: /health`).toBeGreaterThan(1);
      for (const [index, status] of result.entries()) {
        const what = `${kind}, ${everything[index]?.what ?? ''}, ${cookie === '' ? 'no cookie' : 'a forged one'}`;
        // A client that sends on without end may have its answer cut off with the connection.
        if (status === null && (body === null || body.length > MIB)) continue;
        // Wrong tokens of agents make their address wait.
        const isOfAgents = everything[index]?.path.startsWith('/api/hosts/');
        expect(isOfAgents ? [...REFUSED, 429] : REFUSED, `${what}: ${status}`).toContain(status);
      }
      const read = after('socket_read_bytes_total') - before('socket_read_bytes_total');
      const sent = body === null ? Infinity : body.length + 4_096;
      expect(read / requests.length, `${kind}: bytes read`).toBeLessThan(Math.min(sent, READ_AT_MOST) + 64 * 1024);
      for (const passed of ['with', 'without']) {
        const name = `requests_passed_total{body="${passed}_body"}`;
        expect(after(name), `${kind}: handed to Next`).toBe(atFirst(name));
      }
    }
  }
  const atLast = await metrics(dashboard);
  for (const reason of [
    'malformed',
    'too-deep',
    'too-many-values',
    'signed-out',
    'unknown-path',
    'unknown-action',
    'wrong-method',
    'gone',
    'too-large',
    'wrong-type',
  ]) {
    expect(atLast(`requests_refused_total{reason="${reason}"}`), reason).toBeGreaterThan(0);
  }
  expect(residentBytes(dashboard.pid) - memory, 'memory').toBeLessThan(MEMORY_MARGIN);
  expect(dashboard.lines.slice(lines), 'the log').toEqual([]);
});

test('bodies on read requests and unknown methods are refused at every path', async ({ world }) => {
  const dashboard = world.makeDashboard(SETTINGS);
  await dashboard.start();
  const port = Number(new URL(dashboard.url).port);
  const paths = [...new Set(targets().map(({ path }) => path))];
  for (const [method, headers, expected] of [
    ['GET', {}, [400]],
    ['HEAD', {}, [400]],
    ['OPTIONS', {}, [404, 405, 410]],
    ['TRACE', {}, [404, 405, 410]],
    ['PUT', {}, [404, 405, 410]],
    ['DELETE', {}, [404, 405, 410]],
  ] as const) {
    for (const body of [Buffer.alloc(900_000, '['), null]) {
      const requests = paths.map((path) => ({ method, path, headers, body }));
      for (const [index, status] of (await sendAll(port, requests)).entries()) {
        if (status === null && body === null) continue;
        expect(expected, `${method} ${paths[index] ?? ''}: ${status}`).toContain(status);
      }
    }
  }
  const read = await metrics(dashboard);
  expect(read('requests_passed_total{body="with_body"}')).toBe(0);
  expect(read('requests_passed_total{body="without_body"}')).toBe(0);
});

test('the dashboard waits for a missing body only briefly, on few paths, and without blocking others', async ({
  world,
}) => {
  const dashboard = world.makeDashboard({ ...SETTINGS, ...CONFIGURED });
  await dashboard.start();
  const port = Number(new URL(dashboard.url).port);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const action = { 'content-type': 'text/plain' };
  const slow = targets().map(({ path, headers }) => ({
    method: 'POST',
    path,
    headers: { ...headers, ...(path.startsWith('/api/auth') ? form : action) },
    body: Buffer.alloc(100, ' '),
    sends: 1,
  }));
  const sending = Promise.all(
    slow.map((request, index) => {
      const headers = { ...request.headers, 'x-forwarded-for': `198.51.100.${index}` };
      return sendHostile(port, { ...request, headers });
    }),
  );
  // While they hang, the operator signs in.
  const { error } = await (
    await signInForm(dashboard.url)
  )(PASSWORD, await new Authenticator(TOTP_SECRET).newCode(), { forwardedFor: '203.0.113.1' });
  expect(error).toBeNull();
  const statuses = await sending;
  for (const [index, status] of statuses.entries()) expect(REFUSED, slow[index]?.path).toContain(status);
  // Everywhere else the headers are enough for an answer.
  const waitedFor = slow.filter((_, index) => statuses[index] === 408).map(({ path }) => path);
  expect(waitedFor.sort()).toEqual([
    '/api/agents/enrol',
    '/api/auth/callback/credentials',
    '/api/auth/signout',
    '/setup',
  ]);
});

test('expensive requests without a body are refused, cut or queued', async ({ world }) => {
  const dashboard = world.makeDashboard(SETTINGS);
  await dashboard.start();
  const port = Number(new URL(dashboard.url).port);
  const pid = dashboard.pid;
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
  /** Sends it on a separate connection; gives the statuses of the answers, once the connection has ended. */
  const send = async (text: string): Promise<string[]> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString('latin1')));
    await once(socket, 'connect');
    socket.write(text);
    if (!socket.closed) await once(socket, 'close');
    return received.match(/(?<=^HTTP\/1\.1 )\d+/gm) ?? [];
  };
  const last = 'connection: close\r\n';
  const longAgent = `user-agent: ${'x'.repeat(15_000)}\r\n${last}`;
  const before = residentBytes(pid);
  const paths = ['/login', '/setup', '/no/such/page', '/api/auth/csrf', '/icon.svg'];
  const { result } = await healthBeside(
    dashboard,
    Promise.all([
      ...paths.map((path) => send(get(path, longAgent))),
      ...paths.map((path) => send(get(`${path}?${'a&'.repeat(7_000)}`, last))),
      ...paths.map((path) => send(get(path).repeat(1_000))),
    ]),
  );
  // Answered as ever.
  expect(result.slice(0, 5).every(([status]) => status === '200' || status === '404')).toBe(true);
  expect(result.slice(5, 10)).toEqual(paths.map(() => ['414']));
  // One at a time: at most what was answered before the next one came.
  for (const statuses of result.slice(10)) expect(statuses.length).toBeLessThan(3);

  // Many connections with one request each: each is answered, with the page or with a word to come back.
  const many = await healthBeside(dashboard, Promise.all(Array.from({ length: 500 }, () => send(get('/login', last)))));
  expect(many.answers).toBeGreaterThan(2);
  expect(new Set(many.result.map(([status]) => status))).toEqual(new Set(['200', '503']));
  expect(residentBytes(pid) - before).toBeLessThan(MEMORY_MARGIN);
  // Nothing is left open of what was begun for clients that have gone.
  const files = () => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  await expect.poll(() => files().filter((file) => file.includes('.next/static')).length).toBe(0);
});

/** Where a link leads; empty once it is gone. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

test('the largest dispatch of a page reaches its action', async ({ world }) => {
  const dashboard = world.makeDashboard({ ...SETTINGS, ...CONFIGURED });
  await dashboard.start();
  const { cookies, error } = await (
    await signInForm(dashboard.url)
  )(PASSWORD, await new Authenticator(TOTP_SECRET).newCode());
  expect(error).toBeNull();
  const id = allActions().find(({ name }) => name.endsWith(' dispatchOperation'))?.id ?? '';
  const names = Array.from({ length: 5_000 }, (_, index) => `${'h'.repeat(58)}${String(index).padStart(5, '0')}`);
  const send = async (hostIds: readonly string[]) => {
    const response = await fetch(`${dashboard.url}/`, {
      method: 'POST',
      headers: {
        cookie: cookies,
        origin: dashboard.url,
        'next-action': id,
        accept: 'text/x-component',
        'content-type': 'text/plain;charset=UTF-8',
      },
      body: JSON.stringify([{ operation: 'pull', hostIds, requestId: 'a'.repeat(32), force: false }]),
    });
    return { status: response.status, text: await response.text() };
  };
  const whole = await send(names);
  expect(whole.status).toBe(200);
  expect(whole.text.match(/"unknown-host"/g)).toHaveLength(5_000);
  // One that no page sends is refused with a message, and the session continues.
  const refused = await send([...names, ...names]);
  expect([refused.status, refused.text]).toEqual([413, expect.stringContaining('larger than')]);
  expect((await send(names.slice(0, 1))).status).toBe(200);
});
