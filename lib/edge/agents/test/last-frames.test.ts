/** What an agent sent before its end is read before it counts as gone, however slowly the dashboard reads. */
import { afterEach, expect, it } from 'vitest';
import { AGENT_PING_INTERVAL_MS } from '../agent-gateway';
import { AGENT_PACE } from '../agent-socket';
import { Peer } from '../../testing/peer';
import { ShiftedLoop } from '../../testing/shifted-loop';
import { BY, createTestServer, TOKEN } from '../../testing/test-server';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const frame = (type: string, payload: unknown) => JSON.stringify({ type, payload });

it('the result of a switch behind more output than the budget allows, although the agent has ended and pings failed', async () => {
  const budget = { now: 0 };
  const loop = new ShiftedLoop();
  const bytes = { burst: 64 * 1_024, perSecond: 64 * 1_024 };
  const pace = { limits: { ...AGENT_PACE.limits, bytes }, now: () => budget.now };
  const server = await createTestServer({ pace, loop });
  closers.push(() => server.close());
  const agent = (): Peer => {
    const peer = Peer.dial({
      url: `ws://127.0.0.1:${server.port}/ws`,
      headers: { authorization: `Bearer ${TOKEN}` },
      hello: [frame('register', { hostname: 'h1', generation: '3c9a808' })],
    });
    closers.push(() => peer.stop());
    return peer;
  };
  const first = agent();
  await first.message('registered');
  const [result] = await server.fleet.dispatch({ operation: 'switch', hostIds: ['h1'], requestId: 'r', by: BY });
  if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  await first.message('"switch"');
  const line = 'x'.repeat(50_000);
  for (let sent = 0; sent < 6; sent += 1) first.send(frame('output', { line, stream: 'stdout' }));
  await first.leave(frame('status', { status: 'ok', command: 'switch', exit_code: 0 }));
  const second = agent();
  await server.until(() => server.fleet.heldAgents().length === 1);
  const pings = 3;
  for (let sent = 0; sent < pings; sent += 1) {
    loop.advance(AGENT_PING_INTERVAL_MS);
    await new Promise((resolve) => loop.afterRead(() => resolve(undefined)));
  }
  expect((await server.fleet.command(result.commandId))?.outcome).toBeNull();
  // The budget recovers, and the rest is read.
  budget.now += 3_600_000;
  await second.message('registered');
  await server.until(async () => (await server.fleet.command(result.commandId))?.outcome !== null);
  expect(await server.fleet.command(result.commandId)).toMatchObject({ outcome: 'succeeded', exitCode: 0 });
  const lines = await server.fleet.output(result.commandId, 0, 10);
  // The dashboard adds that the switch is not confirmed.
  expect(lines.filter(({ stream }) => stream !== 'note')).toHaveLength(6);
});
