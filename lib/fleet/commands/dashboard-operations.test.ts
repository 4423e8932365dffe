import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../operations/operations';
import { BY, openBench, QUIET, type Bench } from '../testing/test-fleet';
import type { DashboardOperationEnd, DashboardExecutor, DashboardOperationTask } from '../records/executor-port';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => {
  bench.close();
});

const hostOf = (id: string) => {
  const host = bench.fleet.host(id);
  if (!host) throw new Error(`no host ${id}`);
  return host;
};
const setColor = (color: unknown, requestId = `color ${String(color)}`) =>
  bench.fleet.dispatch({ operation: 'set-color', hostIds: ['h1'], requestId, args: { color }, by: BY })[0];
const commandOf = (result: ReturnType<typeof setColor>) => {
  if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return bench.fleet.command(result.commandId);
};
const actions = () => bench.store.events({ limit: 500 }).map(({ action }) => action);
const addHost = (changes: Partial<Parameters<Bench['fleet']['addHost']>[0]> = {}) =>
  bench.fleet.addHost({
    name: 'h1',
    type: 'nixos',
    location: 'work',
    deviceType: 'server',
    color: null,
    requestId: 'add',
    by: BY,
    ...changes,
  });
const rows = (table: 'commands' | 'command_output' | 'metric_samples' | 'hosts') =>
  bench.database.db.$client.prepare(`select count(*) from ${table}`).pluck().get();

/** An executor that a test completes by hand. */
function givenExecutor() {
  const tasks: DashboardOperationTask[] = [];
  const ends: ((end: DashboardOperationEnd) => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const executor: DashboardExecutor = (task) => {
    tasks.push(task);
    return new Promise((resolve, reject) => {
      ends.push(resolve);
      fails.push(reject);
    });
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    executor,
    tasks,
    end: async (end: DashboardOperationEnd) => {
      ends.shift()?.(end);
      await settled();
    },
    fail: async (error: Error) => {
      fails.shift()?.(error);
      await settled();
    },
  };
}

describe('set-color', () => {
  it('takes effect at once, is a command with an end, and survives a restart', () => {
    bench.agent('h1', { theme_color: '#111111' });
    expect(commandOf(setColor('#ABCDEF'))).toMatchObject({
      outcome: 'succeeded',
      reason: 'The colour is now #abcdef.',
    });
    expect(hostOf('h1')).toMatchObject({
      themeColor: '#abcdef',
      themeColorPinned: true,
      dashboardCommand: null,
      command: null,
    });
    expect(actions()).toEqual(expect.arrayContaining(['command.requested', 'command.ended']));
    bench.crash();
    expect(hostOf('h1').themeColor).toBe('#abcdef');
  });

  it('is kept when the agent registers again, until the agent may set it again', () => {
    bench.agent('h1', { theme_color: '#111111' });
    setColor('#abcdef');
    bench.crash();
    bench.agent('h1', { theme_color: '#222222' });
    expect(hostOf('h1').themeColor).toBe('#abcdef');
    expect(commandOf(setColor(null))).toMatchObject({ outcome: 'succeeded' });
    expect(hostOf('h1')).toMatchObject({ themeColor: '#222222', themeColorPinned: false });
  });

  it('reports when the colour was already set', () => {
    bench.agent('h1');
    setColor('#abcdef');
    expect(commandOf(setColor('#abcdef', 'again'))?.outcome).toBe('unchanged');
  });

  it('refuses an invalid colour with a sentence, and changes nothing', () => {
    bench.agent('h1');
    const before = hostOf('h1').themeColor;
    for (const color of ['red', '#12345', '#1234567', '', 7, undefined, '#12345g', 'url(x)']) {
      expect(setColor(color), String(color)).toMatchObject({
        kind: 'blocked',
        blocked: { code: 'bad-args', reason: expect.stringContaining('a colour like') as string },
      });
    }
    expect(hostOf('h1').themeColor).toBe(before);
    expect(actions().filter((action) => action === 'command.blocked')).toHaveLength(8);
  });

  it('does not affect the running command or the last command', () => {
    const link = bench.agent('h1');
    const pull = bench.dispatch('pull');
    setColor('#abcdef');
    expect(hostOf('h1').command?.id).toBe(pull);
    bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    bench.say(link, 'heartbeat', QUIET);
    setColor('#abcdee');
    expect(hostOf('h1').lastCommand?.id).toBe(pull);
    bench.crash();
    expect(hostOf('h1').lastCommand?.id).toBe(pull);
  });
});

describe('an executor', () => {
  it('runs after the fleet’s part, can write lines, and decides the outcome', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    bench.agent('h1');
    const asked = setColor('#abcdef');
    expect(hostOf('h1')).toMatchObject({
      themeColor: '#abcdef',
      dashboardCommand: { operation: 'set-color', phase: 'running' },
    });
    expect(outside.tasks[0]).toMatchObject({ host: { id: 'h1', name: 'h1' }, args: { color: '#abcdef' }, by: BY });
    outside.tasks[0]?.note('Opened a pull request.');
    await outside.end({ outcome: 'succeeded', reason: 'It is written.' });
    const command = commandOf(asked);
    expect(command).toMatchObject({ outcome: 'succeeded', reason: 'It is written.' });
    expect(bench.fleet.output(command?.id ?? '', 0, 9).map(({ text }) => text)).toEqual(['Opened a pull request.']);
    expect(hostOf('h1').dashboardCommand).toBeNull();
  });

  it('runs once at a time per host', () => {
    bench.executors['set-color'] = givenExecutor().executor;
    bench.agent('h1');
    setColor('#abcdef');
    expect(setColor('#123456')).toMatchObject({ kind: 'blocked', blocked: { code: 'busy' } });
  });

  it('gives a partial success when the colour can’t be written back', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    bench.agent('h1');
    const asked = setColor('#abcdef');
    await outside.end({ outcome: 'failed', reason: 'The repository refused.' });
    expect(commandOf(asked)).toMatchObject({
      outcome: 'partial',
      reason: 'The colour was set on the dashboard only. The repository refused.',
    });
  });

  it('that throws ends its command, and the dashboard keeps running', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    bench.agent('h1');
    const asked = setColor('#abcdef');
    await outside.fail(new Error('a secret detail'));
    expect(commandOf(asked)?.outcome).toBe('partial');
    expect(commandOf(asked)?.reason).not.toContain('secret');
  });

  it('that never ends is aborted with a time-out, and can’t change the outcome later', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    bench.agent('h1');
    const asked = setColor('#abcdef');
    bench.clock.advance(OPERATIONS['set-color'].hardAfterMs + 1_000);
    expect(commandOf(asked)?.outcome).toBe('timed-out');
    expect(outside.tasks[0]?.signal.aborted).toBe(true);
    await outside.end({ outcome: 'succeeded', reason: 'Late.' });
    expect(commandOf(asked)?.outcome).toBe('timed-out');
  });

  it('is lost and not repeated when the dashboard restarts in between', () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    bench.agent('h1');
    const asked = setColor('#abcdef');
    bench.crash();
    expect(commandOf(asked)).toMatchObject({ outcome: 'lost' });
    expect(outside.tasks).toHaveLength(1);
    expect(hostOf('h1')).toMatchObject({ themeColor: '#abcdef', dashboardCommand: null });
  });
});

describe('add-host', () => {
  it('adds a host with its details before its agent connects', () => {
    expect(addHost({ name: 'H1', color: '#abcdef' })).toMatchObject({ kind: 'accepted', hostId: 'h1', hostName: 'h1' });
    expect(hostOf('h1')).toMatchObject({
      online: false,
      lastSeenAt: null,
      type: 'nixos',
      location: 'work',
      deviceType: 'server',
      themeColor: '#abcdef',
      themeColorPinned: true,
    });
    bench.crash();
    bench.agent('h1', { host_type: 'nixos', theme_color: '#111111' });
    expect(hostOf('h1')).toMatchObject({ online: true, location: 'work', themeColor: '#abcdef' });
    expect(actions().filter((action) => action === 'host.added')).toHaveLength(1);
  });

  it('a repeated request adds nothing; another request for the same name is refused', () => {
    const first = addHost();
    expect(addHost()).toEqual(first);
    expect(addHost({ requestId: 'other' })).toMatchObject({ kind: 'blocked', blocked: { code: 'known' } });
    expect(rows('commands')).toBe(1);
    expect(actions()).toContain('command.blocked');
  });

  it.each(['', 'a.b', '-a', 'a_b', 'a'.repeat(64), '../x', 'K\u212A'])('refuses the name %j', (name) => {
    expect(addHost({ name })).toMatchObject({ kind: 'blocked', blocked: { code: 'bad-name' } });
    expect(bench.fleet.hostViews()).toEqual([]);
  });
});

describe('remove-host', () => {
  const remove = (force = false) =>
    bench.fleet.dispatch({
      operation: 'remove-host',
      hostIds: ['h1'],
      requestId: 'remove',
      force,
      stepUp: true,
      by: BY,
    })[0];
  const offline = (link: ReturnType<Bench['agent']>) => bench.fleet.inbox.disconnected(link, 1000, 'shutdown');

  function hostWithPast(lines: number) {
    const link = bench.agent('h1');
    const pull = bench.dispatch('pull');
    for (let n = 0; n < lines; n += 1) {
      bench.say(link, 'output', { line: `line ${n}`, stream: 'stdout' });
      bench.clock.advance(60);
    }
    bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    bench.say(link, 'heartbeat', { ...QUIET, metrics: { cpu: 1, ram: 2, swap: 3, load: 4 } });
    bench.clock.advance(120_000);
    return { link, pull };
  }

  it('removes the host and its data, and keeps the event', () => {
    const { link, pull } = hostWithPast(3);
    bench.agent('other');
    offline(link);
    expect(remove()).toMatchObject({ kind: 'accepted' });
    expect(bench.fleet.host('h1')).toBeNull();
    expect(bench.fleet.hostViews().map(({ id }) => id)).toEqual(['other']);
    expect(bench.removed).toEqual(['h1']);
    expect(bench.fleet.command(pull)).toBeNull();
    expect([rows('commands'), rows('command_output'), rows('metric_samples'), rows('hosts')]).toEqual([0, 0, 0, 1]);
    expect(bench.store.events({ limit: 9, hostId: 'h1' })[0]).toMatchObject({
      action: 'host.removed',
      actor: BY.userName,
      address: BY.address,
      hostName: 'h1',
      outcome: 'succeeded',
    });
    bench.crash();
    expect(bench.fleet.host('h1')).toBeNull();
  });

  it('is refused while the host is online', () => {
    bench.agent('h1');
    expect(remove()).toMatchObject({ kind: 'blocked', blocked: { code: 'online' } });
  });

  it('ends unfinished commands when forced', () => {
    const link = bench.agent('h1');
    const id = bench.dispatch('switch', 'h1', true);
    offline(link);
    expect(remove()).toMatchObject({ kind: 'blocked', blocked: { code: 'unfinished', forceable: true } });
    bench.fleet.dispatch({
      operation: 'remove-host',
      hostIds: ['h1'],
      requestId: 'forced',
      force: true,
      stepUp: true,
      by: BY,
    });
    expect(bench.fleet.host('h1')).toBeNull();
    const ended = bench.store.events({ limit: 99 }).find((event) => event.commandId === id && event.outcome === 'lost');
    expect(ended?.message).toContain('removed before it ended');
  });

  it('deletes in steps; an agent that connects meanwhile is held and then becomes a new host', () => {
    const { link } = hostWithPast(600);
    offline(link);
    remove();
    expect(hostOf('h1').dashboardCommand).toMatchObject({ operation: 'remove-host' });
    const early = bench.agent('h1');
    expect(early.frames).toEqual([]);
    expect(hostOf('h1')).toMatchObject({ online: false, notice: expect.stringContaining('being removed') as string });
    bench.clock.advance(1_000);
    expect(early.frames[0]?.type).toBe('registered');
    expect(hostOf('h1')).toMatchObject({ online: true, dashboardCommand: null, lastCommand: null, notice: '' });
    expect(rows('command_output')).toBe(0);
  });

  it('continues after a restart of the dashboard', () => {
    const { link } = hostWithPast(600);
    offline(link);
    remove();
    bench.crash();
    bench.clock.advance(1_000);
    expect(bench.fleet.host('h1')).toBeNull();
    expect(rows('hosts')).toBe(0);
  });

  it('fails when the database refuses, and admits the host’s agent again', () => {
    const { link } = hostWithPast(600);
    offline(link);
    remove();
    const early = bench.agent('h1');
    bench.store.forgetSome = () => {
      throw new Error('The disk is full.');
    };
    bench.clock.advance(1_000);
    expect(early.frames[0]?.type).toBe('registered');
    expect(hostOf('h1')).toMatchObject({ online: true, dashboardCommand: null });
    expect(bench.store.events({ limit: 9, hostId: 'h1' }).map(({ message }) => message)).toContainEqual(
      expect.stringContaining('The removal of h1 failed. The database refused the removal: The disk is full.'),
    );
  });
});

it('an operation with the scope of the fleet can’t be sent to a host', () => {
  bench.agent('h1');
  for (const operation of ['merge-pr', 'add-host'] as const) {
    const [result] = bench.fleet.dispatch({ operation, hostIds: ['h1'], requestId: operation, by: BY });
    expect(result).toMatchObject({ kind: 'blocked', blocked: { code: 'fleet-scope' } });
  }
});
