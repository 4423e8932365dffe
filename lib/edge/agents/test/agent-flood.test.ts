import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { UNREADABLE_LIMITS } from '../agent-socket';
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import { createTestServer, type AgentClient, type TestServer } from '../../testing/test-server';

const KIB = 1024;
const BURST_BYTES = 256 * KIB;

let server: TestServer;
afterEach(async () => {
  await server.close();
});

async function settled(agent: AgentClient): Promise<void> {
  const pong = once(agent.socket, 'pong');
  agent.socket.ping();
  await pong;
}

/** A server whose clock only the test advances, so that a spent budget stays spent. */
async function openSlowHouse() {
  const clock = { nowMs: 0, stepMs: 0 };
  server = await createTestServer({
    pace: {
      limits: { bytes: { burst: BURST_BYTES, perSecond: 64 * KIB * KIB }, workMs: { burst: 1_000, perSecond: 1_000 } },
      now: () => (clock.nowMs += clock.stepMs),
    },
  });
  return clock;
}

async function runningTest(hostname: string): Promise<{ agent: AgentClient; id: string }> {
  const agent = await server.registeredAgent(hostname);
  const [result] = await server.fleet.dispatch({
    operation: 'test',
    hostIds: [hostname],
    requestId: 'r',
    by: server.by,
  });
  if (result?.kind !== 'accepted') throw new Error('not accepted');
  return { agent, id: result.commandId };
}

/** All stored lines of a command. */
async function linesOf(commandId: string): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const page = await server.fleet.output(commandId, all.length, 1_000);
    if (page.length === 0) return all;
    all.push(...page.map(({ text }) => text));
  }
}

const HONEST = 50;
const ROUNDS = 10;

/** Fifty agents send heartbeats and pings and get their answers, round after round. */
async function honestRounds(agents: readonly AgentClient[]): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await Promise.all(
      agents.map((agent) => {
        agent.send('heartbeat', { generation: `${round}`.padStart(7, 'a') });
        return settled(agent);
      }),
    );
  }
}

/** Waits until the last round of each of them is what its host shows. */
function honestHosts(): Promise<void> {
  const generation = `${ROUNDS}`.padStart(7, 'a');
  return server.until(() =>
    Array.from({ length: HONEST }, (_, index) => server.fleet.host(`honest-${index}`)).every(
      (host) => host?.online === true && host.generation === generation,
    ),
  );
}

describe('one flooding agent next to 50 regular ones', () => {
  const honestAgents = () =>
    Promise.all(Array.from({ length: HONEST }, (_, index) => server.registeredAgent(`honest-${index}`)));

  it('with output: it is throttled, every line arrives in order, its connection stays open, and no other agent waits', async () => {
    const clock = await openSlowHouse();
    const honest = await honestAgents();
    const { agent, id } = await runningTest('flood');
    const total = 40_000;
    const lineOf = (index: number) => `${index} ${'x'.repeat(300)}`;
    for (let index = 0; index < total; index += 1) agent.send('output', { line: lineOf(index), stream: 'stdout' });
    await honestRounds(honest);
    await honestHosts();
    // The budget, and what Node had read already: two chunks at most.
    const readBytes = BURST_BYTES + 128 * KIB;
    expect((await server.fleet.command(id))?.lines ?? 0).toBeLessThan(readBytes / 300);
    // What we do not read lies with the sender.
    expect(agent.socket.bufferedAmount).toBeGreaterThan(0);
    clock.stepMs = 0.1;
    await server.until(async () => ((await server.fleet.command(id))?.lines ?? 0) === total);
    const lines = await linesOf(id);
    expect(lines).toHaveLength(total);
    expect(lines.every((line, index) => line === lineOf(index))).toBe(true);
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
    expect(server.fleet.host('flood')?.online).toBe(true);
  });

  it.each([
    ['the smallest heartbeats', '{"type":"heartbeat"}'],
    ['heartbeats', JSON.stringify({ type: 'heartbeat', payload: { lock_hash: 'x'.repeat(200) } })],
    [
      'frames of an unknown type that starts like output',
      JSON.stringify({ type: 'output_later', payload: 'x'.repeat(200) }),
    ],
    ['frames of an unknown type', JSON.stringify({ type: 'later', payload: 'x'.repeat(200) })],
  ])('with %s: it is throttled, its connection stays open, and no other agent waits', async (_name, frame) => {
    const clock = await openSlowHouse();
    const honest = await honestAgents();
    const agent = await server.registeredAgent('flood');
    const count = Math.ceil((KIB * KIB) / frame.length);
    for (let sent = 0; sent < count; sent += 1) agent.raw(frame);
    agent.send('heartbeat', { generation: 'fffffff' });
    await honestRounds(honest);
    await honestHosts();
    expect(server.fleet.host('flood')?.generation).not.toBe('fffffff');
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
    clock.stepMs = 0.1;
    await server.until(() => server.fleet.host('flood')?.generation === 'fffffff');
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });

  it('with pings: the newest is answered, in order, and its connection stays open', async () => {
    server = await createTestServer();
    const agent = await server.registeredAgent('flood');
    const count = 20_000;
    const pongs: number[] = [];
    const last = new Promise<void>((resolve) => {
      agent.socket.on('pong', (data) => {
        pongs.push(Number(data.toString()));
        if (pongs.at(-1) === count) resolve();
      });
    });
    for (let sent = 1; sent <= count; sent += 1) agent.socket.ping(String(sent));
    await last;
    expect(pongs.length).toBeLessThan(count);
    expect(pongs).toEqual(pongs.toSorted((one, other) => one - other));
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });
});

describe('a connection that has not registered', () => {
  it.each([
    ['pings', (agent: AgentClient) => agent.socket.ping('x'.repeat(100))],
    ['frames', (agent: AgentClient) => agent.send('heartbeat', { lock_hash: 'x'.repeat(100) })],
    // Never ended, so that it is never a message.
    ['parts of one message', (agent: AgentClient) => agent.socket.send('x'.repeat(100), { fin: false })],
  ])('is closed, with an event, when it sends more than 64 KiB of %s', async (_name, send) => {
    server = await createTestServer();
    const agent = await server.agent();
    const closed = once(agent.socket, 'close');
    for (let sent = 0; sent < 1_000; sent += 1) send(agent);
    const [code] = (await closed) as [number];
    expect(code).toBe(1009);
    await server.until(async () =>
      (await server.fleet.events({ limit: 500 })).some((event) =>
        eventSentence(event).startsWith('The connection was closed: it sent more than 64 KiB'),
      ),
    );
  });

  it('may send any amount once it has registered', async () => {
    server = await createTestServer();
    const agent = await server.registeredAgent('h1');
    for (let sent = 0; sent < 1_000; sent += 1) agent.send('heartbeat', { lock_hash: 'x'.repeat(200) });
    await settled(agent);
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });

  it('keeps its spent budget when it reconnects, and known hosts are not delayed', async () => {
    const clock = await openSlowHouse();
    const flood = async () => {
      const agent = await server.agent();
      for (let sent = 0; sent < 60; sent += 1) agent.socket.ping('x'.repeat(100));
      for (let sent = 0; sent < 55; sent += 1) agent.send('later', { x: 'x'.repeat(1_000) });
      return agent;
    };
    const known = await server.registeredAgent('known');
    // Each sends less than one link may, all of them more than their address may.
    const agents = await Promise.all(Array.from({ length: 8 }, flood));
    await settled(known);
    const last = await server.agent();
    let isAnswered = false;
    const answered = settled(last).then(() => (isAnswered = true));
    for (let round = 0; round < 20; round += 1) await settled(known);
    expect(isAnswered).toBe(false);
    clock.stepMs = 0.1;
    await answered;
    expect(agents.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
  });
});

describe('the output of a build', () => {
  it.each([2, 3])('of 20,000 lines, one of them 64 KiB, is stored completely with protocol %i', async (protocol) => {
    server = await createTestServer();
    const agent = await server.agent();
    agent.send('register', { hostname: 'h1', protocol, instance: 'i', running: null, finished: [] });
    await agent.inbox.find((frame) => frame.type === 'registered');
    const [result] = await server.fleet.dispatch({ operation: 'test', hostIds: ['h1'], requestId: 'r', by: server.by });
    if (result?.kind !== 'accepted') throw new Error('not accepted');
    const total = 20_000;
    const lineOf = (index: number) => (index === 10_000 ? '"'.repeat(64 * KIB) : `${index} ${'x'.repeat(80)}`);
    const all = Array.from({ length: total }, (_, index) => lineOf(index));
    if (protocol === 2) for (const line of all) agent.send('output', { line, stream: 'stdout' });
    else {
      for (let from = 0; from < total; from += 500) {
        const lines = all
          .slice(from, from + 500)
          .map((line, index) => ({ seq: from + index + 1, line, stream: 'stdout' }));
        agent.send('output_batch', { command_id: result.commandId, lines });
      }
    }
    await server.until(async () => ((await server.fleet.command(result.commandId))?.lines ?? 0) === total);
    expect(await linesOf(result.commandId)).toEqual(all);
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });
});

describe('a connection that sends unreadable frames', () => {
  const faults = async () =>
    (await server.fleet.events({ limit: 500 })).filter(({ action }) => action === 'agent.fault').map(eventSentence);

  it.each([
    ['text that is not JSON', 'no JSON'],
    ['brackets', '['.repeat(1_000)],
    ['a frame that its schema rejects', '{"type":"heartbeat","payload":{"command_pid":"x"}}'],
    ['a frame that is too large for its type', JSON.stringify({ type: 'started', payload: { x: 'x'.repeat(5_000) } })],
    ['binary frames', Buffer.from('binary')],
  ])('is closed with 1008 and one event after too many of them: %s', async (_name, frame) => {
    server = await createTestServer();
    const agent = await server.registeredAgent('h1');
    const closed = once(agent.socket, 'close');
    for (let sent = 0; sent <= UNREADABLE_LIMITS.burst; sent += 1) agent.raw(frame);
    const [code, reason] = (await closed) as [number, Buffer];
    expect(code).toBe(1008);
    expect(reason.toString()).toBe('too many unreadable frames');
    // Events are stored in batches.
    await server.until(async () => (await faults()).length >= 2);
    expect(server.fleet.host('h1')?.online).toBe(false);
    expect(
      (await faults()).filter((sentence) => sentence.startsWith('The connection was closed: more than 20')),
    ).toHaveLength(1);
    // One for what was wrong with the frames, one for the end.
    expect(await faults()).toHaveLength(2);
  });

  it('is no longer read and closes soon although it keeps sending and never answers', async () => {
    server = await createTestServer();
    const agent = await server.registeredAgent('h1');
    const closed = once(agent.socket, 'close');
    for (let sent = 0; sent <= UNREADABLE_LIMITS.burst; sent += 1) agent.raw('no JSON');
    for (let sent = 0; sent < 100_000; sent += 1) agent.raw('{"type":"heartbeat","payload":{"generation":"fffffff"}}');
    await closed;
    await server.until(() => server.agents.size === 0);
    expect(server.fleet.host('h1')?.generation).not.toBe('fffffff');
  });

  it('is closed with its event although each of its frames was wrong in a different way', async () => {
    server = await createTestServer();
    const agent = await server.agent();
    const closed = once(agent.socket, 'close');
    for (let sent = 0; sent <= UNREADABLE_LIMITS.burst; sent += 1) agent.raw('x'.repeat(sent + 1));
    await closed;
    await server.until(async () =>
      (await faults()).some((sentence) => sentence.startsWith('The connection was closed')),
    );
    expect((await faults()).filter((sentence) => sentence.startsWith('The connection was closed'))).toHaveLength(1);
  });

  it('stays open within the allowance, and later frames still count', async () => {
    server = await createTestServer();
    const agent = await server.registeredAgent('h1');
    for (let sent = 0; sent < UNREADABLE_LIMITS.burst; sent += 1) agent.raw('no JSON');
    agent.send('heartbeat', { generation: 'abcdef1' });
    await settled(agent);
    expect(server.fleet.host('h1')).toMatchObject({ online: true, generation: 'abcdef1' });
  });

  it('may send 10,000 frames of unknown types and fields', async () => {
    server = await createTestServer();
    const agent = await server.registeredAgent('h1');
    for (let sent = 0; sent < 10_000; sent += 1) agent.send(sent % 2 === 0 ? 'later' : 'heartbeat', { later: sent });
    agent.send('heartbeat', { generation: 'abcdef1' });
    await settled(agent);
    expect(server.fleet.host('h1')).toMatchObject({ online: true, generation: 'abcdef1' });
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });
});
