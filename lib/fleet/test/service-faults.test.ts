/** What may go wrong around the fleet: the database, floods, names that several have, late results. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DUPLICATE_PROBE_MS, MAX_CONNECT_EVENTS_PER_HOUR } from '../agents/admission-rules';
import { newHost } from '../hosts/host';
import { FACTS_FLUSH_MS } from '../service';
import { openBench, QUIET, BY, type Bench } from '../testing/test-fleet';
import { MAX_HOSTS } from '../records/limits';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const commandOf = async (id: string) => {
  const command = await bench.fleet.command(id);
  if (!command) throw new Error(`no command ${id}`);
  return command;
};

describe('a database that refuses writes', () => {
  const refuse = (on: boolean) => bench.database.db.$client.pragma(`query_only = ${on ? 'ON' : 'OFF'}`);

  it('prevents sending, and the reason is shown', async () => {
    const link = await bench.agent('h1');
    refuse(true);
    const [result] = await bench.fleet.dispatch({ operation: 'test', hostIds: ['h1'], requestId: 'r', by: BY });
    expect(result).toMatchObject({ kind: 'not-stored' });
    expect(link.commands()).toEqual([]);
    expect(bench.fleet.notices()[0]).toMatchObject({ level: 'error' });
    refuse(false);
    await bench.advance(1_000);
    expect(bench.fleet.notices()).toEqual([]);
    expect(bench.notices.at(-1)).toEqual([]);
  });

  it('loses no result or line meanwhile, acknowledges neither, and recovers without a restart', async () => {
    const link = await bench.agent('h3', { protocol: 3, instance: 'i', running: null, finished: [] });
    const id = await bench.dispatch('test', 'h3');
    refuse(true);
    await bench.say(link, 'output_batch', { command_id: id, lines: [{ seq: 1, stream: 'stdout', line: 'kept' }] });
    await bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0, command_id: id, last_seq: 1 });
    await bench.advance(5_000);
    expect(link.frames.filter((frame) => frame.type === 'ack')).toEqual([]);
    expect(bench.fleet.host('h3')?.online).toBe(true);
    refuse(false);
    await bench.advance(2_000);
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded', lines: 1 });
    expect((await bench.fleet.output(id, 0, 10)).map(({ text }) => text)).toEqual(['kept']);
    const acks = link.frames.flatMap((frame) => (frame.type === 'ack' ? [frame.payload] : []));
    expect(acks).toContainEqual({ command_id: id, output_seq: 1 });
    expect(acks).toContainEqual({ command_id: id, result: true });
  });

  it('is retried once a second, not with every input', async () => {
    const link = await bench.agent('h1');
    refuse(true);
    const transaction = vi.spyOn(bench.store, 'commit');
    for (let beat = 0; beat < 50; beat += 1) await bench.say(link, 'heartbeat', { ...QUIET, lock_hash: `${beat}` });
    expect(transaction).toHaveBeenCalledTimes(1);
    await bench.advance(10_000);
    expect(transaction.mock.calls.length).toBeLessThanOrEqual(11);
    refuse(false);
    await bench.advance(2_000);
    await bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(bench.fleet.host('h1')?.generation).toBe('bbbbbbb');
    expect(bench.fleet.notices()).toEqual([]);
  });

  it('replays kept inputs before the input that finds it working again', async () => {
    await bench.agent('h1', { store_path: '/nix/store/a' });
    const id = await bench.dispatch('switch', 'h1', true);
    await bench.crash();
    const link = await bench.agent('h1', { store_path: '/nix/store/a' });
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['refresh-system']);
    refuse(true);
    await bench.say(link, 'status', { status: 'ok', command: 'refresh-system', exit_code: 0, message: 'outdated' });
    refuse(false);
    await bench.say(link, 'heartbeat', { ...QUIET, lock_hash: 'b'.repeat(64) });
    await bench.advance(2_000);
    await bench.say(link, 'heartbeat', { ...QUIET, lock_hash: 'b'.repeat(64) });
    expect((await commandOf(id)).outcome).toBe('failed');
    expect(bench.fleet.host('h1')?.compartments.system.status).toBe('error');
    await bench.advance(FACTS_FLUSH_MS + 1_000);
    await bench.crash();
    expect(bench.fleet.host('h1')?.compartments.system.status).toBe('error');
  });

  it('admits one of two agents that claimed the same new name meanwhile', async () => {
    refuse(true);
    const [first, second] = [await bench.agent('h1'), await bench.agent('h1')];
    await bench.say(first, 'register', { hostname: 'h1' });
    refuse(false);
    await bench.advance(2_000);
    expect([first.frames.length, second.frames.length]).toEqual([1, 0]);
    bench.fleet.inbox.alive(first);
    bench.fleet.inbox.disconnected(second, 1006, '');
    expect(bench.fleet.host('h1')).toMatchObject({ online: true, notice: '' });
  });

  it('stores a late result with late lines that both arrived meanwhile', async () => {
    const three = { protocol: 3, instance: 'process', running: null, finished: [] };
    await bench.agent('h1', three);
    const id = await bench.dispatch('test');
    await bench.advance(11 * 60_000);
    expect((await commandOf(id)).outcome).toBe('timed-out');
    const link = await bench.agent('h1', three);
    refuse(true);
    await bench.say(link, 'output_batch', { command_id: id, lines: [{ seq: 1, stream: 'stdout', line: 'late' }] });
    await bench.advance(100);
    await bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0, command_id: id, last_seq: 1 });
    refuse(false);
    await bench.advance(2_000);
    expect((await bench.fleet.output(id, 0, 10)).map(({ stream }) => stream)).toEqual(['stdout', 'note']);
    expect(bench.fleet.notices()).toEqual([]);
  });

  it('blocks no other input or output when one change violates a constraint', async () => {
    const [bad, good] = [await bench.agent('bad'), await bench.agent('good')];
    const [badId, goodId] = [await bench.dispatch('test', 'bad'), await bench.dispatch('test', 'good')];
    bench.database.db.$client.exec(
      `create temp trigger no before update on commands when new.host_id = 'bad' begin select raise(abort, 'no'); end`,
    );
    await bench.say(bad, 'output', { line: 'refused' });
    await bench.say(good, 'output', { line: 'kept' });
    await bench.advance(100);
    expect((await bench.fleet.output(goodId, 0, 10)).map(({ text }) => text)).toEqual(['kept']);
    await bench.say(bad, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    await bench.say(good, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    await bench.say(good, 'heartbeat', QUIET);
    expect([(await commandOf(badId)).outcome, (await commandOf(goodId)).outcome]).toEqual([null, 'succeeded']);
    expect(bench.fleet.notices()).toEqual([]);
  });
});

describe('the tick of the fleet', () => {
  it('continues after a failed tick', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('test');
    await bench.advance(1_000);
    await bench.say(link, 'heartbeat', QUIET);
    const relate = vi.spyOn(bench.desired, 'relate').mockImplementation(() => {
      throw new Error('a fault of ours');
    });
    bench.fleet.inbox.alive(link);
    await bench.advance(2_000);
    relate.mockRestore();
    expect(bench.database.logged.join('')).toContain('publishing or carrying out a stored change failed');
    await bench.advance(60 * 60_000);
    expect((await commandOf(id)).outcome).toBe('timed-out');
  });
});

describe('an agent can’t flood', () => {
  const countOf = async (action: string) =>
    (await bench.fleet.events({ limit: 500 })).filter((event) => event.action === action);

  it('the event log by registering repeatedly on a held connection', async () => {
    const link = bench.connect();
    for (let times = 0; times < 50; times += 1) await bench.say(link, 'register', { hostname: 'no host name' });
    await bench.advance(2_000);
    expect((await bench.fleet.events({ limit: 500 })).map(({ action }) => action)).toEqual([
      'agent.fault',
      'agent.held',
    ]);
  });

  it('the event log by reconnecting', async () => {
    for (let times = 0; times < 100; times += 1) {
      const link = await bench.agent('h1');
      await bench.say(link, 'party', {});
      bench.fleet.inbox.disconnected(link, 1006, '');
      await bench.advance(2_000);
    }
    expect(await countOf('agent.connected')).toHaveLength(MAX_CONNECT_EVENTS_PER_HOUR);
    expect(await countOf('agent.disconnected')).toHaveLength(MAX_CONNECT_EVENTS_PER_HOUR);
    expect(await countOf('agent.unsteady')).toHaveLength(1);
    expect(await countOf('agent.fault')).toHaveLength(MAX_CONNECT_EVENTS_PER_HOUR);
    await bench.advance(60 * 60_000);
    await bench.agent('h1');
    await bench.advance(2_000);
    expect(await countOf('agent.connected')).toHaveLength(MAX_CONNECT_EVENTS_PER_HOUR + 1);
  });

  it('the fleet with host names', async () => {
    const at = bench.clock.now();
    await bench.store.commit({
      hosts: Array.from({ length: MAX_HOSTS }, (_, index) => newHost(`h${index}`, `h${index}`, at)),
    });
    await bench.crash();
    const newcomer = await bench.agent('one-more');
    expect(newcomer.frames).toEqual([]);
    expect(bench.fleet.notices()[0]?.message).toContain('one-more');
    expect((await bench.agent('h7')).frames).toHaveLength(1);
  });
});

describe('two agents with the same host name', () => {
  it('replaces the current one if it gives no sign of life within five seconds', async () => {
    const present = await bench.agent('h1');
    const newcomer = await bench.agent('h1');
    expect(present.pings).toBe(1);
    expect(newcomer.frames).toEqual([]);
    await bench.advance(DUPLICATE_PROBE_MS + 1_000);
    expect(present.closed).toMatchObject({ code: 4409 });
    expect(newcomer.frames[0]).toMatchObject({ type: 'registered' });
    expect(bench.fleet.host('h1')).toMatchObject({ online: true, notice: '' });
  });

  it('keeps the current one as long as it answers', async () => {
    const present = await bench.agent('h1');
    const newcomer = await bench.agent('h1');
    present.isAlive = true;
    await bench.advance(60_000);
    expect(present.closed).toBeNull();
    expect(newcomer.frames).toEqual([]);
    expect(bench.fleet.host('h1')?.notice).toContain('Two agents');
  });
});

describe('two hosts with the same name, as an adopted database may hold them', () => {
  const seen = (id: string, name: string, lastSeenAt: number | null) => ({
    ...newHost(id, name, bench.clock.now()),
    lastSeenAt,
  });
  const take = async (...hosts: ReturnType<typeof seen>[]) => {
    await bench.store.commit({ hosts });
    await bench.crash();
  };
  const speaksFor = async (name: string) => {
    await bench.agent(name);
    return bench.fleet
      .hostViews()
      .filter(({ online }) => online)
      .map(({ id }) => id);
  };

  it('assigns the agent to the host whose id is the name, in upper or lower case', async () => {
    await take(seen('other', 'web', 2_000), seen('web', 'web', 1_000));
    expect(await speaksFor('web')).toEqual(['web']);
    expect(bench.fleet.hostViews()).toHaveLength(2);
  });

  it('matches an id in capitals', async () => {
    await take(seen('other', 'web', 2_000), seen('WEB', 'web', 1_000));
    expect(await speaksFor('web')).toEqual(['WEB']);
  });

  it('assigns the agent to the host seen last if no id matches', async () => {
    await take(seen('a', 'web', 1_000), seen('b', 'web', 3_000), seen('c', 'web', null), seen('d', 'db', 4_000));
    expect(await speaksFor('web')).toEqual(['b']);
  });

  it('shows a notice on both, and none when one host remains', async () => {
    await take(seen('other', 'web', 2_000), seen('web', 'web', 1_000), seen('db', 'db', 1_000));
    expect(bench.fleet.host('web')?.notice).toBe(
      'Another host has the name web (id other). The agent is assigned to this host. Remove the hosts you do not need.',
    );
    expect(bench.fleet.host('other')?.notice).toContain('(id web). The agent is assigned to the host with the id web.');
    expect(bench.fleet.host('db')?.notice).toBe('');
  });
});

describe('late results', () => {
  it('correct an end by time-out once, and the log of events shows both', async () => {
    const three = { protocol: 3, instance: 'process', running: null, finished: [] };
    await bench.agent('h1', three);
    const id = await bench.dispatch('test');
    await bench.advance(11 * 60_000);
    expect((await commandOf(id)).outcome).toBe('timed-out');
    const link = await bench.agent('h1', three);
    const status = { status: 'ok', command: 'test', exit_code: 0, command_id: id, last_seq: 0 };
    await bench.say(link, 'status', status);
    const reason = 'The host reported success. The result arrived after the command timed out.';
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded', reason, exitCode: 0 });
    expect(bench.fleet.host('h1')?.lastCommand).toMatchObject({ outcome: 'succeeded' });
    // Sent again because the acknowledgement was lost, and by a faulty agent.
    for (const again of ['ok', 'error']) await bench.say(link, 'status', { ...status, status: again });
    expect((await commandOf(id)).outcome).toBe('succeeded');
    const notes = (await bench.fleet.output(id, 0, 10)).map(({ text }) => text);
    expect(notes).toEqual([`A late result arrived: ${reason}`]);
    const events = (await bench.store.events({ limit: 50 })).filter(({ commandId }) => commandId === id);
    expect(events.map(({ action, outcome, level }) => [action, outcome, level])).toEqual([
      ['command.late-result', 'succeeded', 'success'],
      ['command.ended', 'timed-out', 'error'],
      ['command.warning', '', 'warning'],
      ['command.requested', '', 'info'],
    ]);
  });

  it('that repeat a result which left the command lost change nothing and record nothing', async () => {
    const link = await bench.agent('h1', { protocol: 3, instance: 'process', running: null, finished: [] });
    const id = await bench.dispatch('switch');
    await bench.say(link, 'started', { command: 'switch', command_id: id });
    const status = { status: 'stopped', command: 'switch', exit_code: 130, command_id: id, last_seq: 4 };
    await bench.say(link, 'status', { ...status, message: 'the activation continues', may_continue: true });
    await bench.say(link, 'heartbeat', QUIET);
    const ended = await commandOf(id);
    expect(ended.outcome).toBe('lost');
    const before = await bench.fleet.output(id, 0, 10);
    // That it is not confirmed, and why it is lost.
    expect(before).toHaveLength(2);
    await bench.say(link, 'status', { ...status, status: 'ok', exit_code: 0 });
    expect(await commandOf(id)).toMatchObject({ outcome: 'lost', reason: ended.reason });
    expect(await bench.fleet.output(id, 0, 10)).toEqual(before);
  });

  it('of a command that ends by a reconnection are noted, and do not change its end', async () => {
    const link = await bench.agent('h1', { protocol: 3, instance: 'process', running: null, finished: [] });
    const id = await bench.dispatch('restart');
    await bench.advance(20 * 60_000);
    const { outcome } = await commandOf(id);
    expect(['timed-out', 'lost']).toContain(outcome);
    const status = { status: 'error', command: 'restart', exit_code: 1, command_id: id, last_seq: 0 };
    const again = await bench.agent('h1', { protocol: 3, instance: 'process', running: null, finished: [id] });
    for (const each of [again, again, link]) await bench.say(each, 'status', { ...status, message: 'not allowed' });
    expect((await commandOf(id)).outcome).toBe(outcome);
    const notes = (await bench.fleet.output(id, 0, 10)).map(({ text }) => text);
    expect(notes.filter((text) => text.startsWith('A late result arrived: '))).toEqual([
      'A late result arrived: The host reported: not allowed.',
    ]);
  });

  it('do not change an end that rested on a result', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('test');
    await bench.say(link, 'status', { status: 'error', command: 'test', exit_code: 2 });
    await bench.say(link, 'heartbeat', QUIET);
    expect((await commandOf(id)).outcome).toBe('failed');
    await bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    expect(await commandOf(id)).toMatchObject({ outcome: 'failed', exitCode: 2 });
  });

  it('prove the system of a switch, unless another command has run since', async () => {
    const switched = async (hostId: string, isLast: boolean) => {
      const link = await bench.agent(hostId, { protocol: 3, instance: 'process', running: null, finished: [] });
      const ok = (id: string, command: string) =>
        bench.say(link, 'status', { status: 'ok', command, exit_code: 0, command_id: id, last_seq: 0 });
      const id = await bench.dispatch('switch', hostId);
      await bench.advance(31 * 60_000);
      expect((await commandOf(id)).outcome).toBe('timed-out');
      if (!isLast) {
        await ok(await bench.dispatch('test', hostId), 'test');
        await bench.say(link, 'heartbeat', QUIET);
        await bench.advance(100);
      }
      await ok(id, 'switch');
      await bench.advance(100);
      return [(await commandOf(id)).outcome, bench.fleet.host(hostId)?.compartments.system.message];
    };
    expect(await switched('h1', true)).toEqual(['succeeded', expect.stringContaining('Switched.')]);
    expect(await switched('h2', false)).toEqual(['succeeded', expect.not.stringContaining('Switched.')]);
  });
});
