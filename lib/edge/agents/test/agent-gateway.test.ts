import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import { createTestServer, TOKEN, type AgentClient, type TestServer } from '../../testing/test-server';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

const FRAMES = readFileSync(new URL('../../../protocol/agent/fixtures/agent-frames.ndjson', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '');

const QUIET_BEAT = {
  generation: '3c9a808',
  pending_command: null,
  command_pid: null,
  metrics: null,
  update_status: null,
};

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

/** Everything sent before is worked through once this has come back: frames of one socket stay in order. */
async function settled(agent: AgentClient): Promise<void> {
  const pong = once(agent.socket, 'pong');
  agent.socket.ping();
  await pong;
}

async function dispatch(operation: 'pull' | 'switch' | 'test' | 'stop', requestId: string, hostId = 'h1') {
  const [result] = await server.fleet.dispatch({ operation, hostIds: [hostId], requestId, by: server.by });
  if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return result.commandId;
}

async function eventsOf(action: string): Promise<string[]> {
  // Such events are stored in batches: a browser hears of them when they are.
  const browser = await server.browser();
  await browser.inbox.find(
    (message) => message.t === 'changes' && (message.events ?? []).some((e) => e.action === action),
  );
  return (await server.fleet.events({ limit: 100 })).filter((event) => event.action === action).map(eventSentence);
}

describe('agent gateway: the upgrade', () => {
  it('answers a wrong token and a missing one with 401 before the upgrade', async () => {
    const wrong: Record<string, string>[] = [{}, { authorization: 'Bearer wrong' }];
    for (const headers of wrong) {
      const [, response] = (await once(server.dial('/ws', { headers }), 'unexpected-response')) as [
        unknown,
        { statusCode: number },
      ];
      expect(response.statusCode).toBe(401);
    }
  });

  it('refuses a page that connects to the agent path, even with the token', async () => {
    const socket = server.dial('/ws', { headers: { authorization: `Bearer ${TOKEN}` }, origin: 'http://evil.example' });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(403);
  });

  it('answers every ping', async () => {
    const agent = await server.agent();
    await settled(agent);
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });
});

describe('agent gateway: a fault of the dashboard', () => {
  it('closes the connection that caused it and nothing else', async () => {
    const steady = await server.registeredAgent('steady');
    const agent = await server.registeredAgent('h1');
    const request = { operation: 'pull', hostIds: ['h1'], requestId: 'pull', by: server.by } as const;
    await server.fleet.dispatch(request);
    const closed = once(agent.socket, 'close');
    const relate = vi.spyOn(server.desired, 'relate').mockImplementationOnce(() => {
      throw new Error('a fault of ours');
    });
    agent.send('heartbeat', { ...QUIET_BEAT, lock_hash: 'a'.repeat(64) });
    const [code] = (await closed) as [number];
    expect(code).toBe(1011);
    relate.mockRestore();
    await settled(steady);
    await server.registeredAgent('h1');
    expect(server.logged.join('')).toContain('handling a message of an agent failed');
  });
});

describe('agent gateway: frames', () => {
  it('accepts all 39 sample frames and holds the state they describe', async () => {
    expect(FRAMES).toHaveLength(39);
    const agent = await server.agent();
    for (const frame of FRAMES) agent.raw(frame);
    await settled(agent);
    const host = server.fleet.host('h1');
    expect(host).toMatchObject({
      online: true,
      type: 'nixos',
      agentVersion: '3.1.5',
      protocol: 2,
      generation: '6f27b9a',
      location: 'home',
      deviceType: 'desktop',
      heartbeatIntervalS: 5,
      repoUrl: 'https://git.example.com/ops/nixcfg.git',
      themeColor: '#7aa2f7',
      // No command was requested, so only its last heartbeat reports one.
      command: null,
      control: null,
      foreignCommand: 'test',
    });
    const faults = (await server.fleet.events({ limit: 100 })).filter((event) => event.action === 'agent.fault');
    expect(faults).toEqual([]);
  });

  it('follows a pull through its real frames to its end, with every line', async () => {
    const agent = await server.agent();
    for (const frame of FRAMES.slice(0, 2)) agent.raw(frame);
    await settled(agent);
    const commandId = await dispatch('pull', 'r1');
    await agent.inbox.find((frame) => frame.type === 'command' && frame.payload.command === 'pull');
    for (const frame of FRAMES.slice(2, 7)) agent.raw(frame);
    await settled(agent);
    expect((await server.fleet.command(commandId))?.phase).toBe('verifying');
    agent.send('heartbeat', QUIET_BEAT);
    await settled(agent);
    const ended = await server.fleet.command(commandId);
    expect(ended).toMatchObject({ phase: 'ended', outcome: 'unchanged', exitCode: 0, lines: 2 });
    expect((await server.fleet.output(commandId, 0, 10)).map((line) => [line.seq, line.stream, line.text])).toEqual([
      [1, 'stderr', 'From https://git.example.com/ops/nixcfg.git'],
      [2, 'stdout', 'HEAD is now at 3c9a808 init'],
    ]);
    expect(server.fleet.host('h1')?.command).toBeNull();
  });

  it('never sends an id to an agent of protocol 2, and always to one of protocol 3', async () => {
    const old = await server.registeredAgent('h1');
    await dispatch('test', 'r1', 'h1');
    const plain = await old.inbox.find((frame) => frame.type === 'command');
    expect(plain.payload).toEqual({ command: 'test' });

    const agent = await server.agent();
    agent.send('register', { hostname: 'h3', protocol: 3, instance: 'i1', running: null, finished: [] });
    const registered = await agent.inbox.find((frame) => frame.type === 'registered');
    expect(registered.payload).toMatchObject({ host_id: 'h3', protocol: 3 });
    const id = await dispatch('test', 'r2', 'h3');
    const command = await agent.inbox.find((frame) => frame.type === 'command');
    expect(command.payload).toEqual({ command: 'test', id });
  });

  it('acknowledges numbered output and results once they are stored, drops duplicates and marks gaps', async () => {
    const agent = await server.agent();
    agent.send('register', { hostname: 'h3', protocol: 3, instance: 'i1', running: null, finished: [] });
    await agent.inbox.find((frame) => frame.type === 'registered');
    const id = await dispatch('test', 'r1', 'h3');
    const line = (seq: number) => ({ seq, stream: 'stdout', line: `line ${seq}` });
    agent.send('output_batch', { command_id: id, lines: [line(1), line(2)] });
    await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === 2);
    agent.send('output_batch', { command_id: id, lines: [line(1), line(2), line(3)] });
    agent.send('output_batch', { command_id: id, lines: [line(6)] });
    await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === 6);
    expect((await server.fleet.output(id, 0, 10)).map(({ seq, text }) => `${seq} ${text}`)).toEqual([
      '1 line 1',
      '2 line 2',
      '3 line 3',
      '4 2 lines are missing here.',
      '5 line 6',
    ]);
    const status = { status: 'error', command: 'test', exit_code: 3, command_id: id, last_seq: 6 };
    agent.send('status', status);
    await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.result === true);
    agent.send('heartbeat', { ...QUIET_BEAT, command_id: null });
    agent.send('status', status);
    await settled(agent);
    // The acknowledgement is sent when everything before it is stored.
    await server.fleet.settled();
    await settled(agent);
    expect(await server.fleet.command(id)).toMatchObject({ outcome: 'failed', exitCode: 3 });
    expect(agent.inbox.all.filter((frame) => frame.type === 'ack' && frame.payload.result === true)).toHaveLength(2);
  });
});

describe('agent gateway: bad input', () => {
  it('records only an event for a malformed frame, an unknown type or a frame before the register', async () => {
    const other = await server.registeredAgent('other');
    const agent = await server.agent();
    agent.send('heartbeat', QUIET_BEAT);
    agent.raw('{"type":"register","payload":{"hostname":');
    agent.raw('[]');
    agent.send('heartbeat', { ...QUIET_BEAT, command_pid: 'not a number' });
    agent.send('party', {});
    agent.send('party', {});
    agent.send('register', { hostname: 'h1' });
    await agent.inbox.find((frame) => frame.type === 'registered');
    agent.send('heartbeat', QUIET_BEAT);
    await settled(agent);
    expect(server.fleet.host('h1')).toMatchObject({ online: true, generation: '3c9a808' });
    expect(server.fleet.host('other')?.online).toBe(true);
    await settled(other);
    const faults = await eventsOf('agent.fault');
    expect(faults.filter((message) => message.includes('"party"'))).toHaveLength(1);
    expect(faults.some((message) => message.includes('is not JSON'))).toBe(true);
    expect(faults.some((message) => message.includes('command_pid'))).toBe(true);
    expect(faults.some((message) => message.includes('before the agent registered'))).toBe(true);
  });

  it('closes only the connection that sends an oversized frame, with an event', async () => {
    const other = await server.registeredAgent('other');
    const agent = await server.registeredAgent('h1');
    const closed = once(agent.socket, 'close');
    agent.raw(JSON.stringify({ type: 'output', payload: { line: 'x'.repeat(MAX_AGENT_FRAME_BYTES) } }));
    const [code] = (await closed) as [number];
    expect(code).toBe(1009);
    await settled(other);
    expect(server.fleet.host('other')?.online).toBe(true);
    expect(await eventsOf('agent.fault')).toEqual([expect.stringContaining('more than 1 MiB')]);
    const again = await server.registeredAgent('h1');
    await settled(again);
    expect(server.fleet.host('h1')?.online).toBe(true);
  });

  it('admits a host that reports only its name, and keeps known facts when it does so again', async () => {
    const agent = await server.agent();
    agent.raw(FRAMES[0] ?? '');
    await agent.inbox.find((frame) => frame.type === 'registered');
    await agent.close();
    await server.registeredAgent('h1');
    expect(server.fleet.host('h1')).toMatchObject({ agentVersion: '3.1.5', generation: '3c9a808', type: 'nixos' });
  });

  it.each(['', '../../etc/passwd', 'a b', '<script>', 'x'.repeat(64), 'ü', 'host.lan\n'])(
    'holds an agent with the invalid name %j: no host, no command, one notice',
    async (hostname) => {
      const agent = await server.agent();
      agent.send('register', { hostname });
      await settled(agent);
      expect(agent.socket.readyState).toBe(agent.socket.OPEN);
      expect(agent.inbox.all).toEqual([]);
      expect(server.fleet.hostViews()).toEqual([]);
      expect(server.fleet.notices()).toHaveLength(1);
    },
  );
});

describe('agent gateway: two agents with the same name', () => {
  it('holds the second agent while the first answers, shows both addresses, and admits it when the first disconnects', async () => {
    const present = await server.registeredAgent('h1');
    const newcomer = await server.agent();
    newcomer.send('register', { hostname: 'h1' });
    await settled(newcomer);
    expect(newcomer.inbox.all).toEqual([]);
    expect(server.fleet.host('h1')?.notice).toContain('Two agents register as h1');
    await settled(present);
    await present.close();
    await newcomer.inbox.find((frame) => frame.type === 'registered');
    expect(server.fleet.host('h1')).toMatchObject({ online: true, notice: '' });
  });

  it('accepts a new connection of the same process at once', async () => {
    const register = { hostname: 'h1', protocol: 3, instance: 'process-1', running: null, finished: [] };
    const first = await server.agent();
    first.send('register', register);
    await first.inbox.find((frame) => frame.type === 'registered');
    const closed = once(first.socket, 'close');
    const second = await server.agent();
    second.send('register', register);
    await second.inbox.find((frame) => frame.type === 'registered');
    const [code] = (await closed) as [number];
    expect(code).toBe(4409);
    expect(server.fleet.host('h1')?.online).toBe(true);
  });
});

describe('agent gateway: commands', () => {
  it('refuses a second command while one runs, but sends a stop', async () => {
    const agent = await server.registeredAgent('h1');
    await dispatch('test', 'r1');
    const [refused] = await server.fleet.dispatch({
      operation: 'switch',
      hostIds: ['h1'],
      requestId: 'r2',
      by: server.by,
    });
    expect(refused).toMatchObject({ kind: 'blocked', blocked: { code: 'busy', unblock: 'stop' } });
    const stop = await dispatch('stop', 'r3');
    await agent.inbox.find((frame) => frame.type === 'command' && frame.payload.command === 'stop');
    agent.send('status', { status: 'stopped', command: 'test', exit_code: 130, message: 'terminated by user' });
    agent.send('status', { status: 'error', command: 'test', exit_code: -1 });
    agent.send('heartbeat', QUIET_BEAT);
    await settled(agent);
    expect(await server.fleet.command(stop)).toMatchObject({ outcome: 'succeeded' });
    expect(server.fleet.host('h1')).toMatchObject({
      command: null,
      control: null,
      lastCommand: { outcome: 'stopped' },
    });
  });

  it('creates one command for a repeated request', async () => {
    const agent = await server.registeredAgent('h1');
    expect(await dispatch('test', 'same')).toBe(await dispatch('test', 'same'));
    await settled(agent);
    expect(agent.inbox.all.filter((frame) => frame.type === 'command')).toHaveLength(1);
  });
});
