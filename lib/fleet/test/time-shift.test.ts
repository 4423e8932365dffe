/** Time in which the dashboard could not work and clocks that are set must not end anything. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DUPLICATE_PROBE_MS } from '../agents/admission-rules';
import { LATE_OUTPUT_MS } from '../turns/fleet-memory';
import { STAGE_WAIT_MS } from '../pipelines/pipeline-machine';
import { MIN_QUEUE_MS } from '../operations/queue-time';
import { BY, openBench, QUIET, type Bench } from '../testing/test-fleet';
import { MIN_SHIFT_MS } from '../turns/wall-clock-lead';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const command = async (id: string) => {
  const found = await bench.fleet.command(id);
  if (!found) throw new Error(`no command ${id}`);
  return found;
};
const online = async (name: string) => {
  const link = await bench.agent(name);
  await bench.say(link, 'heartbeat', QUIET);
  await bench.advance(100);
  return link;
};
const result = { status: 'ok', command: 'pull', exit_code: 0 };

describe('while the event loop is blocked', () => {
  it('a command ends with the unread result although its deadline has passed', async () => {
    const link = await online('h1');
    const id = await bench.dispatch('pull');
    await bench.advance(5 * MINUTE - 5_000);
    bench.clock.unread.push(() => {
      void bench.say(link, 'status', result);
      void bench.say(link, 'heartbeat', QUIET);
    });
    bench.clock.hold(12_000);
    await bench.advance(1_000);
    expect(await command(id)).toMatchObject({ outcome: 'unchanged' });
  });

  it('a command’s deadline moves by the blocked time, to the second', async () => {
    await online('h1');
    const id = await bench.dispatch('pull');
    await bench.advance(4 * MINUTE);
    bench.clock.hold(HOUR);
    await bench.advance(MINUTE - 3_000);
    expect(await command(id)).toMatchObject({ phase: 'warning', outcome: null });
    await bench.advance(5_000);
    expect((await command(id)).outcome).toBe('timed-out');
    const warnings = (await bench.store.events({ limit: 100 })).filter(({ action }) => action === 'command.warning');
    expect(warnings).toHaveLength(1);
  });

  it('many short blocks count as much as a long one', async () => {
    await online('h1');
    const id = await bench.dispatch('pull');
    for (let times = 0; times < 400; times += 1) {
      bench.clock.hold(MIN_SHIFT_MS - 1);
      await bench.advance(100);
    }
    expect(await command(id)).toMatchObject({ phase: 'sent', outcome: null });
  });

  it('an input right after it sees the moved deadlines', async () => {
    const link = await online('h1');
    const id = await bench.dispatch('switch');
    await bench.advance(MINUTE);
    bench.clock.hold(3 * HOUR);
    // Before any tick: the connection closed meanwhile, which sets a deadline based on the previous one.
    bench.fleet.inbox.disconnected(link, 1006, '');
    await bench.advance(MINUTE);
    expect(await command(id)).toMatchObject({ phase: 'awaiting-reconnect', outcome: null });
  });

  it('the current agent keeps its full time to answer a probe', async () => {
    const present = await online('h1');
    const other = await bench.agent('h1');
    bench.clock.unread.push(() => (present.isAlive = true));
    bench.clock.hold(12_000);
    await bench.advance(DUPLICATE_PROBE_MS + 1_000);
    expect([present.closed, other.frames]).toEqual([null, []]);
  });

  it('a host stays online while the call of its version-1 agent is unread', async () => {
    const call = { id: 'old', address: '192.0.2.9', identity: { kind: 'shared' } } as const;
    await bench.fleet.v1Inbox.poll(call);
    await bench.fleet.v1Inbox.poll(call);
    await bench.advance(80_000);
    bench.clock.unread.push(() => void bench.fleet.v1Inbox.poll(call));
    bench.clock.hold(60_000);
    await bench.advance(1_000);
    expect(bench.fleet.host('old')?.online).toBe(true);
    expect(bench.events.filter(({ action }) => action === 'agent.disconnected')).toEqual([]);
  });

  it('output that follows the end of its command still belongs to it', async () => {
    const link = await online('h1');
    const id = await bench.dispatch('pull');
    await bench.say(link, 'status', result);
    await bench.say(link, 'heartbeat', QUIET);
    await bench.advance(100);
    expect((await command(id)).outcome).toBe('unchanged');
    bench.clock.hold(2 * LATE_OUTPUT_MS);
    await bench.say(link, 'output', { line: 'the last line', stream: 'stdout' });
    await bench.advance(LATE_OUTPUT_MS + 1_000);
    await bench.say(link, 'output', { line: 'of something else', stream: 'stdout' });
    await bench.advance(100);
    expect((await bench.fleet.output(id, 0, 10)).map(({ text }) => text)).toEqual(['the last line']);
  });
});

describe('setting the clock', () => {
  it.each([
    ['forward by 125 minutes', 125 * MINUTE],
    ['back by three hours', -3 * HOUR],
    ['forward by a year', YEAR],
    ['back by a year', -YEAR],
  ])('%s ends nothing and keeps nothing from ending', async (_how, ms) => {
    await online('h1');
    const id = await bench.dispatch('pull');
    const link = await bench.agent('h2');
    bench.fleet.inbox.disconnected(link, 1006, '');
    const [queued] = await bench.fleet.dispatch({
      operation: 'pull',
      hostIds: ['h2'],
      requestId: 'q',
      queueForMs: MIN_QUEUE_MS,
      by: BY,
    });
    if (queued?.kind !== 'queued') throw new Error('not queued');
    await bench.advance(MINUTE);
    bench.clock.step(ms);
    await bench.advance(3 * MINUTE);
    expect([(await command(id)).outcome, (await command(queued.commandId)).outcome]).toEqual([null, null]);
    await bench.advance(2 * MINUTE + 2_000);
    expect([(await command(id)).outcome, (await command(queued.commandId)).outcome]).toEqual(['timed-out', 'expired']);
  });

  it('moves all stored deadlines in one transaction', async () => {
    for (const name of ['h1', 'h2', 'h3']) await online(name);
    const ids = [
      await bench.dispatch('pull', 'h1'),
      await bench.dispatch('pull', 'h2'),
      await bench.dispatch('pull', 'h3'),
    ];
    await bench.advance(10_000);
    const deadlines = () =>
      Promise.all(
        ids.map(async (id) => {
          const state = (await bench.store.command(id))?.state;
          return state && state.phase !== 'ended' && state.phase !== 'queued' ? state.hardDeadline : 0;
        }),
      );
    const before = await deadlines();
    const commit = bench.store.commit.bind(bench.store);
    let commits = 0;
    bench.store.commit = (writes) => {
      if ((writes.commands ?? []).length > 0) commits += 1;
      return commit(writes);
    };
    bench.clock.step(2 * HOUR);
    await bench.advance(1_000);
    expect(await deadlines()).toEqual(before.map((at) => at + 2 * HOUR));
    expect(commits).toBe(1);
  });

  it('back by a year just before a request does not end its command', async () => {
    await online('h1');
    bench.clock.step(-YEAR);
    const id = await bench.dispatch('pull');
    await bench.advance(3_000);
    expect((await command(id)).outcome).toBeNull();
    bench.clock.step(YEAR);
    const [, again] = [await bench.agent('h2'), await bench.dispatch('pull', 'h2')];
    await bench.advance(5 * MINUTE + 2_000);
    expect([(await command(id)).outcome, (await command(again)).outcome]).toEqual(['timed-out', 'timed-out']);
  });

  it('back by an hour does not delay output', async () => {
    const link = await online('h1');
    const id = await bench.dispatch('pull');
    await bench.say(link, 'output', { line: 'before', stream: 'stdout' });
    await bench.advance(100);
    bench.clock.step(-HOUR);
    await bench.say(link, 'output', { line: 'after', stream: 'stdout' });
    await bench.advance(100);
    expect((await bench.fleet.output(id, 0, 10)).map(({ text }) => text)).toEqual(['before', 'after']);
  });
});

describe('a waiting stage of a pipeline', () => {
  it.each(['hold', 'step'] as const)('keeps waiting after a %s as long as its whole waiting time', async (how) => {
    const link = await online('h1');
    const start = await bench.fleet.startPipeline({
      kind: 'custom',
      stages: ['pull', 'test'],
      hostIds: ['h1'],
      requestId: 'p',
      parallelism: 1,
      stopOnFailure: false,
      stepUp: true,
      by: BY,
    });
    if (start.kind !== 'started') throw new Error('not started');
    await bench.say(link, 'status', result);
    // Another command runs there, so the next stage has to wait; then the host disconnects.
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'update' });
    await bench.advance(100);
    bench.fleet.inbox.disconnected(link, 1006, '');
    const pipeline = () => bench.fleet.pipeline(start.pipelineId);
    await bench.advance(STAGE_WAIT_MS - 2 * MINUTE);
    bench.clock[how](STAGE_WAIT_MS);
    await bench.advance(MINUTE);
    expect(await pipeline()).toMatchObject({
      phase: 'running',
      hosts: [{ steps: [{ status: 'done' }, { status: 'waiting' }] }],
    });
    await bench.advance(2 * MINUTE);
    expect((await pipeline())?.phase).toBe('ended');
  });
});
