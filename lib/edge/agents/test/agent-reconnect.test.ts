/** An agent that dials again while frames of its closed connection still wait to be worked through. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SLICE_MS, type Pace } from '../../links/paced-stream';
import { createTestServer, type AgentClient, type TestServer } from '../../testing/test-server';

const PLENTY = { burst: 1e12, perSecond: 1e12 };
const LINES = 400;

/** Every message takes a slice of its own. */
function slowPace(): Pace {
  let ms = 0;
  return { limits: { bytes: PLENTY, workMs: PLENTY }, now: () => (ms += SLICE_MS) };
}

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer({ pace: slowPace() });
});
afterEach(async () => {
  await server.close();
});

const register = (instance: string) => ({ hostname: 'h1', protocol: 3, instance, running: null, finished: [] });

/** An agent that ran a command and closed its connection after the result, and its next connection, not yet registered. */
async function closedAfterResult(): Promise<{ id: string; next: AgentClient }> {
  const agent = await server.agent();
  agent.send('register', register('i1'));
  await agent.inbox.find((frame) => frame.type === 'registered');
  const [result] = await server.fleet.dispatch({ operation: 'test', hostIds: ['h1'], requestId: 'r', by: server.by });
  if (result?.kind !== 'accepted') throw new Error('not accepted');
  const id = result.commandId;
  await agent.inbox.find((frame) => frame.type === 'command');
  const next = await server.agent();
  for (let seq = 1; seq <= LINES; seq += 1) {
    agent.send('output_batch', { command_id: id, lines: [{ seq, stream: 'stdout', line: `line ${seq}` }] });
  }
  agent.send('status', { status: 'ok', command: 'test', exit_code: 0, command_id: id, last_seq: LINES });
  agent.socket.close(1000);
  // All of it is some 45 KiB, which Node reads at once.
  await server.until(async () => ((await server.fleet.command(id))?.lines ?? 0) > 0);
  return { id, next };
}

describe('an agent that dials again', () => {
  it('loses nothing that it sent before closing its previous connection', async () => {
    const { id, next } = await closedAfterResult();
    next.send('register', register('i1'));
    await next.inbox.find((frame) => frame.type === 'registered');
    next.send('heartbeat', { generation: '', command_id: null });
    await server.until(async () => (await server.fleet.command(id))?.outcome !== null);
    expect(await server.fleet.command(id)).toMatchObject({ exitCode: 0, outcome: 'succeeded' });
    const texts = (await server.fleet.output(id, 0, 1_000)).map(({ text }) => text);
    expect(texts).toEqual(Array.from({ length: LINES }, (_, index) => `line ${index + 1}`));
  });

  it('is not taken for a second agent although it is a new process', async () => {
    const { id, next } = await closedAfterResult();
    next.send('register', register('i2'));
    await next.inbox.find((frame) => frame.type === 'registered');
    next.send('heartbeat', { generation: '', command_id: null });
    await server.until(async () => (await server.fleet.command(id))?.outcome !== null);
    expect(await server.fleet.output(id, 0, 1_000)).toHaveLength(LINES);
    // Events of agents are stored in batches, in their order: this one comes after what there may be.
    const actions = async () => (await server.fleet.events({ limit: 100 })).map(({ action }) => action);
    await server.until(async () => (await actions()).filter((action) => action === 'agent.connected').length === 2);
    expect(await actions()).not.toContain('agent.held');
  });
});
