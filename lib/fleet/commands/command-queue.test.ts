import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../operations/operations';
import { DEFAULT_QUEUE_MS, MAX_QUEUE_MS, MIN_QUEUE_MS, queueMs } from '../operations/queue-time';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const HOUR = 3_600_000;

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => {
  bench.close();
});

let requests = 0;
const ask = (operation: OperationId, more: { force?: boolean; requestId?: string; queueForMs?: number } = {}) => {
  const [result] = bench.fleet.dispatch({
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
const queued = (operation: OperationId, more: Parameters<typeof ask>[1] = {}): string => {
  const result = ask(operation, more);
  if (result.kind !== 'queued') throw new Error(`not queued: ${JSON.stringify(result)}`);
  return result.commandId;
};
const commandOf = (id: string) => bench.fleet.command(id);
const queueOf = () => bench.fleet.host('h1')?.queue.map(({ operation }) => operation);

/** A known host that is offline. */
function awayHost(register: Record<string, unknown> = {}): TestLink {
  const link = bench.agent('h1', register);
  bench.fleet.inbox.disconnected(link, 1006, '');
  return link;
}

/** The host comes back and sends its first heartbeat. */
function back(register: Record<string, unknown> = {}): TestLink {
  const link = bench.agent('h1', register);
  bench.say(link, 'heartbeat', QUIET);
  return link;
}

describe('a command for a host that is offline', () => {
  it('is refused unless the request allows queueing', () => {
    awayHost();
    expect(bench.fleet.dispatch({ operation: 'pull', hostIds: ['h1'], requestId: 'r', by: BY })).toMatchObject([
      { kind: 'blocked', blocked: { code: 'offline' } },
    ]);
    expect(queueOf()).toEqual([]);
  });

  it('is queued only if its operation is queueable', () => {
    awayHost();
    const can = OPERATION_IDS.filter((id) => OPERATIONS[id].queueable);
    expect(can).toEqual(['pull', 'switch', 'pull-switch', 'test', 'force-update']);
    for (const id of OPERATION_IDS) {
      if (!can.includes(id) && OPERATIONS[id].runs === 'agent') expect(ask(id).kind, id).toBe('blocked');
    }
  });

  it('is shown with its expiry time and its requester', () => {
    awayHost();
    const id = queued('pull');
    expect(bench.fleet.host('h1')).toMatchObject({
      command: null,
      queue: [{ id, phase: 'queued', by: BY.userName, expiresAt: bench.clock.now() + DEFAULT_QUEUE_MS }],
    });
    expect(bench.events.map(({ action }) => action)).toContain('command.queued');
  });

  it('is sent once, after the first heartbeat of the returned host', () => {
    awayHost();
    const id = queued('pull');
    const link = bench.agent('h1');
    expect(link.commands()).toEqual([]);
    bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
    expect(bench.fleet.host('h1')).toMatchObject({ queue: [], command: { id, phase: 'sent' } });
    bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    bench.say(link, 'heartbeat', QUIET);
    expect(commandOf(id)?.outcome).toBe('unchanged');
    expect(link.commands()).toEqual(['pull']);
    expect(bench.events.map(({ action }) => action)).toContain('command.dequeued');
  });

  it('waits until a command that the dashboard did not send has ended', () => {
    awayHost();
    queued('pull');
    const link = bench.agent('h1');
    bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    expect(link.commands()).toEqual([]);
    bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
  });

  it('is sent in the order of the requests, one at a time', () => {
    awayHost();
    queued('pull');
    bench.clock.advance(10);
    queued('test');
    const link = back();
    expect(link.commands()).toEqual(['pull']);
    bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    expect(link.commands()).toEqual(['pull']);
    bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull', 'test']);
  });

  it('is skipped with the reason when the returned host can’t run it', () => {
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'b'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 1 });
    awayHost();
    const id = queued('switch');
    const link = back();
    expect(link.commands()).toEqual([]);
    expect(commandOf(id)).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('configuration') as string,
    });
  });

  it('overrides a precondition if the request was forced', () => {
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'b'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 1 });
    awayHost();
    queued('switch', { force: true });
    expect(back().commands()).toEqual(['switch']);
  });

  it('expires', () => {
    awayHost();
    const id = queued('pull', { queueForMs: HOUR });
    bench.clock.advance(HOUR - 2_000);
    expect(commandOf(id)?.outcome).toBeNull();
    bench.clock.advance(4_000);
    expect(commandOf(id)).toMatchObject({ outcome: 'expired' });
    expect(queueOf()).toEqual([]);
    expect(back().commands()).toEqual([]);
  });

  it('is superseded only by a newer command of the same operation', () => {
    awayHost();
    const first = queued('pull');
    const test = queued('test');
    const second = queued('pull');
    expect(commandOf(first)).toMatchObject({ outcome: 'superseded' });
    expect(bench.fleet.host('h1')?.queue.map(({ id }) => id)).toEqual([test, second]);
    const link = back();
    expect(link.commands()).toEqual(['test']);
  });

  it('is superseded by one requested before the host’s first heartbeat', () => {
    awayHost();
    const waiting = queued('pull');
    const link = bench.agent('h1');
    expect(ask('pull').kind).toBe('accepted');
    expect(commandOf(waiting)?.outcome).toBe('superseded');
    bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
  });

  it('can be cancelled until it is sent', () => {
    awayHost();
    const id = queued('pull');
    expect(bench.fleet.cancel(id, BY)).toBe(true);
    expect(commandOf(id)).toMatchObject({ outcome: 'cancelled' });
    expect(bench.fleet.cancel(id, BY)).toBe(false);
    expect(bench.events.map(({ action }) => action)).toContain('command.cancelled');
    queued('test');
    const link = back();
    expect(link.commands()).toEqual(['test']);
    expect(bench.fleet.cancel(bench.fleet.host('h1')?.command?.id ?? '', BY)).toBe(false);
  });

  it('is not the host’s last command after it was cancelled', () => {
    const link = bench.agent('h1');
    const test = bench.dispatch('test');
    bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    bench.say(link, 'heartbeat', QUIET);
    bench.fleet.inbox.disconnected(link, 1006, '');
    bench.fleet.cancel(queued('pull'), BY);
    expect(bench.fleet.host('h1')?.lastCommand?.id).toBe(test);
    bench.crash();
    expect(bench.fleet.host('h1')?.lastCommand?.id).toBe(test);
  });

  it('is not created twice by a repeated request', () => {
    awayHost();
    const first = ask('pull', { requestId: 'same' });
    expect(ask('pull', { requestId: 'same' })).toEqual(first);
    expect(queueOf()).toEqual(['pull']);
  });

  it('survives a crash while queued, and is not sent again by a later crash', () => {
    awayHost();
    const id = queued('pull');
    bench.crash();
    expect(bench.fleet.host('h1')?.queue).toMatchObject([{ id, operation: 'pull' }]);
    expect(back().commands()).toEqual(['pull']);
    bench.crash();
    const link = bench.agent('h1');
    bench.say(link, 'heartbeat', QUIET);
    bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual([]);
    expect(commandOf(id)?.outcome).toBe('lost');
  });

  it('expires during a restart too', () => {
    awayHost();
    const id = queued('pull', { queueForMs: HOUR });
    bench.fleet.stop();
    bench.clock.advance(2 * HOUR);
    bench.crash();
    bench.clock.advance(2_000);
    expect(commandOf(id)?.outcome).toBe('expired');
  });

  it('is cancelled when its host is removed', () => {
    awayHost();
    const id = queued('pull');
    bench.fleet.dispatch({ operation: 'remove-host', hostIds: ['h1'], requestId: 'remove', stepUp: true, by: BY });
    expect(bench.fleet.host('h1')).toBeNull();
    expect(bench.events.filter((event) => event.commandId === id).at(-1)).toMatchObject({ outcome: 'cancelled' });
  });
});

it('the queue time has bounds', () => {
  expect([queueMs(0), queueMs(HOUR), queueMs(Infinity)]).toEqual([MIN_QUEUE_MS, HOUR, MAX_QUEUE_MS]);
});
