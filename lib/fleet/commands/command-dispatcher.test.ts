import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BY, openBench, QUIET, type Bench } from '../testing/test-fleet';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const request = (operation: 'pull' | 'switch', requestId: string, hostIds = ['h1']) =>
  bench.fleet.dispatch({ operation, hostIds, requestId, by: BY });

describe('CommandDispatcher', () => {
  it('accepts one of two simultaneous requests and refuses the other', async () => {
    const link = await bench.agent('h1');
    expect(await request('pull', 'first')).toMatchObject([{ kind: 'accepted' }]);
    expect(await request('pull', 'second')).toMatchObject([{ kind: 'blocked', blocked: { code: 'busy' } }]);
    expect(link.commands()).toEqual(['pull']);
  });

  it('refuses a new command until the previous one has ended, even after its status', async () => {
    const link = await bench.agent('h1');
    await bench.dispatch('pull');
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    expect(await request('switch', 'too early')).toMatchObject([{ kind: 'blocked', blocked: { code: 'busy' } }]);
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    expect(await request('switch', 'still too early')).toMatchObject([{ kind: 'blocked', blocked: { code: 'busy' } }]);
    await bench.say(link, 'heartbeat', QUIET);
    expect(await request('switch', 'now')).toMatchObject([{ kind: 'accepted' }]);
  });

  it('reports a host that can’t be sent to at once, and sends to the others', async () => {
    const link = await bench.agent('h1');
    bench.fleet.inbox.disconnected(await bench.agent('gone'), 1006, '');
    const other = await bench.agent('other');
    expect(await request('pull', 'all', ['h1', 'gone', 'other', 'nobody'])).toMatchObject([
      { kind: 'accepted' },
      { kind: 'blocked', blocked: { code: 'offline' } },
      { kind: 'accepted' },
      { kind: 'unknown-host' },
    ]);
    expect([link.commands(), other.commands()]).toEqual([['pull'], ['pull']]);
  });

  it('answers a repeated request with its first command: at the same moment, while it runs, and after its end', async () => {
    const link = await bench.agent('h1');
    const [first, same] = await Promise.all([request('pull', 'once'), request('pull', 'once')]);
    expect(first).toMatchObject([{ kind: 'accepted' }]);
    expect(same).toEqual(first);
    expect(await request('pull', 'once')).toEqual(first);
    await bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await request('pull', 'once')).toEqual(first);
    expect(link.commands()).toEqual(['pull']);
    expect(await request('pull', 'twice')).not.toEqual(first);
    expect(link.commands()).toEqual(['pull', 'pull']);
  });
});
