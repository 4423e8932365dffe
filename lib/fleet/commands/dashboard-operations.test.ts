import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventSentence } from '../events/event-sentence';
import { OPERATIONS } from '../operations/operations';
import { BY, openBench, QUIET, settle, type Bench, type TestLink } from '../testing/test-fleet';
import type { DashboardOperationEnd, DashboardExecutor, DashboardOperationTask } from '../records/executor-port';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const hostOf = (id: string) => {
  const host = bench.fleet.host(id);
  if (!host) throw new Error(`no host ${id}`);
  return host;
};
const setColor = async (color: unknown, requestId = `color ${String(color)}`) =>
  (await bench.fleet.dispatch({ operation: 'set-color', hostIds: ['h1'], requestId, args: { color }, by: BY }))[0];
const commandOf = (result: Awaited<ReturnType<typeof setColor>>) => {
  if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return bench.fleet.command(result.commandId);
};
const actions = async () => (await bench.store.events({ limit: 500 })).map(({ action }) => action);
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
  it('takes effect at once, is a command with an end, and survives a restart', async () => {
    await bench.agent('h1', { theme_color: '#111111' });
    expect(await commandOf(await setColor('#ABCDEF'))).toMatchObject({
      outcome: 'succeeded',
      reason: 'The colour is now #abcdef.',
    });
    expect(hostOf('h1')).toMatchObject({
      themeColor: '#abcdef',
      themeColorPinned: true,
      dashboardCommand: null,
      command: null,
    });
    expect(await actions()).toEqual(expect.arrayContaining(['command.requested', 'command.ended']));
    await bench.crash();
    expect(hostOf('h1').themeColor).toBe('#abcdef');
  });

  it('is kept when the agent registers again, until the agent may set it again', async () => {
    await bench.agent('h1', { theme_color: '#111111' });
    await setColor('#abcdef');
    await bench.crash();
    await bench.agent('h1', { theme_color: '#222222' });
    expect(hostOf('h1').themeColor).toBe('#abcdef');
    expect(await commandOf(await setColor(null))).toMatchObject({ outcome: 'succeeded' });
    expect(hostOf('h1')).toMatchObject({ themeColor: '#222222', themeColorPinned: false });
  });

  it('reports when the colour was already set', async () => {
    await bench.agent('h1');
    await setColor('#abcdef');
    expect((await commandOf(await setColor('#abcdef', 'again')))?.outcome).toBe('unchanged');
  });

  it('refuses an invalid colour with a sentence, and changes nothing', async () => {
    await bench.agent('h1');
    const before = hostOf('h1').themeColor;
    for (const color of ['red', '#12345', '#1234567', '', 7, undefined, '#12345g', 'url(x)']) {
      expect(await setColor(color), String(color)).toMatchObject({
        kind: 'blocked',
        blocked: { code: 'bad-args', reason: expect.stringContaining('a colour like') as string },
      });
    }
    expect(hostOf('h1').themeColor).toBe(before);
    expect((await actions()).filter((action) => action === 'command.blocked')).toHaveLength(8);
  });

  it('does not affect the running command or the last command', async () => {
    const link = await bench.agent('h1');
    const pull = await bench.dispatch('pull');
    await setColor('#abcdef');
    expect(hostOf('h1').command?.id).toBe(pull);
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    await setColor('#abcdee');
    expect(hostOf('h1').lastCommand?.id).toBe(pull);
    await bench.crash();
    expect(hostOf('h1').lastCommand?.id).toBe(pull);
  });
});

describe('an executor', () => {
  it('runs after the fleet’s part, can write lines, and decides the outcome', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    await bench.agent('h1');
    const asked = await setColor('#abcdef');
    expect(hostOf('h1')).toMatchObject({
      themeColor: '#abcdef',
      dashboardCommand: { operation: 'set-color', phase: 'running' },
    });
    expect(outside.tasks[0]).toMatchObject({ host: { id: 'h1', name: 'h1' }, args: { color: '#abcdef' }, by: BY });
    outside.tasks[0]?.note('Opened a pull request.');
    await outside.end({ outcome: 'succeeded', reason: 'It is written.' });
    const command = await commandOf(asked);
    expect(command).toMatchObject({ outcome: 'succeeded', reason: 'It is written.' });
    expect((await bench.fleet.output(command?.id ?? '', 0, 9)).map(({ text }) => text)).toEqual([
      'Opened a pull request.',
    ]);
    expect(hostOf('h1').dashboardCommand).toBeNull();
  });

  it('runs once at a time per host', async () => {
    bench.executors['set-color'] = givenExecutor().executor;
    await bench.agent('h1');
    await setColor('#abcdef');
    expect(await setColor('#123456')).toMatchObject({ kind: 'blocked', blocked: { code: 'busy' } });
  });

  it('gives a partial success when the colour can’t be written back', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    await bench.agent('h1');
    const asked = await setColor('#abcdef');
    await outside.end({ outcome: 'failed', reason: 'The repository refused.' });
    expect(await commandOf(asked)).toMatchObject({
      outcome: 'partial',
      reason: 'The colour was set on the dashboard only. The repository refused.',
    });
  });

  it('that throws ends its command, and the dashboard keeps running', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    await bench.agent('h1');
    const asked = await setColor('#abcdef');
    await outside.fail(new Error('a secret detail'));
    expect((await commandOf(asked))?.outcome).toBe('partial');
    expect((await commandOf(asked))?.reason).not.toContain('secret');
  });

  it('that never ends is aborted with a time-out, and can’t change the outcome later', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    await bench.agent('h1');
    const asked = await setColor('#abcdef');
    await bench.advance(OPERATIONS['set-color'].hardAfterMs + 1_000);
    expect((await commandOf(asked))?.outcome).toBe('timed-out');
    expect(outside.tasks[0]?.signal.aborted).toBe(true);
    await outside.end({ outcome: 'succeeded', reason: 'Late.' });
    expect((await commandOf(asked))?.outcome).toBe('timed-out');
  });

  it('is lost and not repeated when the dashboard restarts in between', async () => {
    const outside = givenExecutor();
    bench.executors['set-color'] = outside.executor;
    await bench.agent('h1');
    const asked = await setColor('#abcdef');
    await bench.crash();
    expect(await commandOf(asked)).toMatchObject({ outcome: 'lost' });
    expect(outside.tasks).toHaveLength(1);
    expect(hostOf('h1')).toMatchObject({ themeColor: '#abcdef', dashboardCommand: null });
  });
});

describe('add-host', () => {
  it('adds a host with its details before its agent connects', async () => {
    expect(await addHost({ name: 'H1', color: '#abcdef' })).toMatchObject({
      kind: 'accepted',
      hostId: 'h1',
      hostName: 'h1',
    });
    expect(hostOf('h1')).toMatchObject({
      online: false,
      lastSeenAt: null,
      type: 'nixos',
      location: 'work',
      deviceType: 'server',
      themeColor: '#abcdef',
      themeColorPinned: true,
    });
    await bench.crash();
    await bench.agent('h1', { host_type: 'nixos', theme_color: '#111111' });
    expect(hostOf('h1')).toMatchObject({ online: true, location: 'work', themeColor: '#abcdef' });
    expect((await actions()).filter((action) => action === 'host.added')).toHaveLength(1);
  });

  it('a repeated request adds nothing; another request for the same name is refused', async () => {
    const first = await addHost();
    expect(await addHost()).toEqual(first);
    expect(await addHost({ requestId: 'other' })).toMatchObject({ kind: 'blocked', blocked: { code: 'known' } });
    expect(rows('commands')).toBe(1);
    expect(await actions()).toContain('command.blocked');
  });

  it.each(['', 'a.b', '-a', 'a_b', 'a'.repeat(64), '../x', 'K\u212A'])('refuses the name %j', async (name) => {
    expect(await addHost({ name })).toMatchObject({ kind: 'blocked', blocked: { code: 'bad-name' } });
    expect(bench.fleet.hostViews()).toEqual([]);
  });
});

describe('remove-host', () => {
  const remove = async (force = false, requestId = 'remove') => {
    const hostIds = ['h1'];
    const request = { operation: 'remove-host', hostIds, requestId, force, stepUp: true, by: BY } as const;
    const [result] = await bench.fleet.dispatch(request);
    await settle();
    return result;
  };
  const offline = (link: TestLink) => bench.hangUp(link, 1000, 'shutdown');

  async function hostWithPast(lines: number) {
    const link = await bench.agent('h1');
    const pull = await bench.dispatch('pull');
    for (let n = 0; n < lines; n += 1) {
      await bench.say(link, 'output', { line: `line ${n}`, stream: 'stdout' });
      await bench.advance(60);
    }
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', { ...QUIET, metrics: { cpu: 1, ram: 2, swap: 3, load: 4 } });
    await bench.advance(120_000);
    return { link, pull };
  }

  it('removes the host and its data, and keeps the event', async () => {
    const { link, pull } = await hostWithPast(3);
    await bench.agent('other');
    await offline(link);
    expect(await remove()).toMatchObject({ kind: 'accepted' });
    expect(bench.fleet.host('h1')).toBeNull();
    expect(bench.fleet.hostViews().map(({ id }) => id)).toEqual(['other']);
    expect(bench.removed).toEqual(['h1']);
    expect(await bench.fleet.command(pull)).toBeNull();
    expect([rows('commands'), rows('command_output'), rows('metric_samples'), rows('hosts')]).toEqual([0, 0, 0, 1]);
    expect((await bench.store.events({ limit: 9, hostId: 'h1' }))[0]).toMatchObject({
      action: 'host.removed',
      actor: BY.userName,
      address: BY.address,
      hostName: 'h1',
      outcome: 'succeeded',
    });
    await bench.crash();
    expect(bench.fleet.host('h1')).toBeNull();
  });

  it('is refused while the host is online', async () => {
    await bench.agent('h1');
    expect(await remove()).toMatchObject({ kind: 'blocked', blocked: { code: 'online' } });
  });

  it('ends unfinished commands when forced', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('switch', 'h1', true);
    await offline(link);
    expect(await remove()).toMatchObject({ kind: 'blocked', blocked: { code: 'unfinished', forceable: true } });
    await remove(true, 'forced');
    expect(bench.fleet.host('h1')).toBeNull();
    const ended = (await bench.store.events({ limit: 99 })).find(
      (event) => event.commandId === id && event.outcome === 'lost',
    );
    expect(ended && eventSentence(ended)).toContain('removed before it ended');
  });

  it('deletes in steps; an agent that connects meanwhile is held and then becomes a new host', async () => {
    const { link } = await hostWithPast(600);
    await offline(link);
    await remove();
    expect(hostOf('h1').dashboardCommand).toMatchObject({ operation: 'remove-host' });
    const early = await bench.agent('h1');
    expect(early.frames).toEqual([]);
    expect(hostOf('h1')).toMatchObject({ online: false, notice: expect.stringContaining('being removed') as string });
    await bench.advance(1_000);
    expect(early.frames[0]?.type).toBe('registered');
    expect(hostOf('h1')).toMatchObject({ online: true, dashboardCommand: null, lastCommand: null, notice: '' });
    expect(rows('command_output')).toBe(0);
  });

  it('continues after a restart of the dashboard', async () => {
    const { link } = await hostWithPast(600);
    await offline(link);
    await remove();
    await bench.crash();
    await bench.advance(1_000);
    expect(bench.fleet.host('h1')).toBeNull();
    expect(rows('hosts')).toBe(0);
  });

  it('fails when the database refuses, and admits the host’s agent again', async () => {
    const { link } = await hostWithPast(600);
    await offline(link);
    await remove();
    const early = await bench.agent('h1');
    bench.store.forgetSome = () => {
      throw new Error('The disk is full.');
    };
    await bench.advance(1_000);
    expect(early.frames[0]?.type).toBe('registered');
    expect(hostOf('h1')).toMatchObject({ online: true, dashboardCommand: null });
    expect((await bench.store.events({ limit: 9, hostId: 'h1' })).map(eventSentence)).toContainEqual(
      expect.stringContaining('The removal of h1 failed. The database refused the removal: The disk is full.'),
    );
  });
});

it('an operation with the scope of the fleet can’t be sent to a host', async () => {
  await bench.agent('h1');
  for (const operation of ['merge-pr', 'add-host'] as const) {
    const [result] = await bench.fleet.dispatch({
      operation,
      hostIds: ['h1'],
      requestId: operation,
      stepUp: true,
      by: BY,
    });
    expect(result).toMatchObject({ kind: 'blocked', blocked: { code: 'fleet-scope' } });
  }
});
