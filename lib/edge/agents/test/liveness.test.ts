/**
 * The event loop is blocked at the worst moment for longer than any liveness time-out, while peers in worker threads
 * keep sending. No agent, session or result may be lost.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUPLICATE_PROBE_MS } from '@/lib/fleet/agents/admission-rules';
import { wireHealth } from '@/lib/health/connect-health';
import { createMetricsRegistry } from '@/lib/metrics/create-metrics';
import { createHttpServer } from '../../http/http';
import { RequestCounts } from '../../http/request-counts';
import { createTestServer, TOKEN, type TestServer } from '../../testing/test-server';
import { holdLoop, Peer } from '../../testing/peer';
import { ShiftedClock } from '../../testing/shifted-clock';
import { ShiftedLoop } from '../../testing/shifted-loop';

const HOLD_MS = 12_000;
/** Shorter than the hold, longer than the probe. */
const SILENCE_MS = 9_000;
/** A pull ends as timed out after five minutes: five seconds are left. */
const PULL_AGE_MS = 5 * 60_000 - 5_000;
const frame = (type: string, payload: unknown) => JSON.stringify({ type, payload });
const QUIET = { generation: '3c9a808', pending_command: null, command_pid: null, metrics: null };

let server: TestServer;
let health: Server;
let echo: Worker;
let loop: ShiftedLoop;
let clock: ShiftedClock;
/** How much older the fleet is made than its connections are. */
let ageMs = 0;
let worstMoment: (() => void) | null = null;
const peers: Peer[] = [];

function dialAgent(hello: readonly string[] = []): Peer {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const peer = Peer.dial({ url: `ws://127.0.0.1:${server.port}/ws`, headers, hello });
  peers.push(peer);
  return peer;
}

function dialBrowser(): Peer {
  const headers = { cookie: 'session=session-1', origin: `http://127.0.0.1:${server.port}` };
  const peer = Peer.dial({
    url: `ws://127.0.0.1:${server.port}/live`,
    headers,
    hello: [JSON.stringify({ t: 'hello' })],
  });
  peers.push(peer);
  return peer;
}

async function registered(hostname: string): Promise<Peer> {
  const peer = dialAgent([frame('register', { hostname }), frame('heartbeat', QUIET)]);
  await peer.message('"registered"');
  return peer;
}

const pings = (peer: Peer) => peer.events.filter(({ kind }) => kind === 'ping').length;

beforeAll(async () => {
  loop = new ShiftedLoop();
  clock = new ShiftedClock();
  server = await createTestServer({
    clock: {
      now: () => clock.now(),
      after: (ms, callback) => clock.after(ms, callback),
      loop: {
        now: () => loop.now() + ageMs,
        after: (ms, callback) => loop.after(ms, callback),
        afterRead: (callback) => loop.afterRead(callback),
      },
    },
    loop,
    agentTuning: {
      silenceMs: SILENCE_MS,
      pingIntervalMs: 500,
      lifeCheckMs: 250,
      afterFrame(text) {
        if (!text.includes('intruder')) return;
        worstMoment?.();
        worstMoment = null;
      },
    },
    liveTuning: { silenceMs: SILENCE_MS, pingIntervalMs: 500, stuckMs: SILENCE_MS },
  });
  const counts = new RequestCounts();
  const parts = { ...server, metrics: createMetricsRegistry(), requests: counts, isStopping: () => false };
  const status = () => ({
    intervalMs: 0,
    folder: '',
    copyFolder: null,
    encrypted: false,
    runningSince: null,
    backups: [],
    problem: null,
    warnings: [],
    late: false,
  });
  health = createHttpServer({
    directRoutes: wireHealth({ ...parts, config: { dataDir: tmpdir(), metricsToken: null }, backups: { status } }),
    counts,
    machineEndpoints: [],
    origins: { baseUrl: null, allowedOrigins: [], machineNames: [] },
    agentCount: () => 0,
    trusts: () => false,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    handle: () => Promise.resolve(),
  });
  health.listen(0, '127.0.0.1');
  await once(health, 'listening');
  echo = new Worker(
    "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (it) => parentPort.postMessage(it));",
    { eval: true },
  );
});

afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.stop()));
  await echo.terminate();
  health.close();
  health.closeAllConnections();
  await server.close();
});

describe('after the event loop was blocked for twelve seconds', { timeout: 60_000 }, () => {
  let present: Peer;
  let pulling: Peer;
  let intruder: Peer;
  let page: Peer;
  let newPage: Peer;
  let commandId: string;
  let healthAnswer: Promise<[Buffer]>;

  beforeAll(async () => {
    present = await registered('h1');
    pulling = await registered('h2');
    page = dialBrowser();
    await page.message('"snapshot"');
    // A command that has five seconds left.
    const request = { operation: 'pull', hostIds: ['h2'], requestId: 'pull', force: true, by: server.by } as const;
    const [result] = await server.fleet.dispatch(request);
    if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
    ({ commandId } = result);
    await pulling.message('"pull"');
    ageMs += PULL_AGE_MS;
    clock.advance(PULL_AGE_MS);
    await server.until(async () => (await server.fleet.command(commandId))?.phase === 'warning');
    await Promise.all([present, pulling, page].map((peer) => peer.until('ping')));
    // A session whose look-up is under way: its answer comes from another thread.
    const isLookedUp = new Promise<void>((resolve) => {
      server.lookUpSessionsBy(async () => {
        const answer = once(echo, 'message');
        resolve();
        await answer;
        return { idHash: 'session-1', userId: 'operator' };
      });
    });
    newPage = dialBrowser();
    await isLookedUp;
    // A connection for /health that is open already.
    const { port } = health.address() as AddressInfo;
    const asking = connect({ port, host: '127.0.0.1' });
    await once(asking, 'connect');
    healthAnswer = once(asking, 'data') as Promise<[Buffer]>;
    intruder = dialAgent();
    await intruder.until('open');

    const held = new Promise<void>((resolve) => {
      worstMoment = () => {
        pulling.send(frame('status', { status: 'ok', command: 'pull', exit_code: 0, message: '' }));
        pulling.send(frame('heartbeat', QUIET));
        echo.postMessage('it is a good session');
        holdLoop(HOLD_MS);
        resolve();
      };
    });
    // It arrives, and the question after it: one poll reads both, and the loop is held between the two.
    intruder.sendHolding(frame('register', { hostname: 'h1', agent_version: 'intruder' }));
    asking.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    await held;
  });

  it('/health, requested meanwhile, reports ok', async () => {
    const [answer] = await healthAnswer;
    expect(answer.toString('latin1')).toContain('HTTP/1.1 200 OK');
  });

  it('a command whose deadline passed ends with the result that was still unread', async () => {
    await server.until(async () => ((await server.fleet.command(commandId))?.outcome ?? null) !== null);
    expect(await server.fleet.command(commandId)).toMatchObject({ outcome: 'unchanged', exitCode: 0 });
  });

  it('a session that was being looked up is accepted', async () => {
    await newPage.message('"snapshot"');
    expect(newPage.end).toBeNull();
  });

  it('agents and browsers that kept answering stay connected', async () => {
    const before = [present, pulling, page].map(pings);
    for (const [index, peer] of [present, pulling, page].entries()) {
      // The look after the hold was taken, and it found them alive.
      while (pings(peer) < (before[index] ?? 0) + 3 && peer.end === null) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    expect([present, pulling, page].map(({ end }) => end)).toEqual([null, null, null]);
    expect(['h1', 'h2'].map((id) => server.fleet.host(id)?.online)).toEqual([true, true]);
  });

  it('the connected agent keeps its place although another one claimed its name just before', async () => {
    loop.advance(DUPLICATE_PROBE_MS);
    for (let reads = 0; reads < 5; reads += 1) await new Promise((resolve) => loop.afterRead(() => resolve(null)));
    expect(server.fleet.heldAgents()).toMatchObject([{ name: 'h1', version: 'intruder', reason: 'duplicate' }]);
    const heldEvents = async () =>
      (await server.fleet.events({ limit: 200 })).filter(({ action }) => action === 'agent.held');
    await server.until(async () => (await heldEvents()).length > 0);
    expect(await heldEvents()).toMatchObject([{ hostId: server.fleet.host('h1')?.id ?? 'h1', hostName: 'h1' }]);
    expect(intruder.events.some(({ kind, value }) => kind === 'message' && String(value).includes('registered'))).toBe(
      false,
    );
    expect(present.end).toBeNull();
    expect((await server.fleet.events({ limit: 200 })).filter(({ action }) => action === 'agent.disconnected')).toEqual(
      [],
    );
  });
});
