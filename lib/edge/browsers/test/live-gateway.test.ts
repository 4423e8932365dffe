import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestServer, type TestServer } from '../../testing/test-server';

let house: TestServer;
beforeEach(async () => {
  house = await createTestServer();
});
afterEach(async () => {
  await house.close();
});

const refusalOf = async (options: { origin?: string; headers?: Record<string, string> }) => {
  const [, response] = (await once(house.dial('/live', options), 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  return response.statusCode;
};

describe('browsers’ gateway: the upgrade', () => {
  it('refuses another origin, no origin and no session', async () => {
    const cookie = { cookie: 'session=session-1' };
    expect(await refusalOf({ headers: cookie, origin: 'http://evil.example' })).toBe(403);
    expect(await refusalOf({ headers: cookie })).toBe(403);
    expect(await refusalOf({ origin: `http://127.0.0.1:${house.port}` })).toBe(401);
    expect(await refusalOf({ headers: { cookie: 'session=forged' }, origin: `http://127.0.0.1:${house.port}` })).toBe(
      401,
    );
  });

  it('closes the sockets of a session that ends, with 4401', async () => {
    const browser = await house.browser();
    const closed = once(browser.socket, 'close');
    house.endSessions();
    house.hub.closeSession('session-1');
    const [code] = (await closed) as [number];
    expect(code).toBe(4401);
  });

  it('closes a socket that does not speak the protocol', async () => {
    const browser = await house.browser();
    const closed = once(browser.socket, 'close');
    browser.socket.send('{"t":"party"}');
    const [code] = (await closed) as [number];
    expect(code).toBe(4400);
  });
});

describe('browsers’ gateway: the fleet', () => {
  it('shows a new host without a reload, and its heartbeats as patches', async () => {
    const browser = await house.browser();
    await browser.until((view) => view.hosts.length === 0);
    const agent = await house.registeredAgent('h1');
    await browser.until((view) => view.hosts[0]?.name === 'h1');
    agent.send('heartbeat', { generation: 'abcdef1', metrics: { cpu: 12, ram: 34, swap: 0, load: 0.5 } });
    const view = await browser.until((seen) => seen.hosts[0]?.metrics?.cpu === 12);
    expect(view.hosts[0]?.generation).toBe('abcdef1');
    const patches = browser.inbox.all.flatMap((message) => (message.t === 'changes' ? (message.hosts ?? []) : []));
    expect(Object.keys(patches.at(-1) ?? {})).not.toContain('name');
  });

  it('gives a page that comes back only what it missed', async () => {
    const agent = await house.registeredAgent('h1');
    const first = await house.browser();
    const before = await first.until((view) => view.hosts.length === 1);
    first.socket.terminate();
    agent.send('heartbeat', { generation: 'abcdef1' });
    const watching = await house.browser();
    await watching.until((view) => view.hosts[0]?.generation === 'abcdef1');
    const again = await house.browser({ epoch: before.epoch, version: before.version });
    const changes = await again.inbox.find((message) => message.t === 'changes');
    expect(changes).toMatchObject({ from: before.version });
    expect(again.inbox.all.some((message) => message.t === 'snapshot')).toBe(false);
  });

  it('gives everything to a page of another epoch, of an unknown version, and to one that asks', async () => {
    await house.registeredAgent('h1');
    for (const hello of [{ epoch: 'another', version: 1 }, { epoch: house.fleet.epoch, version: 999 }, {}]) {
      const browser = await house.browser(hello);
      await browser.inbox.find((message) => message.t === 'snapshot');
    }
    const browser = await house.browser();
    await browser.until(() => true);
    browser.send({ t: 'resync' });
    await browser.inbox.find((message) => message.t === 'snapshot' && message !== browser.inbox.all[1]);
  });

  it('sends flake updates as they change, and paints new pages with them', async () => {
    const browser = await house.browser();
    await browser.until((view) => view.updates.source === 'none');
    house.updates.give({ source: 'github', repo: 'ada/nixcfg', fetchedAt: 1_000 });
    await browser.until((view) => view.updates.fetchedAt === 1_000);
    expect(house.hub.view().updates).toEqual(house.updates.state);
    const late = await house.browser();
    await late.until((view) => view.updates.repo === 'ada/nixcfg');
  });

  it('sends a desired state that changes, with what follows for the hosts, in one go', async () => {
    const agent = await house.registeredAgent('h1');
    const browser = await house.browser();
    agent.send('heartbeat', { generation: 'aaaaaaa' });
    await browser.until((view) => view.hosts[0]?.generation === 'aaaaaaa');
    house.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 2 });
    house.desired.set({ source: 'git', branch: 'main', commit: 'bbbbbbbbbb', fetchedAt: Date.now() });
    const view = await browser.until((seen) => seen.desired.commit === 'bbbbbbbbbb');
    expect(view.hosts[0]?.compartments.git).toMatchObject({ status: 'outdated', next: 'pull' });
  });
});

describe('browsers’ gateway: a page that does not read', () => {
  it('1.1/10 is sent the fleet when it reads again, not each time it asks', async () => {
    for (let host = 0; host < 100; host += 1) {
      const nothing = () => undefined;
      const identity = { kind: 'shared' } as const;
      const link = {
        ...{ id: `link-${host}`, address: '', identity },
        ...{ send: () => true, probe: nothing, finish: nothing, close: nothing },
      };
      house.fleet.inbox.connected(link);
      const payload = {
        hostname: `h${host}`,
        repo_dir: 'x'.repeat(1_000),
        store_path: 'x',
        repo_url: 'y'.repeat(1_000),
      };
      house.fleet.inbox.frame(link, JSON.stringify({ type: 'register', payload }));
    }
    const browser = await house.browser();
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

describe('browsers’ gateway: output', () => {
  async function runningTest() {
    const agent = await house.agent();
    agent.send('register', { hostname: 'h3', protocol: 3, instance: 'i', running: null, finished: [] });
    await agent.inbox.find((frame) => frame.type === 'registered');
    const [result] = house.fleet.dispatch({ operation: 'test', hostIds: ['h3'], requestId: 'r', by: house.by });
    if (result?.kind !== 'accepted') throw new Error('not accepted');
    return { agent, id: result.commandId };
  }

  it('streams lines, goes on after a reconnect where the page stopped, and says when it is done', async () => {
    const { agent, id } = await runningTest();
    const line = (seq: number) => ({ seq, stream: 'stdout', line: `line ${seq}` });
    const page = await house.browser();
    page.send({ t: 'watch', commandId: id, after: 0 });
    agent.send('output_batch', { command_id: id, lines: [line(1), line(2)] });
    await page.inbox.find((message) => message.t === 'output' && message.lines.some(({ seq }) => seq === 2));
    page.socket.terminate();
    agent.send('output_batch', { command_id: id, lines: [line(3)] });
    await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === 3);

    const again = await house.browser();
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

  it('brings 100,000 lines to a page that reads slowly, in order, each once', { timeout: 60_000 }, async () => {
    const { agent, id } = await runningTest();
    const page = await house.browser();
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

  it('says when there is no such command', async () => {
    const page = await house.browser();
    page.send({ t: 'watch', commandId: 'none', after: 0 });
    await page.inbox.find((message) => message.t === 'no-output');
  });
});
