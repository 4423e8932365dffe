/** The live feed shows each operator only what they may see. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QUIET } from '@/lib/fleet/testing/test-fleet';
import { createTestServer, type BrowserClient, type TestServer } from '../../testing/test-server';

let server: TestServer;
/** Hosts that may not be seen, by name. */
let hidden: Set<string>;

beforeEach(async () => {
  server = await createTestServer();
  hidden = new Set(['hidden']);
  const isHidden = (hostId: string) => hidden.has(server.fleet.host(hostId)?.name ?? '');
  server.permit((actor, verb, hostId) => {
    expect(actor).toEqual({ kind: 'operator', userId: 'session-1' });
    return verb === 'view' && (hostId === null || !isHidden(hostId));
  });
});
afterEach(() => server.close());

const idOf = (name: string) => {
  const host = server.fleet.hostViews().find((one) => one.name === name);
  if (!host) throw new Error(`${name} is unknown`);
  return host.id;
};

/** Everything that the page was sent, as text. */
const sentTo = ({ inbox }: BrowserClient) => JSON.stringify(inbox.all);

/** A change that is published after everything before it, and visible to all. */
async function afterAll(browser: BrowserClient) {
  server.fleet.setNotice('test', { level: 'warning', message: 'the last change' });
  await browser.until(({ notices }) => notices.some(({ message }) => message === 'the last change'));
}

describe('the live feed of an operator who may not see every host', () => {
  it('holds no hidden host, neither in the snapshot nor in changes', async () => {
    await server.registeredAgent('first');
    const agent = await server.registeredAgent('hidden');
    await server.until(() => server.fleet.hostViews().length === 2);
    const browser = await server.browser();
    await browser.until(({ hosts }) => hosts.length === 1);
    const second = await server.registeredAgent('second');
    agent.send('heartbeat', { generation: 'abcdef1' });
    second.send('heartbeat', { generation: 'abcdef2' });
    await server.until(() => server.fleet.host(idOf('hidden'))?.generation === 'abcdef1');
    await server.fleet.dispatch({
      operation: 'pull',
      hostIds: [idOf('hidden')],
      requestId: '0'.repeat(32),
      by: server.by,
    });
    await browser.until(({ hosts }) => hosts.some(({ generation }) => generation === 'abcdef2'));
    await afterAll(browser);
    expect(browser.view()?.hosts.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(sentTo(browser)).not.toContain('hidden');
    expect(sentTo(browser)).not.toContain(idOf('hidden'));
  });

  it('holds no pipeline and no output of a hidden host', async () => {
    const first = await server.registeredAgent('first');
    const agent = await server.registeredAgent('hidden');
    await server.until(() => server.fleet.hostViews().length === 2);
    for (const each of [first, agent]) each.send('heartbeat', QUIET);
    const browser = await server.browser();
    await browser.until(({ hosts }) => hosts.length === 1);
    const started = await server.fleet.startPipeline({
      ...{ kind: 'custom', stages: ['pull'], parallelism: 2, stopOnFailure: false, by: server.by },
      hostIds: [idOf('first'), idOf('hidden')],
      requestId: '1'.repeat(32),
    });
    expect(started.kind).toBe('started');
    await agent.inbox.find((frame) => frame.type === 'command');
    const [command] = await server.fleet.commandsOf(idOf('hidden'), 1);
    const commandId = command?.id ?? '';
    browser.send({ t: 'watch', commandId, after: 0 });
    const refusal = await browser.inbox.find((message) => message.t === 'no-output');
    expect(refusal).toMatchObject({ commandId, reason: 'This command no longer exists.' });
    await afterAll(browser);
    expect(browser.view()?.pipelines).toEqual([]);
    expect(sentTo(browser)).not.toContain(idOf('hidden'));
    // Another operator sees both.
    hidden.clear();
    browser.send({ t: 'resync' });
    await browser.until(({ hosts, pipelines }) => hosts.length === 2 && pipelines.length === 1);
  });
});
