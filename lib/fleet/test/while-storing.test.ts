/** What happens while a batch is being stored, or is refused: nothing is lost, and nobody stays in between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentFault } from '../events';
import { StoreGate } from '../testing/store-gate';
import { BY, openBench, QUIET, settle, type Bench, type TestLink } from '../testing/test-fleet';
import { MAX_KEPT_OF_KEY, MAX_WAITING } from '../turns/turn-runner';
import { v1RegisterSchema } from '@/lib/protocol/http/v1-agent';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';

const OK = { status: 'ok', command: 'test', exit_code: 0 };
const V1_REGISTER = v1RegisterSchema.parse({ hostname: 'h1', host_type: 'nixos', current_generation: 'bbbbbbb' });
const OTHER_ADDRESS = '203.0.113.9';
const OWN = { kind: 'host', hostId: 'h1', tokenId: 't1' } as const;

let bench: Bench;
let gate: StoreGate;
beforeEach(async () => {
  bench = await openBench();
  gate = new StoreGate(bench.store);
});
afterEach(async () => {
  gate.accept();
  await gate.open();
  await bench.close();
});

/** Sends a frame and waits for nothing. */
function send(link: TestLink, type: string, payload: unknown): void {
  bench.fleet.inbox.frame(link, parseAgentFrame(JSON.stringify({ type, payload })));
}
const sent = (link: TestLink) => link.frames.map(({ type }) => type);
const outcomeOf = async (id: string) => (await bench.fleet.command(id))?.outcome;
const texts = async (id: string) => (await bench.store.output(id, 0, 100)).map(({ text }) => text);
/** From an address that is not yet over its budget. */
const unreadable = (problem: string, n: number) =>
  agentFault(null, { fault: 'unreadable', problem }, 1, `192.0.2.${n}`);

/** A host whose agent has begun a test and then lost its connection. */
async function interrupted(register: Record<string, unknown> = {}): Promise<string> {
  const link = await bench.agent('h1', register);
  await bench.say(link, 'heartbeat', QUIET);
  const id = await bench.dispatch('test');
  await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
  await bench.hangUp(link);
  await bench.advance(2_000);
  return id;
}

describe('a connection that the dashboard has closed', () => {
  it('no longer counts with what it sent while another one took its place', async () => {
    const impostor = await bench.agent('h1');
    gate.shut();
    const own = bench.connect(OTHER_ADDRESS, OWN);
    send(own, 'register', { hostname: 'h1', generation: 'bbbbbbb' });
    await settle();
    send(impostor, 'heartbeat', { ...QUIET, generation: 'eeeeeee' });
    await gate.open();
    expect([impostor.closed?.code, sent(own)]).toEqual([4409, ['registered']]);
    expect(bench.fleet.host('h1')?.generation).toBe('bbbbbbb');
  });

  it('is ignored, with a result that waits to be stored, when its token is revoked', async () => {
    await bench.fleet.enrolHost('h1', '192.0.2.1');
    const link = bench.connect(OTHER_ADDRESS, OWN);
    await bench.say(link, 'register', { hostname: 'h1', generation: 'aaaaaaa' });
    await bench.say(link, 'heartbeat', QUIET);
    const id = await bench.dispatch('test');
    gate.shut();
    send(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    await settle();
    send(link, 'status', OK);
    bench.policy.ended.add('t1');
    bench.fleet.reconsiderAgents();
    expect(link.closed?.code).toBe(4401);
    await gate.open();
    await bench.advance(60 * 60_000);
    expect(await outcomeOf(id)).toBe('lost');
  });

  it('is not handed a command if its token was revoked while its poll waited', async () => {
    await bench.fleet.enrolHost('h1', '192.0.2.1');
    const call = { id: 'h1', address: OTHER_ADDRESS, identity: OWN };
    await bench.fleet.v1Inbox.poll(call);
    const request = { operation: 'pull-switch', hostIds: ['h1'], requestId: 'r', stepUp: true, by: BY } as const;
    await bench.fleet.dispatch(request);
    gate.shut();
    const first = bench.fleet.v1Inbox.register(call, V1_REGISTER);
    const second = bench.fleet.v1Inbox.poll(call);
    bench.policy.ended.add('t1');
    await gate.open();
    expect([(await first).kind, (await second).kind]).toEqual(['ok', 'wrong-token']);
  });
});

describe('a claim', () => {
  it('of a connection that ends while it is stored admits the held one', async () => {
    const instance = { protocol: 3, instance: 'one', running: null, finished: [] };
    const present = await bench.agent('h1', instance);
    present.isAlive = true;
    const held = bench.connect(OTHER_ADDRESS);
    await bench.say(held, 'register', { hostname: 'h1' });
    expect(bench.fleet.heldAgents()).toHaveLength(1);
    gate.shut();
    const successor = bench.connect();
    send(successor, 'register', { hostname: 'h1', generation: 'ccccccc', ...instance });
    await settle();
    bench.fleet.inbox.disconnected(successor, 1006, '');
    await gate.open();
    expect(sent(held)).toEqual(['registered']);
    expect(bench.fleet.host('h1')?.online).toBe(true);
  });

  it('that breaks a rule of the database closes the connection', async () => {
    gate.refuse('constraint');
    const link = bench.connect();
    await bench.say(link, 'register', { hostname: 'h1' });
    expect(link.closed?.code).toBe(1013);
  });

  it('that is kept while the database refuses is followed by the frames behind it', async () => {
    const instance = { protocol: 3, instance: 'one', running: null, finished: [] };
    const id = await interrupted(instance);
    gate.refuse('disk-full');
    const link = bench.connect();
    send(link, 'register', { hostname: 'h1', generation: 'bbbbbbb', ...instance, finished: [id] });
    send(link, 'status', { ...OK, command_id: id, last_seq: 0 });
    await settle();
    gate.accept();
    await bench.advance(5_000);
    expect(sent(link)).toContain('ack');
    await bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(await outcomeOf(id)).toBe('succeeded');
  });

  it.each(['aaaaaaa', 'bbbbbbb'])(
    'with a result right behind it counts although the connection ends (%s)',
    async (generation) => {
      const id = await interrupted();
      gate.shut();
      const link = bench.connect();
      send(link, 'register', { hostname: 'h1', generation });
      send(link, 'status', OK);
      bench.fleet.inbox.disconnected(link, 1006, '');
      await gate.open();
      expect(await bench.fleet.command(id)).toMatchObject({ phase: 'verifying' });
      expect(bench.fleet.host('h1')?.online).toBe(false);
    },
  );
});

describe('while the database refuses', () => {
  it('the output of one host takes no room from the results of others', async () => {
    const noisy = await bench.agent('noisy');
    const quiet = await bench.agent('h1');
    await bench.dispatch('test', 'noisy');
    const id = await bench.dispatch('test');
    gate.refuse('disk-full');
    for (let n = 0; n < 3 * MAX_KEPT_OF_KEY; n += 1) {
      await bench.say(noisy, 'output', { line: `line ${n}`, stream: 'stdout' });
      await bench.say(noisy, 'status', { status: 'ok', command: 'unknown', exit_code: 0 });
    }
    await bench.say(quiet, 'status', OK);
    expect(bench.fleet.vitals().queues.unstored).toBeLessThanOrEqual(MAX_KEPT_OF_KEY + 1);
    gate.accept();
    await bench.advance(5_000);
    await bench.say(quiet, 'heartbeat', QUIET);
    expect(await outcomeOf(id)).toBe('succeeded');
  });

  it('output waits, and is stored when another input finds that it works again', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('test');
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    gate.refuse('disk-full');
    await bench.say(link, 'output', { line: 'one', stream: 'stdout' });
    await bench.advance(100);
    gate.accept();
    await bench.advance(1_000);
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test', generation: 'bbbbbbb' });
    await bench.advance(2_000);
    expect(await texts(id)).toEqual(['one']);
  });
});

it('the end of a connection counts however many inputs wait', async () => {
  const link = await bench.agent('h1');
  gate.shut();
  send(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  await settle();
  for (let n = 0; n <= MAX_WAITING; n += 1) send(link, 'heartbeat', QUIET);
  await bench.hangUp(link);
  await gate.open();
  expect(bench.fleet.host('h1')?.online).toBe(false);
});

describe('a stop', () => {
  it('stores the lines that came while others were being stored', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('test');
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    await bench.advance(1_000);
    gate.shut();
    send(link, 'output', { line: 'one', stream: 'stdout' });
    await bench.advance(100);
    send(link, 'output', { line: 'two', stream: 'stdout' });
    const stopped = bench.fleet.stop();
    await gate.open();
    await stopped;
    expect(await texts(id)).toEqual(['one', 'two']);
  });

  it('stores the event of a connection that ended while its host was being stored', async () => {
    const link = await bench.agent('h1');
    await bench.advance(20_000);
    gate.shut();
    send(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    await settle();
    bench.fleet.inbox.disconnected(link, 1001, 'shutdown');
    const stopped = bench.fleet.stop();
    await gate.open();
    await stopped;
    const actions = (await bench.store.events({ limit: 20 })).map(({ action }) => action);
    expect(actions).toContain('agent.disconnected');
  });

  it('stores everything that was kept while the database refused', async () => {
    gate.refuse('disk-full');
    for (const n of [1, 2, 3, 4, 5]) await bench.fleet.record(unreadable(`event ${n}`, n));
    gate.accept();
    await bench.fleet.stop();
    expect((await bench.store.events({ limit: 20 })).map(({ params }) => params.problem)).toEqual(
      [5, 4, 3, 2, 1].map((n) => `event ${n}`),
    );
  });
});

it('events of other parts that come together share a transaction', async () => {
  let commits = 0;
  const commit = bench.store.commit.bind(bench.store);
  bench.store.commit = (writes) => {
    commits += 1;
    return commit(writes);
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => bench.fleet.record(unreadable(`event ${n}`, n))));
  expect(commits).toBeLessThanOrEqual(2);
  expect((await bench.store.events({ limit: 100 })).map(({ params }) => params.problem).reverse()).toEqual(
    Array.from({ length: 50 }, (_, n) => `event ${n}`),
  );
});
