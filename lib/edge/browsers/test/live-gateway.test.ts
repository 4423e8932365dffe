import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_BROWSERS_PER_SESSION } from '../live-gateway';
import { NOBODY } from '@/lib/fleet/events';
import { createTestServer, type TestServer } from '../../testing/test-server';

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

const refusalOf = async (options: { origin?: string; headers?: Record<string, string> }) => {
  const [, response] = (await once(server.dial('/live', options), 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  return response.statusCode;
};

describe('browser gateway: the upgrade', () => {
  it('refuses another origin, no origin and no session', async () => {
    const cookie = { cookie: 'session=session-1' };
    expect(await refusalOf({ headers: cookie, origin: 'http://evil.example' })).toBe(403);
    expect(await refusalOf({ headers: cookie })).toBe(403);
    expect(await refusalOf({ origin: `http://127.0.0.1:${server.port}` })).toBe(401);
    expect(await refusalOf({ headers: { cookie: 'session=forged' }, origin: `http://127.0.0.1:${server.port}` })).toBe(
      401,
    );
  });

  it('refuses further pages of a session that has too many open', async () => {
    await Promise.all(Array.from({ length: MAX_BROWSERS_PER_SESSION }, () => server.browser()));
    const cookie = { cookie: 'session=session-1' };
    expect(await refusalOf({ headers: cookie, origin: `http://127.0.0.1:${server.port}` })).toBe(503);
    expect(server.hub.size).toBe(MAX_BROWSERS_PER_SESSION);
  });

  it('closes the sockets of a session that ends, with 4401', async () => {
    const browser = await server.browser();
    const closed = once(browser.socket, 'close');
    server.endSessions();
    server.hub.closeSession('session-1');
    const [code] = (await closed) as [number];
    expect(code).toBe(4401);
  });

  it('closes a socket that does not speak the protocol', async () => {
    const browser = await server.browser();
    const closed = once(browser.socket, 'close');
    browser.socket.send('{"t":"party"}');
    const [code] = (await closed) as [number];
    expect(code).toBe(4400);
  });
});

describe('browser gateway: the fleet', () => {
  it('shows a new host without a reload, and its heartbeats as patches', async () => {
    const browser = await server.browser();
    await browser.until((view) => view.hosts.length === 0);
    const agent = await server.registeredAgent('h1');
    await browser.until((view) => view.hosts[0]?.name === 'h1');
    agent.send('heartbeat', { generation: 'abcdef1', metrics: { cpu: 12, ram: 34, swap: 0, load: 0.5 } });
    const view = await browser.until((seen) => seen.hosts[0]?.metrics?.cpu === 12);
    expect(view.hosts[0]?.generation).toBe('abcdef1');
    const patches = browser.inbox.all.flatMap((message) => (message.t === 'changes' ? (message.hosts ?? []) : []));
    expect(Object.keys(patches.at(-1) ?? {})).not.toContain('name');
  });

  it('sends a page that reconnects only what it missed', async () => {
    const agent = await server.registeredAgent('h1');
    const first = await server.browser();
    const before = await first.until((view) => view.hosts.length === 1);
    first.socket.terminate();
    agent.send('heartbeat', { generation: 'abcdef1' });
    const watching = await server.browser();
    await watching.until((view) => view.hosts[0]?.generation === 'abcdef1');
    const again = await server.browser({ epoch: before.epoch, version: before.version });
    const changes = await again.inbox.find((message) => message.t === 'changes');
    expect(changes).toMatchObject({ from: before.version });
    expect(again.inbox.all.some((message) => message.t === 'snapshot')).toBe(false);
  });

  it('sends an open page the changes since the version that it names', async () => {
    const agent = await server.registeredAgent('h1');
    const browser = await server.browser();
    const before = await browser.until((view) => view.hosts.length === 1);
    agent.send('heartbeat', { generation: 'abcdef1' });
    await browser.until((view) => view.hosts[0]?.generation === 'abcdef1');
    const receivedBefore = new Set(browser.inbox.all);
    browser.send({ t: 'hello', epoch: before.epoch, version: before.version });
    await browser.inbox.find(
      (message) => message.t === 'changes' && message.from === before.version && !receivedBefore.has(message),
    );
    expect(browser.inbox.all.filter((message) => message.t === 'snapshot')).toHaveLength(1);
  });

  it('sends a snapshot to a page of another epoch, of an unknown version, and on request', async () => {
    await server.registeredAgent('h1');
    for (const hello of [{ epoch: 'another', version: 1 }, { epoch: server.fleet.epoch, version: 999 }, {}]) {
      const browser = await server.browser(hello);
      await browser.inbox.find((message) => message.t === 'snapshot');
    }
    const browser = await server.browser();
    await browser.until(() => true);
    browser.send({ t: 'resync' });
    await browser.inbox.find((message) => message.t === 'snapshot' && message !== browser.inbox.all[1]);
  });

  it('sends events without the parameters that only an audit needs', async () => {
    const browser = await server.browser();
    await browser.until(() => true);
    await server.fleet.record({
      ...{ ...NOBODY, at: 1, actorKind: 'operator', actor: 'alice', address: '192.0.2.7' },
      ...{ action: 'auth.sign-in', params: { session: 'hash', userAgent: 'Browser 7' } },
    });
    const message = await browser.inbox.find((sent) => sent.t === 'changes' && sent.events !== undefined);
    expect(message).toMatchObject({ events: [{ action: 'auth.sign-in', address: '192.0.2.7', params: {} }] });
    expect(JSON.stringify(message)).not.toMatch(/hash|Browser 7/);
    expect(await server.fleet.events({ limit: 1 })).toMatchObject([{ params: { userAgent: 'Browser 7' } }]);
  });

  it('sends flake updates as they change, and includes them in new pages', async () => {
    const browser = await server.browser();
    await browser.until((view) => view.updates.source === 'none');
    server.updates.give({ source: 'github', repo: 'ada/nixcfg', fetchedAt: 1_000 });
    await browser.until((view) => view.updates.fetchedAt === 1_000);
    expect(server.hub.feed.view({ kind: 'operator', userId: 'session-1' }).updates).toEqual(server.updates.state);
    const late = await server.browser();
    await late.until((view) => view.updates.repo === 'ada/nixcfg');
  });

  it('sends a changed desired state and its effect on the hosts in one batch', async () => {
    const agent = await server.registeredAgent('h1');
    const browser = await server.browser();
    agent.send('heartbeat', { generation: 'aaaaaaa' });
    await browser.until((view) => view.hosts[0]?.generation === 'aaaaaaa');
    server.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 2 });
    server.desired.set({ source: 'git', branch: 'main', commit: 'bbbbbbbbbb', fetchedAt: Date.now() });
    const view = await browser.until((seen) => seen.desired.commit === 'bbbbbbbbbb');
    expect(view.hosts[0]?.compartments.git).toMatchObject({ status: 'outdated', next: 'pull' });
  });
});

describe('browser gateway: a page that does not read', () => {
  it('receives the fleet when it reads again, not for each request', async () => {
    for (let host = 0; host < 100; host += 1) {
      const nothing = () => undefined;
      const identity = { kind: 'shared' } as const;
      const link = {
        ...{ id: `link-${host}`, address: '', identity },
        ...{ send: () => true, probe: nothing, finish: nothing, close: nothing, holdUntil: nothing },
      };
      server.fleet.inbox.connected(link);
      const payload = {
        hostname: `h${host}`,
        repo_dir: 'x'.repeat(1_000),
        store_path: 'x',
        repo_url: 'y'.repeat(1_000),
      };
      server.fleet.inbox.frame(link, parseAgentFrame(JSON.stringify({ type: 'register', payload })));
    }
    const browser = await server.browser();
    await browser.until((view) => view.hosts.length === 100);
    browser.socket.pause();
    const asked = 200;
    for (let times = 0; times < asked; times += 1) browser.send({ t: 'resync' });
    browser.send({ t: 'ping' });
    browser.socket.resume();
    await browser.inbox.find((message) => message.t === 'pong');
    const snapshots = browser.inbox.all.filter((message) => message.t === 'snapshot').length;
    expect(snapshots).toBeLessThan(asked / 2);
    browser.send({ t: 'resync' });
    await browser.until((view) => view.hosts.length === 100);
  });
});

describe('browser gateway: output', () => {
  async function runningTest() {
    const agent = await server.agent();
    agent.send('register', { hostname: 'h3', protocol: 3, instance: 'i', running: null, finished: [] });
    await agent.inbox.find((frame) => frame.type === 'registered');
    const [result] = await server.fleet.dispatch({ operation: 'test', hostIds: ['h3'], requestId: 'r', by: server.by });
    if (result?.kind !== 'accepted') throw new Error('not accepted');
    return { agent, id: result.commandId };
  }

  it('streams lines, resumes after a reconnect, and reports the end', async () => {
    const { agent, id } = await runningTest();
    const line = (seq: number) => ({ seq, stream: 'stdout', line: `line ${seq}` });
    const page = await server.browser();
    page.send({ t: 'watch', commandId: id, after: 0 });
    agent.send('output_batch', { command_id: id, lines: [line(1), line(2)] });
    await page.inbox.find((message) => message.t === 'output' && message.lines.some(({ seq }) => seq === 2));
    page.socket.terminate();
    agent.send('output_batch', { command_id: id, lines: [line(3)] });
    await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === 3);

    const again = await server.browser();
    again.send({ t: 'watch', commandId: id, after: 2 });
    agent.send('output_batch', { command_id: id, lines: [line(4)] });
    agent.send('status', { status: 'ok', command: 'test', exit_code: 0, command_id: id, last_seq: 4 });
    agent.send('heartbeat', { generation: '' });
    await again.inbox.find((message) => message.t === 'output' && message.done === true);
    const seen = again.inbox.all.flatMap((message) => (message.t === 'output' ? message.lines : []));
    expect(seen.map(({ seq, text }) => [seq, text])).toEqual([
      [3, 'line 3'],
      [4, 'line 4'],
    ]);
  });

  it('reads lines that were stored but not published before it sends the next one', async () => {
    const { agent, id } = await runningTest();
    const page = await server.browser();
    page.send({ t: 'watch', commandId: id, after: 0 });
    agent.send('output_batch', { command_id: id, lines: [{ seq: 1, stream: 'stdout', line: 'line 1' }] });
    const shows = (last: number) =>
      page.inbox.find((message) => message.t === 'output' && message.lines.some(({ seq }) => seq === last));
    await shows(1);
    const lines = [2, 3, 4].map((seq) => ({ seq, at: 0, stream: 'stdout' as const, text: `line ${seq}` }));
    await server.store.fleet.commit({ output: [{ commandId: id, lines }] });
    server.hub.feed.output(id, lines.slice(-1));
    await shows(4);
    const seen = page.inbox.all.flatMap((message) => (message.t === 'output' ? message.lines : []));
    expect(seen.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it('sends lines that are stored while it reads older ones', async () => {
    await server.close();
    const steps = new EventEmitter();
    const isRead = once(steps, 'read');
    const mayContinue = once(steps, 'continue');
    server = await createTestServer({
      meter: (store) => ({
        ...store,
        async output(...args) {
          const lines = await store.output(...args);
          steps.emit('read');
          await mayContinue;
          return lines;
        },
      }),
    });
    const { agent, id } = await runningTest();
    const send = async (seq: number) => {
      agent.send('output_batch', { command_id: id, lines: [{ seq, stream: 'stdout', line: `line ${seq}` }] });
      await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === seq);
    };
    await send(1);
    const page = await server.browser();
    page.send({ t: 'watch', commandId: id, after: 0 });
    await isRead;
    await send(2);
    steps.emit('continue');
    agent.send('status', { status: 'error', command: 'test', exit_code: 1, command_id: id, last_seq: 2 });
    agent.send('heartbeat', { generation: '' });
    await page.inbox.find((message) => message.t === 'output' && message.done === true);
    const seen = page.inbox.all.flatMap((message) => (message.t === 'output' ? message.lines : []));
    expect(seen.map(({ text }) => text)).toEqual(['line 1', 'line 2']);
  });

  it('delivers 100,000 lines to a slow page, in order, each once', { timeout: 60_000 }, async () => {
    const { agent, id } = await runningTest();
    const page = await server.browser();
    page.send({ t: 'watch', commandId: id, after: 0 });
    page.socket.pause();
    const TOTAL = 100_000;
    for (let from = 1; from <= TOTAL; from += 500) {
      const lines = Array.from({ length: 500 }, (_, index) => ({
        seq: from + index,
        stream: 'stdout',
        line: `${from + index}: ${'x'.repeat(80)}`,
      }));
      agent.send('output_batch', { command_id: id, lines });
    }
    await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === TOTAL);
    page.socket.resume();
    await page.inbox.find((message) => message.t === 'output' && message.lines.some(({ seq }) => seq === TOTAL));
    const numbers = page.inbox.all.flatMap((message) =>
      message.t === 'output' ? message.lines.map(({ seq }) => seq) : [],
    );
    expect(numbers).toHaveLength(TOTAL);
    expect(numbers.every((seq, index) => seq === index + 1)).toBe(true);
  });

  it('reports an unknown command', async () => {
    const page = await server.browser();
    page.send({ t: 'watch', commandId: 'none', after: 0 });
    await page.inbox.find((message) => message.t === 'no-output');
  });
});
