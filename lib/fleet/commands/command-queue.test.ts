import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../operations/operations';
import { DEFAULT_QUEUE_MS, MAX_QUEUE_MS, MIN_QUEUE_MS, queueMs } from '../operations/queue-time';
import { BY, openBench, QUIET, settle, type Bench, type TestLink } from '../testing/test-fleet';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const HOUR = 3_600_000;

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

let requests = 0;
const ask = async (operation: OperationId, more: { force?: boolean; requestId?: string; queueForMs?: number } = {}) => {
  const [result] = await bench.fleet.dispatch({
    operation,
    hostIds: ['h1'],
    requestId: `ask-${++requests}`,
    queueForMs: DEFAULT_QUEUE_MS,
    by: BY,
    ...more,
  });
  if (!result) throw new Error('no result');
  return result;
};
const queued = async (operation: OperationId, more: Parameters<typeof ask>[1] = {}): Promise<string> => {
  const result = await ask(operation, more);
  if (result.kind !== 'queued') throw new Error(`not queued: ${JSON.stringify(result)}`);
  return result.commandId;
};
const commandOf = (id: string) => bench.fleet.command(id);
const queueOf = () => bench.fleet.host('h1')?.queue.map(({ operation }) => operation);

/** A known host that is offline. */
async function awayHost(register: Record<string, unknown> = {}): Promise<TestLink> {
  const link = await bench.agent('h1', register);
  bench.fleet.inbox.disconnected(link, 1006, '');
  return link;
}

/** The host comes back and sends its first heartbeat. */
async function back(register: Record<string, unknown> = {}): Promise<TestLink> {
  const link = await bench.agent('h1', register);
  await bench.say(link, 'heartbeat', QUIET);
  return link;
}

describe('a command for a host that is offline', () => {
  it('stays queued while the one before it has been sent and not started', async () => {
    await awayHost();
    const [first, second] = [await queued('pull'), await queued('test')];
    const link = await back();
    await bench.say(link, 'heartbeat', QUIET);
    expect([link.commands(), queueOf()]).toEqual([['pull'], ['test']]);
    await bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1 });
    await bench.say(link, 'heartbeat', QUIET);
    await bench.say(link, 'heartbeat', QUIET);
    expect((await commandOf(first))?.outcome).toBe('failed');
    expect([link.commands(), (await commandOf(second))?.phase]).toEqual([['pull', 'test'], 'sent']);
  });

  it('is not sent to a new connection before that one shows what its agent is running', async () => {
    const process = { protocol: 3, instance: 'i', running: null, finished: [] };
    await awayHost(process);
    await queued('pull');
    const first = await bench.agent('h1', process);
    const second = bench.connect();
    // Stored before the register frame, which is processed before the queue.
    void bench.say(first, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    await bench.say(second, 'register', { hostname: 'h1', ...process });
    expect(first.closed).not.toBeNull();
    expect([first.commands(), second.commands()]).toEqual([[], []]);
    await bench.say(second, 'heartbeat', QUIET);
    expect(second.commands()).toEqual(['pull']);
  });

  it('is refused unless the request allows queueing', async () => {
    await awayHost();
    expect(await bench.fleet.dispatch({ operation: 'pull', hostIds: ['h1'], requestId: 'r', by: BY })).toMatchObject([
      { kind: 'blocked', blocked: { code: 'offline' } },
    ]);
    expect(queueOf()).toEqual([]);
  });

  it('is queued only if its operation is queueable', async () => {
    await awayHost();
    const can = OPERATION_IDS.filter((id) => OPERATIONS[id].queueable);
    expect(can).toEqual(['pull', 'switch', 'pull-switch', 'test', 'force-update', 'boot']);
    for (const id of OPERATION_IDS) {
      if (!can.includes(id) && OPERATIONS[id].runs === 'agent') expect((await ask(id)).kind, id).toBe('blocked');
    }
  });

  it('is shown with its expiry time and its requester', async () => {
    await awayHost();
    const id = await queued('pull');
    expect(bench.fleet.host('h1')).toMatchObject({
      command: null,
      queue: [{ id, phase: 'queued', by: BY.userName, expiresAt: bench.clock.now() + DEFAULT_QUEUE_MS }],
    });
    expect(bench.events.map(({ action }) => action)).toContain('command.queued');
  });

  it('is sent once, after the first heartbeat of the returned host', async () => {
    await awayHost();
    const id = await queued('pull');
    const link = await bench.agent('h1');
    expect(link.commands()).toEqual([]);
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
    expect(bench.fleet.host('h1')).toMatchObject({ queue: [], command: { id, phase: 'sent' } });
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    expect((await commandOf(id))?.outcome).toBe('unchanged');
    expect(link.commands()).toEqual(['pull']);
    expect(bench.events.map(({ action }) => action)).toContain('command.dequeued');
  });

  it('waits until a command that the dashboard did not send has ended', async () => {
    await awayHost();
    await queued('pull');
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    expect(link.commands()).toEqual([]);
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
  });

  it('is sent in the order of the requests, one at a time', async () => {
    await awayHost();
    await queued('pull');
    await bench.advance(10);
    await queued('test');
    const link = await back();
    expect(link.commands()).toEqual(['pull']);
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    expect(link.commands()).toEqual(['pull']);
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull', 'test']);
  });

  it('is skipped with the reason when the returned host can’t run it', async () => {
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'b'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 1 });
    await awayHost();
    const id = await queued('switch');
    const link = await back();
    expect(link.commands()).toEqual([]);
    expect(await commandOf(id)).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('configuration') as string,
    });
  });

  it('overrides a precondition if the request was forced', async () => {
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'b'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 1 });
    await awayHost();
    await queued('switch', { force: true });
    expect((await back()).commands()).toEqual(['switch']);
  });

  it('expires', async () => {
    await awayHost();
    const id = await queued('pull', { queueForMs: HOUR });
    await bench.advance(HOUR - 2_000);
    expect((await commandOf(id))?.outcome).toBeNull();
    await bench.advance(4_000);
    expect(await commandOf(id)).toMatchObject({ outcome: 'expired' });
    expect(queueOf()).toEqual([]);
    expect((await back()).commands()).toEqual([]);
  });

  it('is superseded only by a newer command of the same operation', async () => {
    await awayHost();
    const first = await queued('pull');
    const test = await queued('test');
    const second = await queued('pull');
    expect(await commandOf(first)).toMatchObject({ outcome: 'superseded' });
    expect(bench.fleet.host('h1')?.queue.map(({ id }) => id)).toEqual([test, second]);
    const link = await back();
    expect(link.commands()).toEqual(['test']);
  });

  it('is superseded by one requested before the host’s first heartbeat', async () => {
    await awayHost();
    const waiting = await queued('pull');
    const link = await bench.agent('h1');
    expect((await ask('pull')).kind).toBe('accepted');
    expect((await commandOf(waiting))?.outcome).toBe('superseded');
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
  });

  it('can be cancelled until it is sent', async () => {
    await awayHost();
    const id = await queued('pull');
    expect(await bench.fleet.cancel(id, BY)).toBe(true);
    expect(await commandOf(id)).toMatchObject({ outcome: 'cancelled' });
    expect(await bench.fleet.cancel(id, BY)).toBe(false);
    expect(bench.events.map(({ action }) => action)).toContain('command.cancelled');
    await queued('test');
    const link = await back();
    expect(link.commands()).toEqual(['test']);
    expect(await bench.fleet.cancel(bench.fleet.host('h1')?.command?.id ?? '', BY)).toBe(false);
  });

  it('is not the host’s last command after it was cancelled', async () => {
    const link = await bench.agent('h1');
    const test = await bench.dispatch('test');
    await bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    bench.fleet.inbox.disconnected(link, 1006, '');
    await bench.fleet.cancel(await queued('pull'), BY);
    expect(bench.fleet.host('h1')?.lastCommand?.id).toBe(test);
    await bench.crash();
    expect(bench.fleet.host('h1')?.lastCommand?.id).toBe(test);
  });

  it('is not created twice by a repeated request', async () => {
    await awayHost();
    const first = await ask('pull', { requestId: 'same' });
    expect(await ask('pull', { requestId: 'same' })).toEqual(first);
    expect(queueOf()).toEqual(['pull']);
  });

  it('survives a crash while queued, and is not sent again by a later crash', async () => {
    await awayHost();
    const id = await queued('pull');
    await bench.crash();
    expect(bench.fleet.host('h1')?.queue).toMatchObject([{ id, operation: 'pull' }]);
    expect((await back()).commands()).toEqual(['pull']);
    await bench.crash();
    const link = await bench.agent('h1');
    await bench.say(link, 'heartbeat', QUIET);
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual([]);
    expect((await commandOf(id))?.outcome).toBe('lost');
  });

  it('expires during a restart too', async () => {
    await awayHost();
    const id = await queued('pull', { queueForMs: HOUR });
    await bench.fleet.stop();
    await bench.advance(2 * HOUR);
    await bench.crash();
    await bench.advance(2_000);
    expect((await commandOf(id))?.outcome).toBe('expired');
  });

  it('is cancelled when its host is removed', async () => {
    await awayHost();
    const id = await queued('pull');
    await bench.fleet.dispatch({
      operation: 'remove-host',
      hostIds: ['h1'],
      requestId: 'remove',
      stepUp: true,
      by: BY,
    });
    await settle();
    expect(bench.fleet.host('h1')).toBeNull();
    expect(bench.events.filter((event) => event.commandId === id).at(-1)).toMatchObject({ outcome: 'cancelled' });
  });
});

it('the queue time has bounds', () => {
  expect([queueMs(0), queueMs(HOUR), queueMs(Infinity)]).toEqual([MIN_QUEUE_MS, HOUR, MAX_QUEUE_MS]);
});
