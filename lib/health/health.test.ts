/** Health and metrics over real HTTP, of a dashboard with real gateways, fleet and database. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackupStatus } from '@/lib/store/backup/backup-service';
import { createMetricsRegistry, type MetricsRegistry } from '@/lib/metrics/create-metrics';
import { createHttpServer } from '@/lib/edge/http/http';
import { RequestCounts } from '@/lib/edge/http/request-counts';
import { createTestServer, type TestServer } from '@/lib/edge/testing/test-server';
import { MAX_TICK_AGE_MS, readiness } from './health-report';
import { wireHealth } from './connect-health';

const TOKEN = 'a-token-for-prometheus';

let fleetServer: TestServer;
let metrics: MetricsRegistry;
let server: Server;
let stopping: boolean;
let backups: BackupStatus;

async function serve(metricsToken: string | null): Promise<void> {
  const counts = new RequestCounts();
  const directRoutes = wireHealth({
    ...fleetServer,
    config: { dataDir: tmpdir(), metricsToken },
    backups: { status: () => backups },
    metrics,
    requests: counts,
    isStopping: () => stopping,
  });
  server = createHttpServer({
    directRoutes,
    counts,
    machineEndpoints: [],
    origins: { baseUrl: null, allowedOrigins: [], machineNames: [] },
    agentCount: () => 0,
    trusts: () => false,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    handle: (_request, response) => Promise.resolve(void response.end('a page')),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

beforeEach(async () => {
  metrics = createMetricsRegistry();
  fleetServer = await createTestServer({ meter: (store) => metrics.meter(store) });
  stopping = false;
  backups = {
    intervalMs: 86_400_000,
    folder: '/backups',
    copyFolder: null,
    encrypted: false,
    runningSince: null,
    backups: [{ file: 'one', bytes: 4_096, createdAt: Date.now() - 5_000, encrypted: false, version: '4.0.0' }],
    problem: null,
    warnings: [],
    late: false,
  };
});

afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await fleetServer.close();
});

async function get(path: string, init: RequestInit = {}): Promise<{ status: number; text: string; headers: Headers }> {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** The report, as a bearer of the metrics token gets it. */
const getReport = () => get('/health/ready', { headers: { authorization: `Bearer ${TOKEN}` } });
const scrape = async () => (await get('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })).text;

it('answers /health as container engines and agents expect, without a session', async () => {
  await serve(null);
  const { status, text, headers } = await get('/health');
  expect(status).toBe(200);
  expect(text).toBe('{"status":"ok"}');
  expect(headers.get('cache-control')).toBe('no-store');
  expect((await get('/health?from=engine')).status).toBe(200);
  expect(await get('/health', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  expect((await get('/health', { method: 'POST' })).status).toBe(405);
  expect((await get('/healthy')).text).toBe('a page');
});

it('is unhealthy while it stops, or when the fleet’s clock stands still although HTTP answers', async () => {
  await serve(null);
  stopping = true;
  expect(await get('/health')).toMatchObject({ status: 503, text: '{"status":"stopping"}' });
  stopping = false;
  await fleetServer.fleet.stop();
  const stood = fleetServer.fleet.vitals();
  fleetServer.fleet.vitals = () => ({ ...stood, tickAgeMs: MAX_TICK_AGE_MS + 1 });
  expect(await get('/health')).toMatchObject({ status: 503, text: '{"status":"stuck"}' });
});

it('gives requests without the token only the status at /health/ready', async () => {
  await serve(TOKEN);
  expect(await get('/health/ready')).toMatchObject({ status: 200, text: '{"status":"ready"}' });
  const wrong = await get('/health/ready', { headers: { authorization: 'Bearer a-guess' } });
  expect(wrong).toMatchObject({ status: 200, text: '{"status":"ready"}' });
});

it('tells everybody only the status at /health/ready without a configured token', async () => {
  await serve(null);
  const none = await get('/health/ready', { headers: { authorization: 'Bearer null' } });
  expect(none).toMatchObject({ status: 200, text: '{"status":"ready"}' });
});

it('reports its checks at /health/ready to the metrics token, without names, paths and secrets', async () => {
  await fleetServer.registeredAgent('alpha');
  await serve(TOKEN);
  const { status, text } = await getReport();
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({
    status: 'ready',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as unknown,
    checks: {
      fleet: { ok: true },
      database: { ok: true, migrations: expect.any(Number) as unknown },
      disk: { ok: true },
      backups: { ok: true, newest_age_seconds: 5, newest_bytes: 4_096 },
      desired_state: { ok: true, source: 'none' },
    },
  });
  for (const secret of ['alpha', tmpdir(), '/backups', 'a-token-for-tests']) expect(text).not.toContain(secret);
});

it('is degraded, and still answers 200, when backups or the desired state have a problem', async () => {
  backups = { ...backups, problem: 'the disk is full' };
  await serve(TOKEN);
  expect((await get('/health/ready')).text).toBe('{"status":"degraded"}');
  const { status, text } = await getReport();
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ status: 'degraded', checks: { backups: { ok: false } } });
  expect(text).not.toContain('the disk is full');
});

it('is failing while the database refuses writes, and ready again afterwards', async () => {
  await serve(TOKEN);
  fleetServer.db.$client.pragma('query_only = ON');
  expect(await get('/health/ready')).toMatchObject({ status: 503, text: '{"status":"failing"}' });
  const refused = await getReport();
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.text)).toMatchObject({ status: 'failing', checks: { database: { ok: false } } });
  // The last answer stands for a while: each look is a durable write.
  fleetServer.db.$client.pragma('query_only = OFF');
  expect((await get('/health/ready')).status).toBe(503);
  // It is still alive: a restart would not help.
  expect((await get('/health')).status).toBe(200);
});

it('reports a late desired state and a full disk', () => {
  const now = 10_000_000;
  const facts = {
    now,
    isStopping: false,
    version: '4.0.0',
    vitals: fleetServer.fleet.vitals(),
    hubBeatAgeMs: 0,
    databaseIsWritable: true,
    migrations: 2,
    freeBytes: 10 ** 9,
    backups: { newest: null, isWrong: false },
    desired: fleetServer.desired.state,
  };
  const alive = { ...facts, vitals: { ...facts.vitals, tickAgeMs: 0 } };
  expect(readiness(alive).status).toBe('ready');
  expect(readiness({ ...alive, freeBytes: 1_000 }).status).toBe('degraded');
  const failing = { ...facts.desired, error: { message: 'no route', since: now - 3_600_000 } };
  expect(readiness({ ...alive, desired: failing }).status).toBe('degraded');
  expect(readiness({ ...alive, hubBeatAgeMs: MAX_TICK_AGE_MS + 1 }).status).toBe('failing');
});

it('has no /metrics without a configured token, and requires the right one', async () => {
  await serve(null);
  expect((await get('/metrics')).status).toBe(404);
  server.close();
  metrics = createMetricsRegistry();
  await serve(TOKEN);
  const without = await get('/metrics');
  expect(without.status).toBe(401);
  expect(without.headers.get('www-authenticate')).toContain('Bearer');
  for (const authorization of ['Bearer wrong', `Basic ${TOKEN}`, TOKEN, 'Bearer ']) {
    const wrong = await get('/metrics', { headers: { authorization } });
    expect(wrong.status).toBe(401);
    expect(wrong.text).not.toContain('nixfleet_');
  }
  expect((await get('/metrics', { headers: { authorization: `bearer ${TOKEN}` } })).status).toBe(200);
});

it('speaks the text format of Prometheus, with each series once and names from closed lists', async () => {
  await fleetServer.registeredAgent('alpha');
  await fleetServer.browser();
  await serve(TOKEN);
  const text = await scrape();
  const series = new Set<string>();
  const typed = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE (\S+) (?:counter|gauge|histogram|summary)$/.exec(line);
    if (type) {
      expect(typed.has(type[1] ?? '')).toBe(false);
      typed.add(type[1] ?? '');
      continue;
    }
    const [, name, value] =
      /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+\})?) (-?[\d.eE+-]+|[+-]Inf|[Nn]a[Nn])$/.exec(
        line,
      ) ?? [];
    expect(name, line).toBeDefined();
    // Node's own histogram of the event loop is empty at first, which prom-client writes as Nan.
    if (line.startsWith('nixfleet_')) expect(Number.isNaN(Number(value)), line).toBe(false);
    expect(series.has(name ?? ''), line).toBe(false);
    series.add(name ?? '');
  }
  expect(text).toContain('nixfleet_agents{state="connected"} 1');
  expect(text).toContain('nixfleet_agents{state="held"} 0');
  expect(text).toContain('nixfleet_hosts{state="online"} 1');
  expect(text).toContain('nixfleet_browsers 1');
  expect(text).toContain('nixfleet_database_refuses 0');
  expect(text).toContain('nixfleet_commands_ended_total{outcome="succeeded"} 0');
  expect(text).toContain('nixfleet_queue_length{queue="unstored"} 0');
  expect(text).toMatch(/nixfleet_heartbeat_lag_seconds\{quantile="1"\} [\d.]+/);
  expect(text).toMatch(/nixfleet_database_commit_seconds_count [1-9]/);
  expect(text).toMatch(/nodejs_eventloop_lag_p99_seconds [\d.]+/);
  expect(text).not.toContain('alpha');
  expect(await scrape()).toContain('nixfleet_agents{state="connected"} 1');
});

it('counts refused requests by reason, and the bytes read of them', async () => {
  await serve(TOKEN);
  expect(
    (await get('/', { method: 'POST', body: 'x'.repeat(100), headers: { origin: 'http://evil.example' } })).status,
  ).toBe(403);
  const text = await scrape();
  expect(text).toContain('nixfleet_requests_refused_total{reason="foreign-origin"} 1');
  expect(text).toContain('nixfleet_requests_refused_total{reason="too-large"} 0');
  expect(text).toContain('nixfleet_request_body_bytes_total 100');
  expect(text).toMatch(/nixfleet_socket_read_bytes_total [1-9]\d\d/);
  expect(await scrape()).toContain('nixfleet_requests_refused_total{reason="foreign-origin"} 1');
});

it('shows the use of each limit, by its name only', async () => {
  await fleetServer.registeredAgent('alpha');
  await fleetServer.agent();
  await fleetServer.agent();
  await serve(TOKEN);
  const text = await scrape();
  expect(text).toContain('nixfleet_limit_used{limit="agents_unregistered"} 2');
  expect(text).toContain('nixfleet_limit_max{limit="agents_unregistered"} 4096');
  expect(text).toContain('nixfleet_limit_refused_total{limit="agents_unregistered"} 0');
  expect(text).toContain('nixfleet_limit_used{limit="hosts"} 1');
  const ids = [...text.matchAll(/nixfleet_limit_used\{limit="([^"]*)"\}/g)].map(([, id]) => id);
  expect(ids).toEqual(['agents_unregistered', 'agents_held', 'hosts', 'browsers', 'pending_upgrades', 'enrolments']);
  expect(fleetServer.limits.read()[0]?.by).toEqual([{ who: '127.0.0.1', count: 2 }]);
  expect(text).not.toContain('127.0.0.1');
  // A counter that is read again is no sum of its readings.
  expect(await scrape()).toContain('nixfleet_limit_refused_total{limit="agents_unregistered"} 0');
});

it('counts how commands end and what the database refuses', async () => {
  const agent = await fleetServer.registeredAgent('alpha');
  await serve(TOKEN);
  await fleetServer.fleet.dispatch({
    operation: 'pull',
    hostIds: ['alpha'],
    requestId: '1'.repeat(32),
    force: true,
    by: fleetServer.by,
  });
  await agent.inbox.find(({ type }) => type === 'command');
  agent.send('command_rejected', { reason: 'busy with something else' });
  const browser = await fleetServer.browser();
  await browser.until(({ hosts }) => hosts[0]?.lastCommand?.outcome === 'rejected');
  expect(await scrape()).toContain('nixfleet_commands_ended_total{outcome="rejected"} 1');

  fleetServer.db.$client.pragma('query_only = ON');
  await fleetServer.fleet.dispatch({
    operation: 'pull',
    hostIds: ['alpha'],
    requestId: '2'.repeat(32),
    force: true,
    by: fleetServer.by,
  });
  const text = await scrape();
  expect(text).toContain('nixfleet_database_refuses 1');
  expect(text).toMatch(/nixfleet_database_refusals_total [1-9]/);
  fleetServer.db.$client.pragma('query_only = OFF');
});
