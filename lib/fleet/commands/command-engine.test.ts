import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBench, QUIET, type Bench } from '../testing/test-fleet';
import { REFRESH_BEFORE_CHECK_MS } from './command-engine';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const commandOf = (id: string) => bench.fleet.command(id);
const pulled = { status: 'ok', command: 'pull', exit_code: 0 };

it('writes one event per step of a command', async () => {
  const link = await bench.agent('h1');
  const id = await bench.dispatch('pull');
  await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
  await bench.say(link, 'output', { line: 'x', stream: 'stdout' });
  await bench.say(link, 'status', pulled);
  await bench.say(link, 'heartbeat', QUIET);
  await bench.say(link, 'status', pulled);
  await bench.say(link, 'heartbeat', QUIET);
  const recorded = (await bench.store.events({ limit: 99, hostId: 'h1' })).filter((event) => event.commandId === id);
  expect(recorded.map(({ action }) => action)).toEqual(['command.ended', 'command.requested']);
});

it('asks for the heartbeat it needs after a status, however rarely the agent sends one', async () => {
  const link = await bench.agent('h1', { heartbeat_interval: 3_600 });
  await bench.dispatch('test');
  const before = link.frames.length;
  await bench.say(link, 'status', { ...pulled, command: 'test' });
  expect(link.frames.slice(before).map(({ type }) => type)).toEqual(['registered']);
});

describe('a verdict', () => {
  beforeEach(() => {
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'b'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 1 });
    bench.desired.relations.set('bbbbbbb', { relation: 'equal', commits: 0 });
  });

  it('follows from the facts of the host, not from exit 0', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    await bench.say(link, 'status', pulled);
    await bench.advance(REFRESH_BEFORE_CHECK_MS);
    await bench.say(link, 'heartbeat', QUIET);
    expect(await commandOf(id)).toMatchObject({ outcome: 'partial', exitCode: 0 });
  });

  it('is made after the desired state was fetched again and the new facts were stored', async () => {
    const order: string[] = [];
    bench.desired.refresh = () => {
      order.push('fetched');
      return Promise.resolve();
    };
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    const send = link.send.bind(link);
    link.send = (frame) => {
      order.push(frame.type);
      return send(frame);
    };
    await bench.say(link, 'status', pulled);
    await Promise.resolve();
    await Promise.resolve();
    expect(order).toEqual(['fetched', 'registered']);
    await bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(await commandOf(id)).toMatchObject({ outcome: 'succeeded' });
    expect((await bench.store.load()).hosts[0]?.generation).toBe('bbbbbbb');
  });

  it('does not wait for a fetch that hangs, and neither does anything else', async () => {
    bench.desired.refresh = () => new Promise(() => undefined);
    const link = await bench.agent('h1');
    const other = await bench.agent('other');
    const id = await bench.dispatch('pull');
    await bench.say(link, 'status', pulled);
    await bench.say(other, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(bench.fleet.host('other')?.generation).toBe('bbbbbbb');
    await bench.advance(REFRESH_BEFORE_CHECK_MS);
    await bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect((await commandOf(id))?.outcome).toBe('succeeded');
  });
});
