/** Time in which the dashboard could not work and clocks that are set must not end anything. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DUPLICATE_PROBE_MS } from '../agents/admission-rules';
import { LATE_OUTPUT_MS } from '../turns/fleet-core';
import { STAGE_WAIT_MS } from '../pipelines/pipeline-machine';
import { MIN_QUEUE_MS } from '../operations/queue-time';
import { BY, openBench, QUIET, type Bench } from '../testing/test-fleet';
import { MIN_SHIFT_MS } from '../turns/wall-clock-lead';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

let bench: Bench;
beforeEach(() => {
  bench = openBench({ groupMs: 4 });
});
afterEach(() => bench.close());

const command = (id: string) => {
  const found = bench.fleet.command(id);
  if (!found) throw new Error(`no command ${id}`);
  return found;
};
const online = (name: string) => {
  const link = bench.agent(name);
  bench.say(link, 'heartbeat', QUIET);
  bench.clock.advance(100);
  return link;
};
const result = { status: 'ok', command: 'pull', exit_code: 0 };

describe('while the event loop is blocked', () => {
  it('a command ends with the unread result although its deadline has passed', () => {
    const link = online('h1');
    const id = bench.dispatch('pull');
    bench.clock.advance(5 * MINUTE - 5_000);
    bench.clock.unread.push(() => {
      bench.say(link, 'status', result);
      bench.say(link, 'heartbeat', QUIET);
    });
    bench.clock.hold(12_000);
    bench.clock.advance(1_000);
    expect(command(id)).toMatchObject({ outcome: 'unchanged' });
  });

  it('a command’s deadline moves by the blocked time, to the second', () => {
    online('h1');
    const id = bench.dispatch('pull');
    bench.clock.advance(4 * MINUTE);
    bench.clock.hold(HOUR);
    bench.clock.advance(MINUTE - 3_000);
    expect(command(id)).toMatchObject({ phase: 'warning', outcome: null });
    bench.clock.advance(5_000);
    expect(command(id).outcome).toBe('timed-out');
    const warnings = bench.store.events({ limit: 100 }).filter(({ action }) => action === 'command.warning');
    expect(warnings).toHaveLength(1);
  });

  it('many short blocks count as much as a long one', () => {
    online('h1');
    const id = bench.dispatch('pull');
    for (let times = 0; times < 400; times += 1) {
      bench.clock.hold(MIN_SHIFT_MS - 1);
      bench.clock.advance(100);
    }
    expect(command(id)).toMatchObject({ phase: 'sent', outcome: null });
  });

  it('an input right after it sees the moved deadlines', () => {
    const link = online('h1');
    const id = bench.dispatch('switch');
    bench.clock.advance(MINUTE);
    bench.clock.hold(3 * HOUR);
    // Before any tick: the connection closed meanwhile, which sets a deadline based on the previous one.
    bench.fleet.inbox.disconnected(link, 1006, '');
    bench.clock.advance(MINUTE);
    expect(command(id)).toMatchObject({ phase: 'awaiting-reconnect', outcome: null });
  });

  it('the current agent keeps its full time to answer a probe', () => {
    const present = online('h1');
    const other = bench.agent('h1');
    bench.clock.unread.push(() => (present.isAlive = true));
    bench.clock.hold(12_000);
    bench.clock.advance(DUPLICATE_PROBE_MS + 1_000);
    expect([present.closed, other.frames]).toEqual([null, []]);
  });

  it('a host stays online while the call of its version-1 agent is unread', () => {
    const call = { id: 'old', address: '192.0.2.9', identity: { kind: 'shared' } } as const;
    bench.fleet.v1Inbox.poll(call);
    bench.fleet.v1Inbox.poll(call);
    bench.clock.advance(80_000);
    bench.clock.unread.push(() => bench.fleet.v1Inbox.poll(call));
    bench.clock.hold(60_000);
    bench.clock.advance(1_000);
    expect(bench.fleet.host('old')?.online).toBe(true);
    expect(bench.events.filter(({ action }) => action === 'agent.disconnected')).toEqual([]);
  });

  it('output that follows the end of its command still belongs to it', () => {
    const link = online('h1');
    const id = bench.dispatch('pull');
    bench.say(link, 'status', result);
    bench.say(link, 'heartbeat', QUIET);
    bench.clock.advance(100);
    expect(command(id).outcome).toBe('unchanged');
    bench.clock.hold(2 * LATE_OUTPUT_MS);
    bench.say(link, 'output', { line: 'the last line', stream: 'stdout' });
    bench.clock.advance(LATE_OUTPUT_MS + 1_000);
    bench.say(link, 'output', { line: 'of something else', stream: 'stdout' });
    bench.clock.advance(100);
    expect(bench.fleet.output(id, 0, 10).map(({ text }) => text)).toEqual(['the last line']);
  });
});

describe('setting the clock', () => {
  it.each([
    ['forward by 125 minutes', 125 * MINUTE],
    ['back by three hours', -3 * HOUR],
    ['forward by a year', YEAR],
    ['back by a year', -YEAR],
  ])('%s ends nothing and keeps nothing from ending', (_how, ms) => {
    online('h1');
    const id = bench.dispatch('pull');
    const link = bench.agent('h2');
    bench.fleet.inbox.disconnected(link, 1006, '');
    const [queued] = bench.fleet.dispatch({
      operation: 'pull',
      hostIds: ['h2'],
      requestId: 'q',
      queueForMs: MIN_QUEUE_MS,
      by: BY,
    });
    if (queued?.kind !== 'queued') throw new Error('not queued');
    bench.clock.advance(MINUTE);
    bench.clock.step(ms);
    bench.clock.advance(3 * MINUTE);
    expect([command(id).outcome, command(queued.commandId).outcome]).toEqual([null, null]);
    bench.clock.advance(2 * MINUTE + 2_000);
    expect([command(id).outcome, command(queued.commandId).outcome]).toEqual(['timed-out', 'expired']);
  });

  it('moves all stored deadlines in one transaction', () => {
    for (const name of ['h1', 'h2', 'h3']) online(name);
    const ids = ['h1', 'h2', 'h3'].map((name) => bench.dispatch('pull', name));
    bench.clock.advance(10_000);
    const deadlines = () =>
      ids.map((id) => {
        const state = bench.store.command(id)?.state;
        return state && state.phase !== 'ended' && state.phase !== 'queued' ? state.hardDeadline : 0;
      });
    const before = deadlines();
    const commit = bench.store.commit.bind(bench.store);
    let commits = 0;
    bench.store.commit = (writes) => {
      if ((writes.commands ?? []).length > 0) commits += 1;
      return commit(writes);
    };
    bench.clock.step(2 * HOUR);
    bench.clock.advance(1_000);
    expect(deadlines()).toEqual(before.map((at) => at + 2 * HOUR));
    expect(commits).toBe(1);
  });

  it('back by a year just before a request does not end its command', () => {
    online('h1');
    bench.clock.step(-YEAR);
    const id = bench.dispatch('pull');
    bench.clock.advance(3_000);
    expect(command(id).outcome).toBeNull();
    bench.clock.step(YEAR);
    const [, again] = [bench.agent('h2'), bench.dispatch('pull', 'h2')];
    bench.clock.advance(5 * MINUTE + 2_000);
    expect([command(id).outcome, command(again).outcome]).toEqual(['timed-out', 'timed-out']);
  });

  it('back by an hour does not delay output', () => {
    const link = online('h1');
    const id = bench.dispatch('pull');
    bench.say(link, 'output', { line: 'before', stream: 'stdout' });
    bench.clock.advance(100);
    bench.clock.step(-HOUR);
    bench.say(link, 'output', { line: 'after', stream: 'stdout' });
    bench.clock.advance(100);
    expect(bench.fleet.output(id, 0, 10).map(({ text }) => text)).toEqual(['before', 'after']);
  });
});

describe('a waiting stage of a pipeline', () => {
  it.each(['hold', 'step'] as const)('keeps waiting after a %s as long as its whole waiting time', (how) => {
    const link = online('h1');
    const start = bench.fleet.startPipeline({
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
    bench.say(link, 'status', result);
    // Another command runs there, so the next stage has to wait; then the host disconnects.
    bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'update' });
    bench.clock.advance(100);
    bench.fleet.inbox.disconnected(link, 1006, '');
    const pipeline = () => bench.fleet.pipeline(start.pipelineId);
    bench.clock.advance(STAGE_WAIT_MS - 2 * MINUTE);
    bench.clock[how](STAGE_WAIT_MS);
    bench.clock.advance(MINUTE);
    expect(pipeline()).toMatchObject({
      phase: 'running',
      hosts: [{ steps: [{ status: 'done' }, { status: 'waiting' }] }],
    });
    bench.clock.advance(2 * MINUTE);
    expect(pipeline()?.phase).toBe('ended');
  });
});
