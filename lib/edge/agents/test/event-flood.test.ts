/** One token whose agent sends unreadable frames, is closed, and dials again at once. */
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EVENTS_PER_HOST_TOKEN } from '@/lib/limits/event-budget';
import { auditEvents } from '@/lib/store/sqlite/audit';
import { UNREADABLE_LIMITS } from '../agent-socket';
import { createTestServer, type TestServer } from '../../testing/test-server';

const LINKS = 40;
/** The last of them closes the connection. */
const FRAMES_PER_LINK = UNREADABLE_LIMITS.burst + 1;
const MALFORMED = [
  '{',
  JSON.stringify({ type: 'heartbeat', payload: { command_pid: 'not a number' } }),
  JSON.stringify({ type: 'heartbeat', payload: { generation: 7 } }),
];

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

it('causes a bounded number of events and one sum, and hides nothing of others', async () => {
  await server.registeredAgent('h1').then((agent) => agent.close());
  const token = await server.access.administration.issueToken({ id: 'h1', name: 'h1' }, server.by);
  let sent = 0;
  for (let links = 0; links < LINKS; links += 1) {
    const agent = await server.agent(token);
    const closed = once(agent.socket, 'close');
    for (let frames = 0; frames < FRAMES_PER_LINK; frames += 1) agent.raw(MALFORMED[frames % MALFORMED.length] ?? '');
    sent += FRAMES_PER_LINK;
    expect((await closed)[0]).toBe(1008);
  }
  expect(sent).toBeGreaterThanOrEqual(500);
  await server.registeredAgent('h2').then((agent) => agent.close());
  await server.fleet.stop();

  const events = await server.fleet.events({ limit: 500 });
  const of = (action: string) => events.filter((event) => event.action === action);
  expect(of('agent.fault')).toHaveLength(EVENTS_PER_HOST_TOKEN);
  expect(of('events.summed')).toHaveLength(1);
  const perLink = MALFORMED.length + 1;
  expect(of('events.summed')[0]?.params).toMatchObject({
    events: LINKS * perLink - EVENTS_PER_HOST_TOKEN,
    kinds: [{ name: 'agent.fault' }],
  });
  expect(of('agent.connected').map(({ hostName }) => hostName)).toContain('h2');
  expect(of('agent-token.created')).toHaveLength(1);
  expect(auditEvents(server.db.$client)).toMatchObject({ problems: [], chains: { main: { first: { id: 1 } } } });
});
