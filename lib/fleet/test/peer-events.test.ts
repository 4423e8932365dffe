/** However many events agents and visitors cause, the history of operators stays. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  EVENT_WINDOW_MS,
  EVENTS_OF_SHARED_TOKEN,
  EVENTS_OF_SHARED_TOKEN_WITHOUT_HOST,
  EVENTS_PER_ADDRESS,
  EVENTS_PER_HOST,
  EVENTS_PER_HOST_TOKEN,
  EVENTS_PER_KIND_AND_ADDRESS,
  EVENTS_PER_KIND_WITHOUT_TOKEN,
} from '@/lib/limits/event-budget';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import { auditEvents } from '@/lib/store/sqlite/audit';
import { DEFAULT_RETENTION, retentionSteps } from '@/lib/store/sqlite/retention';
import { agentDisconnected, agentReport, NOBODY } from '../events';
import type { CodedEvent } from '../events/event-table';
import type { AgentIdentity } from '../records/agent-port';
import { BY, openBench, settle, type Bench } from '../testing/test-fleet';
import { PeerEventBudget } from '../turns/peer-event-budget';

const TOKEN: AgentIdentity = { kind: 'host', hostId: 'h1', tokenId: 'token-1' };
/** Each type is a separate problem: a connection reports each problem once. */
const UNKNOWN_FRAMES = ['a', 'b', 'c', 'd', 'e'].map((type) => JSON.stringify({ type, payload: {} }));

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const countOf = (action: string) => bench.events.filter((event) => event.action === action).length;
const sums = () => bench.events.filter(({ action }) => action === 'events.summed');

/** A connection that sends nothing but frames of unknown types. Returns how many. */
function faults(identity?: AgentIdentity, address?: string): number {
  const link = bench.connect(address, identity);
  for (const text of UNKNOWN_FRAMES) bench.fleet.inbox.frame(link, parseAgentFrame(text));
  bench.fleet.inbox.disconnected(link, 1006, '');
  return UNKNOWN_FRAMES.length;
}

/** An event of somebody without a session. */
const refuse = (refusal: CodedEvent, address: string) =>
  bench.fleet.record({ ...NOBODY, at: bench.clock.now(), actorKind: 'agent', actor: 'agent', address, ...refusal });
const signInRefused = (wrong: 'password' | 'code', address: string) =>
  refuse({ action: 'auth.sign-in.refused', params: { wrong, userAgent: '' } }, address);

describe('one token that sends invalid frames for 40 minutes', () => {
  it('causes a bounded number of events and one sum, and deletes nothing that operators did', async () => {
    await bench.agent('h1');
    await bench.dispatch('pull');
    const limits = { ...DEFAULT_RETENTION, eventRows: 20 };
    const { $client: client } = bench.database.db;
    const retain = () =>
      Array.from(
        retentionSteps(bench.database.db, limits, bench.clock.now(), (event) => void bench.fleet.record(event)),
      );
    const history = () =>
      client
        .prepare<[], string>("select action from events where chain = 'main' and action <> 'events.cut'")
        .pluck()
        .all();
    const before = history();
    expect(before).toContain('command.requested');

    let sent = 0;
    for (let seconds = 0; seconds < 40 * 60; seconds += 10) {
      for (let links = 0; links < 20; links += 1) sent += faults(TOKEN);
      await bench.advance(10_000);
    }
    expect(sent).toBe(24_000);
    expect(countOf('agent.fault')).toBe(EVENTS_PER_HOST_TOKEN);
    expect(sums()).toEqual([]);
    await bench.advance(EVENT_WINDOW_MS);
    expect(sums()).toHaveLength(1);
    expect(sums()[0]?.params).toMatchObject({
      events: sent - EVENTS_PER_HOST_TOKEN,
      kinds: [{ name: 'agent.fault', count: sent - EVENTS_PER_HOST_TOKEN }],
      addresses: 1,
      ofAddresses: [{ name: '198.51.100.1' }],
    });
    // Twice: events are deleted only once their anchor is stored.
    retain();
    await settle();
    retain();
    expect(client.prepare("select count(*) from events where chain = 'peers'").pluck().get()).toBe(5);
    expect(history().slice(0, before.length)).toEqual(before);
    expect(auditEvents(client).problems).toEqual([]);
  });

  it('hides neither the events of others at its address, nor those of its host with another token', async () => {
    for (let links = 0; links < 100; links += 1) faults(TOKEN);
    await bench.advance(2_000);
    expect(countOf('agent.fault')).toBe(EVENTS_PER_HOST_TOKEN);
    faults({ ...TOKEN, tokenId: 'token-2' });
    faults();
    await bench.agent('h2');
    await bench.advance(2_000);
    expect(countOf('agent.fault')).toBe(EVENTS_PER_HOST_TOKEN + 2 * UNKNOWN_FRAMES.length);
    expect(countOf('agent.connected')).toBe(1);
  });
});

it('the shared token has a bound for agents that speak for no host, whatever their addresses', async () => {
  for (let links = 0; links < 100; links += 1) faults({ kind: 'shared' }, `198.51.100.${links}`);
  await bench.agent('h1');
  await bench.advance(2_000);
  expect(countOf('agent.fault')).toBe(EVENTS_OF_SHARED_TOKEN_WITHOUT_HOST);
  expect(countOf('agent.connected')).toBe(1);
});

describe('the shared token that fills every bound at its address', () => {
  const SHARED: AgentIdentity = { kind: 'shared' };
  const ADDRESS = '198.51.100.1';
  const host = (id: string) => ({ id, name: id });
  let budget: PeerEventBudget;
  beforeEach(() => {
    budget = new PeerEventBudget(bench.options);
    const most = Math.max(EVENTS_OF_SHARED_TOKEN, EVENTS_PER_ADDRESS);
    const admitted = Array.from({ length: most + 1 }, (_, index) => {
      const id = index < EVENTS_PER_HOST ? 'h1' : `other-${index % 100}`;
      return budget.admits(agentReport(host(id), { status: 'ok', words: '' }, 0, ADDRESS), SHARED);
    });
    expect(admitted.filter(Boolean)).toHaveLength(EVENTS_OF_SHARED_TOKEN);
  });

  it('hides no event of an agent with a host token at that address', () => {
    const report = agentReport(host('h1'), { status: 'ok', words: '' }, 0, ADDRESS);
    const admitted = Array.from({ length: EVENTS_PER_HOST_TOKEN + 1 }, () => budget.admits(report, TOKEN));
    expect(admitted.filter(Boolean)).toHaveLength(EVENTS_PER_HOST_TOKEN);
  });

  it('does not hide that a version-1 agent stopped polling', () => {
    const stopped = agentDisconnected(host('h1'), { how: 'stopped-polling' }, 0, '');
    const admitted = Array.from({ length: EVENTS_PER_HOST + 1 }, () => budget.admits(stopped, null));
    expect(admitted.filter(Boolean)).toHaveLength(EVENTS_PER_HOST);
  });
});

describe('visitors without a session', () => {
  it('at one address hide no event of the same kind from another address', async () => {
    for (let attempt = 0; attempt < 100; attempt += 1) await signInRefused('password', '203.0.113.9');
    expect(countOf('auth.sign-in.refused')).toBe(EVENTS_PER_KIND_AND_ADDRESS);
    await signInRefused('password', '192.0.2.7');
    expect(countOf('auth.sign-in.refused')).toBe(EVENTS_PER_KIND_AND_ADDRESS + 1);
  });

  it('cause a bounded number of events of each kind, and one kind hides no other', async () => {
    for (let attempt = 0; attempt < 500; attempt += 1) await signInRefused('password', `203.0.113.${attempt % 250}`);
    await refuse({ action: 'agent.refused', params: { token: 'none' } }, '203.0.113.9');
    await settle();
    expect(countOf('auth.sign-in.refused')).toBe(EVENTS_PER_KIND_WITHOUT_TOKEN);
    expect(countOf('agent.refused')).toBe(1);
    await bench.advance(EVENT_WINDOW_MS);
    expect(sums()).toMatchObject([{ category: 'auth', params: { events: 500 - EVENTS_PER_KIND_WITHOUT_TOKEN } }]);
    await signInRefused('password', '203.0.113.9');
    expect(countOf('auth.sign-in.refused')).toBe(EVENTS_PER_KIND_WITHOUT_TOKEN + 1);
  });

  it('cannot hide a sign-in with the right password and a wrong code, nor what operators do', async () => {
    for (let attempt = 0; attempt < 100; attempt += 1) await signInRefused('password', '203.0.113.9');
    for (let attempt = 0; attempt < 100; attempt += 1) await signInRefused('code', '203.0.113.9');
    expect(countOf('auth.sign-in.refused')).toBe(EVENTS_PER_KIND_AND_ADDRESS + 100);
    const head = { ...NOBODY, at: 1, actorKind: 'operator', actor: BY.userName, address: BY.address } as const;
    for (let count = 0; count < 100; count += 1) {
      await bench.fleet.record({ ...head, action: 'agents.rule', params: { rule: 'approval', value: true } });
    }
    expect(countOf('agents.rule')).toBe(100);
  });
});

it('a graceful stop stores the sum, also after the wall clock was set back', async () => {
  for (let links = 0; links < 30; links += 1) faults(TOKEN);
  bench.clock.step(-3 * EVENT_WINDOW_MS);
  await bench.advance(2_000);
  expect(sums()).toEqual([]);
  await bench.fleet.stop();
  expect(sums().map(({ params }) => params.events)).toEqual([30 * UNKNOWN_FRAMES.length - EVENTS_PER_HOST_TOKEN]);
});
