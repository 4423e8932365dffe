import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBench, QUIET, settle, type Bench } from '../testing/test-fleet';
import { newHost } from '../hosts/host';
import { FleetCore, MAX_DEFERRED, MAX_RECORDED } from './fleet-core';
import { MAX_KEPT, MAX_KEPT_OF_KEY, MAX_WAITING } from './turn-runner';
import { STORE_RETRY_MS } from './turn-store';
import { DatabaseError } from '@/lib/store/sqlite/store-errors';
import { agentReport, NOBODY } from '../events';
import type { NewEvent } from '../records/event-record';
import { RUNNING, sampleCommand } from '../testing/samples';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const commandOf = (id: string) => bench.fleet.command(id);
const pulled = { status: 'ok', command: 'pull', exit_code: 0 };

it.each(COMMAND_OUTCOMES)(
  '"%s" is an end: the command is not loaded as running, and keeps its times',
  async (outcome) => {
    await bench.agent('h1');
    const ended = { outcome, reason: 'Because.', exitCode: null, endedAt: 9, startedAt: 5 };
    const command = sampleCommand(
      'pull',
      { phase: 'ended', at: 9, outcome, reason: 'Because.', exitCode: null },
      ended,
    );
    await bench.store.commit({ commands: [command] });
    await bench.crash();
    expect(bench.fleet.host('h1')).toMatchObject({ command: null, control: null, queue: [] });
    expect(await commandOf(command.id)).toMatchObject({ outcome, startedAt: 5, endedAt: 9 });
  },
);

it('does not change views that were already handed out', async () => {
  const link = await bench.agent('h1');
  const id = await bench.dispatch('pull');
  const handedOut = bench.fleet.hostViews();
  const before = JSON.stringify(handedOut);
  await bench.say(link, 'status', { ...pulled, status: 'error', exit_code: 1 });
  await bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  expect((await commandOf(id))?.outcome).toBe('failed');
  expect(JSON.stringify(handedOut)).toBe(before);
});

it('publishes a change before it sends what follows from it', async () => {
  const link = await bench.agent('h1');
  const published: unknown[] = [];
  const send = link.send.bind(link);
  link.send = (frame) => {
    if (frame.type === 'command') published.push(bench.patches.at(-1)?.command?.phase);
    return send(frame);
  };
  await bench.dispatch('pull');
  expect(link.commands()).toEqual(['pull']);
  expect(published).toEqual(['sent']);
});

describe('the core', () => {
  const NOTHING = () => undefined;

  /** A separate core on the database of the bench, with one host. */
  async function openCore(): Promise<FleetCore> {
    const core = new FleetCore(bench.options, NOTHING, NOTHING);
    const host = newHost('h1', 'h1', bench.clock.now());
    await core.run('drop', (turn) => core.putHost(turn, host, host, true));
    return core;
  }

  it('does not bring a host back for an input that waited for its removal', async () => {
    const core = await openCore();
    const entry = core.memory.entries.get('h1');
    if (!entry) throw new Error('no host');
    const removed = core.run('drop', (turn) => {
      turn.removed.push('h1');
    });
    core.about(entry, 'retry', (turn) => core.putHost(turn, entry.record, { ...entry.record, generation: 'bbbbbbb' }));
    await removed;
    await core.turns.idle();
    expect(core.memory.entries.has('h1')).toBe(false);
    expect((await bench.store.load()).hosts).toEqual([]);
  });

  it('drops output that its database will never accept, and keeps the output of other commands', async () => {
    const core = await openCore();
    const commands = ['bad', 'good'].map((id) => sampleCommand('pull', RUNNING, { id, requestId: id }));
    await bench.store.commit({ commands });
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = (writes) =>
      writes.output?.some(({ commandId }) => commandId === 'bad') === true
        ? Promise.reject(new DatabaseError('constraint', 'It has a gap.'))
        : commit(writes);
    for (const command of commands) core.outputLog.append(command, bench.clock.now(), 'stdout', 'a line', null);
    core.flushOutput();
    await core.turns.idle();
    await settle();
    expect(core.outputLog.isEmpty).toBe(true);
    expect(await bench.store.output('good', 0, 10)).toMatchObject([{ text: 'a line' }]);
  });

  it('keeps deferred events up to a limit', async () => {
    const core = await openCore();
    // Each within its budget.
    for (let host = 0; host < MAX_DEFERRED + 3; host += 1) {
      core.defer(agentReport({ id: `h${host}`, name: `h${host}` }, { status: 'ok', words: '' }, 0, ''), null);
    }
    expect(core.queueLengths.deferred).toBe(MAX_DEFERRED);
    await core.flushAll();
    expect(bench.events.at(-1)).toMatchObject({ action: 'events.summed', params: { events: 3 } });
  });

  it('drops only those deferred events that the database will never accept', async () => {
    const core = await openCore();
    const report = (host: string) => agentReport({ id: host, name: host }, { status: 'ok', words: '' }, 0, '');
    const commit = bench.store.commit.bind(bench.store);
    let tries = 0;
    bench.store.commit = (writes) => {
      tries += 1;
      // It comes while the first one is being stored.
      if (tries === 1) core.defer(report('h2'), null);
      return writes.events?.some(({ hostName }) => hostName === 'h1') === true
        ? Promise.reject(new DatabaseError('constraint', 'It is refused.'))
        : commit(writes);
    };
    core.defer(report('h1'), null);
    core.flushFacts();
    await core.turns.idle();
    await settle();
    bench.store.commit = commit;
    core.flushFacts();
    await core.turns.idle();
    await settle();
    expect(bench.events.map(({ hostName }) => hostName)).toEqual(['h2']);
  });

  describe('records an event', () => {
    const ruleChanged = (at: number): NewEvent => ({
      ...NOBODY,
      ...{ at, actorKind: 'operator', actor: 'alice' },
      ...{ action: 'agents.rule', params: { rule: 'approval', value: true } },
    });
    const recordedTimes = async (core: FleetCore) => {
      await core.turns.idle();
      await settle();
      return bench.events.filter(({ action }) => action === 'agents.rule').map(({ at }) => at);
    };
    /** Makes the database refuse writes, until the function it returns is called. */
    const refuseWrites = (kind: 'disk-full' | 'constraint' = 'disk-full') => {
      const commit = bench.store.commit.bind(bench.store);
      bench.store.commit = () => Promise.reject(new DatabaseError(kind, 'It is refused.'));
      return () => {
        bench.store.commit = commit;
        bench.clock.step(STORE_RETRY_MS);
      };
    };
    const touch = (core: FleetCore, hostId: string) =>
      core.runAbout(hostId, 'retry', (turn) => {
        turn.events.push(agentReport({ id: hostId, name: hostId }, { status: 'ok', words: '' }, 0, ''));
      });

    it('during and after an outage in which no more inputs could be kept', async () => {
      const core = await openCore();
      const acceptWrites = refuseWrites();
      for (let host = 0; host < MAX_KEPT / MAX_KEPT_OF_KEY; host += 1) {
        for (let input = 0; input < MAX_KEPT_OF_KEY; input += 1) void touch(core, `x${host}`);
      }
      await core.turns.idle();
      expect(core.turns.keptCount).toBe(MAX_KEPT);
      await core.record(ruleChanged(1));
      acceptWrites();
      for (const at of [2, 3, 4]) await core.record(ruleChanged(at));
      expect(await recordedTimes(core)).toEqual([1, 2, 3, 4]);
      expect(core.hasDeferred).toBe(false);
    });

    it('that was dropped because too many inputs waited', async () => {
      const core = await openCore();
      const first = core.record(ruleChanged(1));
      // Everything after it waits.
      void core.run('drop', NOTHING);
      while (core.turns.waitingCount < MAX_WAITING) void core.runAbout('h1', 'drop', NOTHING);
      await core.record(ruleChanged(2));
      await first;
      await core.record(ruleChanged(3));
      expect(await recordedTimes(core)).toEqual([1, 2, 3]);
    });

    it('with the next flush after an outage, without another event', async () => {
      const core = await openCore();
      const acceptWrites = refuseWrites();
      for (const at of [1, 2]) await core.record(ruleChanged(at));
      expect(core.queueLengths.deferred).toBe(2);
      acceptWrites();
      core.flushFacts();
      expect(await recordedTimes(core)).toEqual([1, 2]);
      core.flushFacts();
      expect(await recordedTimes(core)).toEqual([1, 2]);
    });

    it('up to a limit while the database refuses writes', async () => {
      const core = await openCore();
      const acceptWrites = refuseWrites();
      for (let at = 1; at <= MAX_RECORDED + 3; at += 1) void core.record(ruleChanged(at));
      await core.turns.idle();
      expect(core.queueLengths.deferred).toBe(MAX_RECORDED);
      acceptWrites();
      core.flushFacts();
      expect(await recordedTimes(core)).toEqual(Array.from({ length: MAX_RECORDED }, (_, index) => index + 1));
    });

    it('and drops those alone that the database will never accept, with their code in the log', async () => {
      const core = await openCore();
      const acceptWrites = refuseWrites();
      const recorded = Array.from({ length: 100 }, (_, index) => core.record(ruleChanged(index + 1)));
      await core.turns.idle();
      acceptWrites();
      const commit = bench.store.commit.bind(bench.store);
      const isBad = ({ at }: NewEvent) => at === 1 || at === 42 || at === 43 || at === 100;
      let tries = 0;
      bench.store.commit = (writes) => {
        tries += 1;
        return writes.events?.some(isBad) === true
          ? Promise.reject(new DatabaseError('constraint', 'It is rejected.'))
          : commit(writes);
      };
      recorded.push(core.record(ruleChanged(101)));
      await Promise.all(recorded);
      expect(await recordedTimes(core)).toEqual(
        Array.from({ length: 101 }, (_, index) => index + 1).filter((at) => ![1, 42, 43, 100].includes(at)),
      );
      expect(core.hasDeferred).toBe(false);
      expect(tries).toBeLessThan(60);
      const dropped = bench.database.logged.filter((line) => line.includes('dropped an event'));
      expect(dropped).toHaveLength(4);
      for (const line of dropped) expect(JSON.parse(line)).toMatchObject({ action: 'agents.rule' });
    });

    it('and drops it if the database will never accept it', async () => {
      const core = await openCore();
      const acceptWrites = refuseWrites('constraint');
      await core.record(ruleChanged(1));
      expect(core.hasDeferred).toBe(false);
      acceptWrites();
      await core.record(ruleChanged(2));
      expect(await recordedTimes(core)).toEqual([2]);
    });
  });

  it('tries the database again after a pause, also when the clock was set back meanwhile', async () => {
    const core = await openCore();
    const move = (location: string) =>
      core.runAbout('h1', 'drop', (turn) => {
        const record = core.memory.entries.get('h1')?.record;
        if (record) core.putHost(turn, record, { ...record, location });
      });
    const commit = bench.store.commit.bind(bench.store);
    let tries = 0;
    bench.store.commit = () => {
      tries += 1;
      return Promise.reject(new DatabaseError('disk-full', 'The disk is full.'));
    };
    expect(await move('garden')).toBe('The disk is full.');
    expect(await move('garden')).toBe('The disk is full.');
    expect(tries).toBe(1);
    bench.store.commit = commit;
    bench.clock.step(-3_600_000);
    bench.clock.step(STORE_RETRY_MS);
    expect(await move('garden')).toBeNull();
  });
});
