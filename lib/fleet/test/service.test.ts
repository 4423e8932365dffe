import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LATE_OUTPUT_MS } from '../turns/fleet-memory';
import { FACTS_FLUSH_MS } from '../service';
import { openBench, QUIET, BY, type Bench } from '../testing/test-fleet';

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

describe('a restart of the dashboard in the middle of a command', () => {
  it('recovers the command if the agent still runs it, and never sends it twice', async () => {
    await bench.agent('h1');
    const id = await bench.dispatch('pull');
    await bench.crash();
    expect(await commandOf(id)).toMatchObject({ phase: 'awaiting-reconnect', outcome: null });
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    expect((await commandOf(id)).phase).toBe('running');
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ phase: 'ended', outcome: 'unchanged' });
    expect(link.commands()).toEqual([]);
  });

  it('ends it as lost at the second heartbeat that does not show it', async () => {
    await bench.agent('h1');
    const id = await bench.dispatch('test');
    await bench.crash();
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', QUIET);
    expect((await commandOf(id)).outcome).toBeNull();
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({
      outcome: 'lost',
      reason: expect.stringContaining('nothing is running') as string,
    });
    expect(bench.fleet.host('h1')?.command).toBeNull();
  });

  it('ends it with the result that an agent of protocol 3 kept', async () => {
    const three = { protocol: 3, instance: 'process', running: null, finished: [] };
    await bench.agent('h1', three);
    const id = await bench.dispatch('test');
    await bench.crash();
    const link = await bench.agent('h1', { ...three, finished: [id] });
    await bench.say(link, 'output_batch', { command_id: id, lines: [{ seq: 1, stream: 'stdout', line: 'kept' }] });
    await bench.say(link, 'status', { status: 'error', command: 'test', exit_code: 2, command_id: id, last_seq: 1 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ outcome: 'failed', exitCode: 2 });
    expect((await bench.fleet.output(id, 0, 10)).map(({ text }) => text)).toEqual([
      'The dashboard restarted at this point.',
      'kept',
    ]);
    expect(link.frames).toContainEqual({ type: 'ack', payload: { command_id: id, result: true } });
  });

  it('waits for an announced result, however long its output takes', async () => {
    const three = { protocol: 3, instance: 'process', running: null, finished: [] };
    await bench.agent('h1', three);
    const id = await bench.dispatch('test');
    await bench.crash();
    const link = await bench.agent('h1', { ...three, finished: [id] });
    for (let seq = 1; seq <= 50; seq += 1) {
      await bench.say(link, 'output_batch', {
        command_id: id,
        lines: [{ seq, stream: 'stdout', line: `line ${seq}` }],
      });
      await bench.say(link, 'heartbeat', QUIET);
      await bench.advance(5_000);
    }
    await bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0, command_id: id, last_seq: 50 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded' });
    expect((await bench.fleet.output(id, 0, 100)).filter(({ stream }) => stream === 'stdout')).toHaveLength(50);
  });

  it('waits for the restart that the agent announced, also when the dashboard restarted before it', async () => {
    const three = { protocol: 3, instance: 'before', running: null, finished: [] };
    await bench.agent('h1', three);
    const id = await bench.dispatch('switch', 'h1', true);
    await bench.crash();
    const link = await bench.agent('h1', { ...three, finished: [id] });
    await bench.say(link, 'status', {
      status: 'ok',
      command: 'switch',
      exit_code: 0,
      command_id: id,
      restarting: true,
    });
    await bench.say(link, 'heartbeat', QUIET);
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ phase: 'awaiting-reconnect', outcome: null });
    expect(bench.fleet.host('h1')?.command?.id).toBe(id);
    bench.fleet.inbox.disconnected(link, 1000, 'shutdown');
    await bench.agent('h1', { ...three, instance: 'after' });
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded', exitCode: 0 });
  });

  it('accepts the result of an earlier agent process that has restarted since', async () => {
    const three = { protocol: 3, instance: 'before', running: null, finished: [] };
    await bench.agent('h1', three);
    const id = await bench.dispatch('switch', 'h1', true);
    await bench.crash();
    const link = await bench.agent('h1', { ...three, instance: 'after', finished: [id] });
    await bench.say(link, 'status', {
      status: 'ok',
      command: 'switch',
      exit_code: 0,
      command_id: id,
      restarting: false,
    });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('shows every host offline until its agent is back', async () => {
    await bench.agent('h1');
    await bench.advance(FACTS_FLUSH_MS + 1_000);
    await bench.crash();
    expect(bench.fleet.host('h1')).toMatchObject({ online: false, name: 'h1' });
  });

  it('ends it as lost when the host never comes back', async () => {
    await bench.agent('h1');
    const id = await bench.dispatch('pull');
    await bench.crash();
    await bench.advance(60 * 60_000);
    expect((await commandOf(id)).outcome).toBe('lost');
  });
});

describe('a switch', () => {
  it('ends when the agent is back after its status, and proves the system', async () => {
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', QUIET);
    const id = await bench.dispatch('switch', 'h1', true);
    await bench.say(link, 'status', { status: 'ok', command: 'switch', exit_code: 0 });
    expect((await commandOf(id)).phase).toBe('awaiting-reconnect');
    bench.fleet.inbox.disconnected(link, 1000, 'shutdown');
    expect((await commandOf(id)).outcome).toBeNull();
    const back = await bench.agent('h1');
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded', exitCode: 0 });
    expect(bench.fleet.host('h1')?.compartments.system.message).toContain('Switched');
    expect(back.commands()).toEqual([]);
  });

  it('does not succeed when the agent crashes in between: the host’s facts are requested', async () => {
    const link = await bench.agent('h1', { store_path: '/nix/store/a', binary_hash: 'aa' });
    const id = await bench.dispatch('switch', 'h1', true);
    await bench.say(link, 'operation_progress', {
      progress: { system: { current: 0, total: 3, status: 'in_progress' } },
    });
    bench.fleet.inbox.disconnected(link, 1006, '');
    const back = await bench.agent('h1', { store_path: '/nix/store/a', binary_hash: 'aa' });
    await bench.say(back, 'heartbeat', QUIET);
    expect(back.commands()).toEqual(['refresh-system']);
    await bench.say(back, 'status', { status: 'ok', command: 'refresh-system', exit_code: 0, message: 'outdated' });
    expect((await commandOf(id)).outcome).toBe('failed');
    expect(bench.fleet.host('h1')?.compartments.system.status).toBe('error');
  });

  it('succeeds without a status when the agent was replaced (macOS)', async () => {
    const link = await bench.agent('h1', { host_type: 'macos', store_path: '/nix/store/a' });
    const id = await bench.dispatch('switch', 'h1', true);
    bench.fleet.inbox.disconnected(link, 1006, '');
    const back = await bench.agent('h1', { host_type: 'macos', store_path: '/nix/store/b' });
    await bench.say(back, 'heartbeat', { ...QUIET, store_path: '/nix/store/b' });
    expect((await commandOf(id)).outcome).toBe('succeeded');
  });
});

describe('deadlines of a command', () => {
  it('warn the operator before the time-out, and can be extended repeatedly', async () => {
    await bench.agent('h1');
    const id = await bench.dispatch('pull');
    await bench.advance(2 * 60_000 + 1_000);
    expect(await commandOf(id)).toMatchObject({ phase: 'warning', reason: expect.stringContaining('2 min') as string });
    expect(await bench.fleet.extend(id, 10 * 60_000, BY)).toBe(true);
    expect(await bench.fleet.extend(id, 10 * 60_000, BY)).toBe(false);
    await bench.advance(9 * 60_000);
    expect((await commandOf(id)).phase).toBe('running');
    await bench.advance(60_000);
    expect((await commandOf(id)).phase).toBe('warning');
    expect(await bench.fleet.extend(id, 10 * 60_000, BY)).toBe(true);
    await bench.advance(10 * 60_000);
    await bench.advance(10 * 60_000);
    expect((await commandOf(id)).outcome).toBe('timed-out');
    expect(await bench.fleet.extend(id, 60_000, BY)).toBe(false);
  });

  it('keep a restart and a reboot from blocking their host for ever', async () => {
    for (const operation of ['restart', 'reboot'] as const) {
      const link = await bench.agent(operation);
      const id = await bench.dispatch(operation, operation);
      bench.fleet.inbox.disconnected(link, 1000, '');
      await bench.agent(operation);
      expect((await commandOf(id)).outcome).toBe(operation === 'restart' ? 'succeeded' : 'lost');
      const again = await bench.dispatch(operation, operation);
      await bench.advance(20 * 60_000);
      expect((await commandOf(again)).outcome).toBe('timed-out');
      expect(bench.fleet.host(operation)?.control).toBeNull();
    }
  });
});

describe('a step-up proof', () => {
  let requests = 0;
  const ask = async (operation: 'reboot' | 'rollback' | 'pull', hostIds: string[], stepUp?: boolean) =>
    (
      await bench.fleet.dispatch({
        operation,
        hostIds,
        requestId: `proof-${++requests}`,
        by: BY,
        ...(stepUp ? { stepUp } : {}),
      })
    ).map((result) => (result.kind === 'blocked' ? result.blocked.code : result.kind));

  it('is required by the table of operations: without it nothing is sent, and the refusal is recorded', async () => {
    const link = await bench.agent('h1');
    expect(await ask('reboot', ['h1'])).toEqual(['step-up-required']);
    expect(link.commands()).toEqual([]);
    expect(bench.fleet.host('h1')?.control).toBeNull();
    expect(bench.events.at(-1)).toMatchObject({ action: 'command.blocked', actor: 'operator', hostId: 'h1' });
    expect(await ask('reboot', ['h1'], true)).toEqual(['accepted']);
    expect(link.commands()).toEqual(['reboot']);
  });

  it('is required to roll back several hosts, in one request or one after the other', async () => {
    const links = [await bench.agent('h1'), await bench.agent('h2'), await bench.agent('h3')];
    expect(await ask('rollback', ['h1', 'h2'])).toEqual(['step-up-required', 'step-up-required']);
    // The same host named twice is one host.
    expect(await ask('rollback', ['h1', 'h1'])).toEqual(['accepted']);
    expect(await ask('rollback', ['h2'])).toEqual(['step-up-required']);
    expect(await ask('rollback', ['h2', 'h3'], true)).toEqual(['accepted', 'accepted']);
    expect(links.map((link) => link.commands())).toEqual([['rollback'], ['rollback'], ['rollback']]);
    expect(await ask('pull', ['h1', 'h2'])).toEqual(['busy', 'busy']);
  });
});

describe('output', () => {
  it('that arrives after the end still belongs to the command for a while', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    await bench.say(link, 'output', { line: 'late', stream: 'stdout' });
    await bench.advance(100);
    expect((await bench.fleet.output(id, 0, 10)).map(({ text }) => text)).toEqual(['late']);
    await bench.advance(LATE_OUTPUT_MS);
    await bench.say(link, 'output', { line: 'nobody’s', stream: 'stdout' });
    await bench.advance(100);
    expect(await bench.fleet.output(id, 0, 10)).toHaveLength(1);
  });

  it('is stored before it is published, and its end is published after the last line', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('test');
    await bench.say(link, 'output', { line: 'one', stream: 'stdout' });
    expect(bench.output).toEqual([]);
    await bench.advance(0);
    expect(bench.output.map(({ text }) => text)).toEqual(['one']);
    await bench.say(link, 'output', { line: 'two', stream: 'stderr' });
    await bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(bench.output.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(bench.done).toEqual([id]);
  });
});

describe('late output of protocol 3', () => {
  const three = { protocol: 3, instance: 'process', running: null, finished: [] };
  const line = (seq: number) => ({ seq, stream: 'stdout', line: `line ${seq}` });

  it('for a command that is no longer the last one is stored and acknowledged in batches', async () => {
    const link = await bench.agent('h1', three);
    const first = await bench.dispatch('test');
    await bench.advance(11 * 60_000);
    const second = await bench.dispatch('test');
    await bench.advance(11 * 60_000);
    expect((await commandOf(second)).outcome).toBe('timed-out');
    for (const seq of [1, 2, 3]) {
      await bench.say(link, 'output_batch', { command_id: first, lines: [line(seq)] });
      await bench.advance(100);
    }
    expect((await bench.fleet.output(first, 0, 10)).map(({ text }) => text)).toEqual(['line 1', 'line 2', 'line 3']);
    expect(link.frames.at(-1)).toEqual({ type: 'ack', payload: { command_id: first, output_seq: 3 } });
    expect(bench.fleet.notices()).toEqual([]);
  });

  it('that is already stored is acknowledged again', async () => {
    const link = await bench.agent('h1', three);
    const id = await bench.dispatch('test');
    await bench.say(link, 'output_batch', { command_id: id, lines: [line(1), line(2)] });
    await bench.advance(100);
    const again = await bench.agent('h1', three);
    await bench.say(again, 'output_batch', { command_id: id, lines: [line(1), line(2)] });
    expect(again.frames.filter((frame) => frame.type === 'ack')).toEqual([
      { type: 'ack', payload: { command_id: id, output_seq: 2 } },
    ]);
    expect(await bench.fleet.output(id, 0, 10)).toHaveLength(2);
  });
});

describe('an ordinary heartbeat', () => {
  it('sends browsers the time and the measured values alone', async () => {
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', { ...QUIET, metrics: { cpu: 1, ram: 2, swap: 3, load: 4 } });
    bench.patches.splice(0);
    bench.clock.advance(1_000);
    await bench.say(link, 'heartbeat', { ...QUIET, metrics: { cpu: 5, ram: 2, swap: 3, load: 4 } });
    expect(bench.patches).toEqual([
      { id: 'h1', lastSeenAt: bench.clock.now(), metrics: { cpu: 5, ram: 2, swap: 3, load: 4 } },
    ]);
  });
});

describe('verdicts', () => {
  const word = (status: string, at: string) => ({ status, message: status, checked_at: at });
  const beat = (system: ReturnType<typeof word>) => ({
    ...QUIET,
    update_status: { git: null, lock: null, system, tests: null },
  });

  it('are not undone by an agent that repeats an old report', async () => {
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', beat(word('ok', 't1')));
    await bench.dispatch('switch', 'h1', true);
    await bench.say(link, 'status', { status: 'error', command: 'switch', exit_code: 1 });
    await bench.say(link, 'heartbeat', beat(word('ok', 't1')));
    expect(bench.fleet.host('h1')?.compartments.system.status).toBe('error');
    await bench.say(link, 'heartbeat', beat(word('ok', 't1')));
    expect(bench.fleet.host('h1')?.compartments.system.status).toBe('error');
  });

  it('of a rollback make System and Tests outdated, whatever the agent reports', async () => {
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', beat(word('ok', 't1')));
    await bench.dispatch('rollback');
    await bench.say(link, 'status', { status: 'ok', command: 'rollback', exit_code: 0 });
    await bench.say(link, 'heartbeat', beat(word('ok', 't1')));
    expect(bench.fleet.host('h1')?.compartments.system).toMatchObject({
      status: 'outdated',
      message: expect.stringContaining('Rolled back') as string,
    });
    expect(bench.fleet.host('h1')?.compartments.tests.status).toBe('outdated');
  });
});
