import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createDashboardConnection,
  FIRST_DELAY_MS,
  PING_INTERVAL_MS,
  SILENCE_TIMEOUT_MS,
  type DashboardConnection,
  type DashboardConnectionOptions,
  type RegisterFrame,
} from './connection';
import { createAgentLog } from './log';
import { BASE_FRAMES } from '@/lib/protocol/agent/accepts';
import { startTestDashboard, TEST_TOKEN, type TestDashboard } from './testing/dashboard';

let dashboard: TestDashboard;
let connection: DashboardConnection;
let written: string[];

beforeEach(async () => {
  dashboard = await startTestDashboard();
  written = [];
});
afterEach(async () => {
  vi.useRealTimers();
  await connection.close('test');
  await dashboard.stop();
});

function connect(more: Partial<DashboardConnectionOptions> = {}): void {
  const register: RegisterFrame = { type: 'register', payload: { hostname: 'h1', protocol: 3 } };
  connection = createDashboardConnection({
    url: dashboard.url,
    token: () => Promise.resolve(TEST_TOKEN),
    onTokenRefused: () => undefined,
    userAgent: 'test',
    log: createAgentLog('debug', undefined, (line) => {
      written.push(line);
      dashboard.changed();
    }),
    register: () => Promise.resolve(register),
    onRegistered: () => dashboard.changed(),
    onFrame: () => undefined,
    onDrain: () => undefined,
    random: () => 0,
    ...more,
  });
  connection.start();
}

describe('connection', () => {
  it('reconnects after silence; answered pings count as a sign of life', async () => {
    // Fake timers, so that no answer is late on a slow machine.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    connect();
    await dashboard.until('registered', () => connection.ready());
    // Pongs alone keep the connection open for several times the limit.
    for (let count = 1; count * PING_INTERVAL_MS < 4 * SILENCE_TIMEOUT_MS; count++) {
      vi.advanceTimersByTime(PING_INTERVAL_MS);
      await dashboard.until('a ping', () => dashboard.pings() === count);
    }
    expect(dashboard.connections()).toBe(1);
    await connection.close('test');
    connect({ pingIntervalMs: 2 * SILENCE_TIMEOUT_MS });
    await dashboard.until('registered again', () => connection.ready());
    vi.advanceTimersByTime(SILENCE_TIMEOUT_MS);
    await dashboard.until('the next attempt', () => written.some((line) => line.includes('reconnecting in')));
    expect(written.join('')).toContain('nothing received from the dashboard');
    vi.advanceTimersByTime(FIRST_DELAY_MS);
    await dashboard.until('the reconnect', () => dashboard.connections() === 3);
  });

  it('logs that it is not admitted, once for a connection that gets no answer', async () => {
    dashboard.settings.answer = false;
    connect({ admissionNoticeMs: 1 });
    const notices = () => written.filter((line) => line.includes('has not admitted this host as "h1"'));
    await dashboard.until('the notice', () => notices().length === 1);
    dashboard.send('registered', { host_id: 'h1' });
    await dashboard.until('registered', () => connection.ready());
    expect(notices()).toHaveLength(1);
  });

  it('ignores frames that it does not understand', async () => {
    connect();
    await dashboard.until('registered', () => connection.ready());
    dashboard.send('tomorrow', { x: 1 });
    dashboard.send('command', { command: 5 });
    dashboard.send('registered', { host_id: 'h', protocol: 3, later: true });
    connection.send({ type: 'heartbeat', payload: { generation: 'g' } });
    await dashboard.frame('heartbeat');
    expect(dashboard.connections()).toBe(1);
  });

  it('never follows a redirect, and logs what to do', async () => {
    const redirecting = createServer();
    redirecting.on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined);
      socket.end(
        `HTTP/1.1 302 Found\r\nLocation: ${dashboard.url.replace('ws:', 'http:')}\r\nConnection: close\r\n\r\n`,
      );
    });
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    const { port } = redirecting.address() as AddressInfo;
    connect({ url: `ws://127.0.0.1:${port}/ws` });
    await dashboard.until('the warning', () => written.some((line) => line.includes('redirect (302)')));
    await dashboard.until('the next attempt', () => written.some((line) => line.includes('reconnecting in 0.5 s')));
    expect(dashboard.connections()).toBe(0);
    await connection.close('test');
    redirecting.close();
  });

  it('drops a frame without a connection', async () => {
    dashboard.settings.answer = false;
    connect();
    await dashboard.frame('register');
    connection.send({ type: 'heartbeat', payload: {} });
    expect(connection.ready()).toBe(false);
    dashboard.send('registered', { host_id: 'h' });
    await dashboard.until('registered', () => connection.ready());
    expect(connection.withIds()).toBe(false);
    connection.send({ type: 'heartbeat', payload: { generation: 'second' } });
    await dashboard.frame('heartbeat');
    expect(dashboard.all('heartbeat').map(({ payload }) => payload.generation)).toEqual(['second']);
  });

  it('sends a new type of frame only on a connection whose dashboard accepts it', async () => {
    // A later agent, for which `started` is not among the frames that every dashboard reads.
    const later = new Set([...BASE_FRAMES].filter((type) => type !== 'started'));
    const sendBoth = async (heartbeats: number): Promise<string[]> => {
      connection.send({ type: 'started', payload: { command_id: 'c1' } });
      connection.send({ type: 'heartbeat', payload: {} });
      await dashboard.until('the heartbeat', () => dashboard.all('heartbeat').length === heartbeats);
      return dashboard.received.map(({ frame }) => frame.type).slice(-2);
    };
    connect({ baseFrames: later });
    await dashboard.until('registered', () => connection.ready());
    expect(await sendBoth(1)).toEqual(['register', 'heartbeat']);
    dashboard.settings.accepts = ['preview', 'started'];
    dashboard.cut();
    await dashboard.until('registered again', () => dashboard.connections() === 2 && connection.ready());
    expect(await sendBoth(2)).toEqual(['started', 'heartbeat']);
    dashboard.settings.accepts = null;
    dashboard.cut();
    await dashboard.until('registered a third time', () => dashboard.connections() === 3 && connection.ready());
    expect(await sendBoth(3)).toEqual(['register', 'heartbeat']);
  });
});
