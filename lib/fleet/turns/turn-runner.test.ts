import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseError } from '@/lib/store/sqlite/store-errors';
import { openBench, BY, QUIET, type Bench, type TestLink } from '../testing/test-fleet';
import type { Turn } from './turn';
import { MAX_GROUPED, MAX_GROUPED_OF_HOST, TurnRunner, type Refusal } from './turn-runner';

const GROUP_MS = 4;
const N = 20;

let bench: Bench;
let commits: number;
beforeEach(() => {
  bench = openBench({ groupMs: GROUP_MS });
  const commit = bench.store.commit.bind(bench.store);
  commits = 0;
  bench.store.commit = (writes) => {
    commits += 1;
    return commit(writes);
  };
});
afterEach(() => {
  bench.close();
});

const names = Array.from({ length: N }, (_, n) => `h${n}`);
const fleetOf = () => new Map(names.map((name) => [name, bench.agent(name)]));
const pullAll = () =>
  new Map(
    bench.fleet
      .dispatch({ operation: 'pull', hostIds: names, requestId: 'pull', by: BY })
      .flatMap((result) => (result.kind === 'accepted' ? [[result.hostName, result.commandId] as const] : [])),
  );
const status = { status: 'ok', command: 'pull', exit_code: 0 };

describe('inputs of many hosts', () => {
  it('share a transaction, and each takes effect', () => {
    const links = fleetOf();
    const commands = pullAll();
    commits = 0;
    for (const link of links.values()) {
      bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
      bench.say(link, 'status', status);
      bench.say(link, 'heartbeat', QUIET);
    }
    bench.clock.advance(GROUP_MS);
    expect(commits).toBe(3);
    for (const id of commands.values()) expect(bench.fleet.command(id)).toMatchObject({ outcome: 'unchanged' });
    for (const name of names) expect(bench.fleet.host(name)?.command).toBeNull();
  });

  it('are not published before they are stored', () => {
    const links = fleetOf();
    const commands = pullAll();
    for (const link of links.values()) bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    for (const id of commands.values()) expect(bench.fleet.command(id)?.phase).toBe('sent');
    bench.clock.advance(GROUP_MS);
    for (const id of commands.values()) {
      expect(bench.fleet.command(id)?.phase).toBe('running');
      expect(bench.store.command(id)?.state.phase).toBe('running');
    }
  });

  it('are acknowledged after they are stored', () => {
    const link = bench.agent('h1', { protocol: 3, instance: 'a', running: null, finished: [] });
    const id = bench.dispatch('pull');
    bench.say(link, 'status', { ...status, command_id: id, last_seq: 0 });
    expect(link.frames.some((frame) => frame.type === 'ack')).toBe(false);
    bench.clock.advance(GROUP_MS);
    expect(link.frames).toContainEqual({ type: 'ack', payload: { command_id: id, result: true } });
  });

  it('are processed before later requests, and before their agent’s disconnect', () => {
    const link = bench.agent('h1');
    const id = bench.dispatch('test');
    bench.say(link, 'status', { ...status, command: 'test' });
    bench.say(link, 'heartbeat', QUIET);
    const next = bench.dispatch('pull');
    expect(bench.fleet.command(id)?.outcome).toBe('succeeded');
    bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1 });
    bench.fleet.inbox.disconnected(link, 1006, '');
    expect(bench.fleet.command(next)).toMatchObject({ phase: 'verifying' });
  });

  it('do not wait if a heartbeat changes nothing', () => {
    const link = bench.agent('h1');
    bench.say(link, 'heartbeat', QUIET);
    bench.clock.advance(1_000);
    bench.say(link, 'heartbeat', { ...QUIET, metrics: { cpu: 7, ram: 1, swap: 1, load: 1 } });
    expect(bench.fleet.host('h1')?.metrics?.cpu).toBe(7);
  });

  it('are all stored when one host reaches its limit', () => {
    const link = bench.agent('h1');
    bench.clock.advance(GROUP_MS);
    commits = 0;
    for (let count = 1; count < MAX_GROUPED_OF_HOST; count += 1) {
      bench.say(link, 'heartbeat', { ...QUIET, generation: `bbbbbb${count}` });
    }
    expect(commits).toBe(0);
    bench.say(link, 'heartbeat', { ...QUIET, generation: 'ccccccc' });
    expect(commits).toBe(MAX_GROUPED_OF_HOST);
    expect(bench.fleet.host('h1')?.generation).toBe('ccccccc');
  });

  it('are stored although one of them violates a constraint', () => {
    const links = fleetOf();
    const commands = pullAll();
    const bad = commands.get('h7');
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = (writes) => {
      if (writes.commands?.some(({ id }) => id === bad)) throw new DatabaseError('constraint', 'It breaks a rule.');
      return commit(writes);
    };
    for (const link of links.values()) bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    bench.clock.advance(GROUP_MS);
    for (const [name, id] of commands) {
      expect(bench.fleet.command(id)?.phase, name).toBe(id === bad ? 'sent' : 'running');
    }
  });

  it('are kept while the database refuses, and processed afterwards', () => {
    const links = fleetOf();
    const commands = pullAll();
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = () => {
      throw new DatabaseError('disk-full', 'The disk is full.');
    };
    for (const link of links.values()) bench.say(link, 'status', { ...status, status: 'error', exit_code: 1 });
    bench.clock.advance(GROUP_MS);
    for (const id of commands.values()) expect(bench.fleet.command(id)?.phase).toBe('sent');
    bench.store.commit = commit;
    bench.clock.advance(5_000);
    for (const link of links.values()) bench.say(link, 'heartbeat', QUIET);
    bench.clock.advance(GROUP_MS);
    for (const id of commands.values()) expect(bench.fleet.command(id)?.outcome).toBe('failed');
  });

  it('are stored when the dashboard stops', () => {
    const link = bench.agent('h1');
    const id = bench.dispatch('pull');
    bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    bench.fleet.stop();
    expect(bench.store.command(id)?.state.phase).toBe('running');
  });

  it('are processed although one of them fails', () => {
    const good: TestLink = bench.agent('good');
    const id = bench.dispatch('test', 'good');
    const done: string[] = [];
    const runner = new TurnRunner({
      clock: bench.clock,
      log: bench.database.log,
      groupMs: GROUP_MS,
      commit: () => null,
      takeEffect: () => undefined,
      fault: () => null,
    });
    runner.group('a', 'retry', () => {
      throw new Error('poison');
    });
    runner.group('b', 'retry', () => done.push('b'));
    runner.settle();
    runner.settle();
    expect(done).toEqual(['b']);
    bench.say(good, 'status', { ...status, command: 'test' });
    bench.say(good, 'heartbeat', QUIET);
    bench.clock.advance(GROUP_MS);
    expect(bench.fleet.command(id)?.outcome).toBe('succeeded');
  });
});

describe('inputs kept while the database refuses writes', () => {
  /** A runner on a database that refuses while `full` is set, and the inputs that took effect, in order. */
  function openRunner() {
    const state = { full: true, fault: null as string | null, took: [] as string[] };
    const labels = new Map<Turn, string>();
    const runner = new TurnRunner({
      clock: bench.clock,
      log: bench.database.log,
      groupMs: 0,
      commit: () => {
        state.fault = state.full ? 'full' : null;
        return state.full ? { reason: 'full', isPermanent: false } : null;
      },
      takeEffect: (turns) => {
        state.took.push(...turns.map((turn) => labels.get(turn) ?? '?'));
        for (const turn of turns) for (const effect of turn.effects) effect();
      },
      fault: () => state.fault,
    });
    const input = (label: string, effect?: () => void) => (turn: Turn) => {
      labels.set(turn, label);
      turn.withOutput.add(label);
      if (effect) turn.effects.push(effect);
    };
    return { state, runner, input };
  }

  it('are replayed before a new request when it accepts writes again', () => {
    const { state, runner, input } = openRunner();
    expect(runner.run('retry', input('result'))).toBe('full');
    expect(runner.run('retry', input('second result'))).toBe('full');
    expect(runner.run('drop', input('refused'))).toBe('full');
    state.full = false;
    expect(runner.run('drop', input('dispatch'))).toBeNull();
    expect(state.took).toEqual(['result', 'second result', 'dispatch']);
    expect(runner.unstoredCount).toBe(0);
  });

  it('keep their order while the database still refuses', () => {
    const { state, runner, input } = openRunner();
    runner.run('retry', input('one'));
    runner.run('retry', input('two'));
    for (let tries = 0; tries < 3; tries += 1) expect(runner.run('drop', input('asked'))).toBe('full');
    expect(runner.unstoredCount).toBe(2);
    state.full = false;
    runner.run('drop', input('asked'));
    expect(state.took).toEqual(['one', 'two', 'asked']);
  });

  it('may cause further inputs when they take effect', () => {
    const { state, runner, input } = openRunner();
    runner.run(
      'retry',
      input('one', () => void runner.run('drop', input('follows one'))),
    );
    runner.run('retry', input('two'));
    state.full = false;
    runner.run('drop', input('asked'));
    expect(state.took).toEqual(['one', 'follows one', 'two', 'asked']);
  });

  it('are all processed except for one that fails', () => {
    const { state, runner, input } = openRunner();
    let poisonous = false;
    runner.run('retry', input('first'));
    runner.run('retry', (turn) => {
      if (poisonous) throw new Error('poison');
      input('poison')(turn);
    });
    runner.run('retry', input('last'));
    poisonous = true;
    state.full = false;
    runner.run('drop', input('asked'));
    expect(state.took).toEqual(['first', 'last', 'asked']);
  });
});

it('with any refusals of the database every input is processed in its host’s order, and none twice', () => {
  const input = fc.record({ host: fc.constantFrom('a', 'b', 'c'), durable: fc.boolean(), settles: fc.boolean() });
  fc.assert(
    fc.property(fc.array(input, { maxLength: 60 }), fc.array(fc.boolean()), (inputs, refusals) => {
      const took: string[] = [];
      const labels = new Map<Turn, string>();
      let fault: Refusal | null = null;
      let tries = 0;
      const runner = new TurnRunner({
        clock: bench.clock,
        log: bench.database.log,
        groupMs: GROUP_MS,
        commit: () => {
          fault = refusals[tries++] ? { reason: 'full', isPermanent: false } : null;
          return fault;
        },
        takeEffect: (turns) => turns.forEach((turn) => took.push(labels.get(turn) ?? '')),
        fault: () => fault?.reason ?? null,
      });
      inputs.forEach(({ host, durable, settles }, index) => {
        runner.group(host, 'retry', (turn) => {
          labels.set(turn, `${host}${index}`);
          if (durable) turn.withOutput.add(host);
        });
        if (settles) runner.settle();
      });
      runner.settle();
      // The database works again.
      refusals.length = 0;
      for (let round = 0; round < 3; round += 1) {
        fault = null;
        runner.replayUnstored();
      }
      expect([...took].sort()).toEqual(inputs.map(({ host }, index) => `${host}${index}`).sort());
      for (const host of ['a', 'b', 'c']) {
        const order = took.filter((label) => label.startsWith(host)).map((label) => Number(label.slice(1)));
        expect(order).toEqual([...order].sort((x, y) => x - y));
      }
    }),
  );
});

it('does not grow without bound', () => {
  let worked = 0;
  const runner = new TurnRunner({
    clock: bench.clock,
    log: bench.database.log,
    groupMs: 1_000_000,
    commit: () => null,
    takeEffect: () => undefined,
    fault: () => null,
  });
  for (let n = 0; n < MAX_GROUPED; n += 1) runner.group(`h${n % 7}`, 'retry', () => (worked += 1));
  expect(worked).toBe(MAX_GROUPED);
});
