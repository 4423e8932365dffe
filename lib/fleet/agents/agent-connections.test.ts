import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBench, QUIET, settle, type Bench, type TestLink } from '../testing/test-fleet';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const commandOf = (id: string) => bench.fleet.command(id);

it('a host that reports "working" for ever blocks neither its next command nor other hosts', async () => {
  const link = await bench.agent('h1', { host_type: 'macos' });
  const other = await bench.agent('other');
  const working = { system: { status: 'working', message: 'Switching', checked_at: '2027-01-15T08:00:00Z' } };
  for (let minute = 0; minute < 7; minute += 1) {
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'switch', update_status: working });
    await bench.advance(60_000);
  }
  bench.fleet.inbox.disconnected(link, 1006, '');
  const back = await bench.agent('h1', { host_type: 'macos' });
  await bench.say(back, 'heartbeat', QUIET);
  const id = await bench.dispatch('switch', 'h1', true);
  await bench.advance(6 * 60_000);
  await bench.say(back, 'heartbeat', { ...QUIET, pending_command: 'switch', update_status: working });
  expect((await commandOf(id))?.outcome).toBeNull();
  await bench.say(other, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  expect(bench.fleet.host('other')?.generation).toBe('bbbbbbb');
});

it('a command sent to a connection that was just lost ends, and other hosts are not affected', async () => {
  const link = await bench.agent('h1');
  const other = await bench.agent('other');
  link.send = () => false;
  const id = await bench.dispatch('test');
  bench.fleet.inbox.disconnected(link, 1006, '');
  bench.fleet.inbox.disconnected(link, 1006, '');
  await bench.say(link, 'heartbeat', QUIET);
  await bench.say(await bench.agent('h1'), 'heartbeat', QUIET);
  await bench.advance(60 * 60_000);
  expect((await commandOf(id))?.outcome).toBe('lost');
  await bench.say(other, 'heartbeat', QUIET);
  expect(bench.fleet.host('other')?.online).toBe(true);
});

it('a heartbeat alone neither creates nor ends a command', async () => {
  const link = await bench.agent('h1');
  await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
  expect(bench.fleet.host('h1')).toMatchObject({ command: null, foreignCommand: 'test' });
  await bench.say(link, 'heartbeat', QUIET);
  const id = await bench.dispatch('pull');
  for (const pending_command of ['pull', null, 'pull', null, 'pull']) {
    await bench.advance(4_000);
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command });
    expect(bench.fleet.host('h1')).toMatchObject({ command: { id }, foreignCommand: '' });
  }
});

it('null, empty and absent all mean no pending command, and a disconnect clears it', async () => {
  const link = await bench.agent('h1');
  for (const pending_command of [null, '', undefined]) {
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    await bench.say(link, 'heartbeat', { ...QUIET, pending_command });
    expect(bench.fleet.host('h1')?.foreignCommand).toBe('');
  }
  await bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
  bench.fleet.inbox.disconnected(link, 1006, '');
  await bench.agent('h1');
  expect(bench.fleet.host('h1')?.foreignCommand).toBe('');
});

it('frames sent right behind a register frame, before that is stored, are processed in order', async () => {
  const link = bench.connect();
  void bench.say(link, 'register', { hostname: 'new' });
  void bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  expect(bench.fleet.host('new')).toBeNull();
  await bench.say(link, 'heartbeat', { ...QUIET, generation: 'ccccccc' });
  expect(bench.fleet.host('new')).toMatchObject({ online: true, generation: 'ccccccc' });
  expect(bench.events.some(({ action }) => action === 'agent.fault')).toBe(false);
});

it('an agent that ends while its register frame is being stored leaves its host offline', async () => {
  await bench.agent('h1');
  await bench.crash();
  const link = bench.connect();
  void bench.say(link, 'register', { hostname: 'h1', generation: 'bbbbbbb' });
  await bench.hangUp(link);
  expect(bench.fleet.host('h1')).toMatchObject({ online: false, generation: 'bbbbbbb' });
  expect((await bench.agent('h1')).frames.map(({ type }) => type)).toContain('registered');
});

it('an agent that sends faster than the database stores is not read meanwhile', async () => {
  const link = await bench.agent('h1');
  for (let n = 0; n < 12; n += 1) void bench.say(link, 'heartbeat', { ...QUIET, generation: `bbbbbb${n}` });
  expect(link.holds).toBeGreaterThan(1);
  await settle();
  expect(bench.fleet.host('h1')?.generation).toBe('bbbbbb11');
});

describe('the commands of another host', () => {
  const AGENT = { protocol: 3, running: null, finished: [] };
  const line = (seq: number) => ({ seq, stream: 'stdout', line: `line ${seq}` });
  const RESULT = { status: 'error', command: 'pull', exit_code: 1, last_seq: 0 };

  /** Runs a pull on h1 to its end. */
  async function endedPull(link: TestLink): Promise<string> {
    const id = await bench.dispatch('pull');
    await bench.say(link, 'status', { ...RESULT, command_id: id });
    await bench.say(link, 'heartbeat', QUIET);
    expect((await commandOf(id))?.outcome).toBe('failed');
    return id;
  }

  it('can’t be changed by an agent: not a running one, not the last one, not an older one', async () => {
    const link = await bench.agent('h1', { ...AGENT, instance: 'a' });
    const intruder = await bench.agent('h2', { ...AGENT, instance: 'b' });
    const ids = [await endedPull(link), await endedPull(link), await bench.dispatch('pull')];
    const recordsOf = () => Promise.all(ids.map((id) => bench.store.command(id)));
    const before = await recordsOf();
    for (const command_id of ids) {
      await bench.say(intruder, 'started', { command_id });
      await bench.say(intruder, 'output_batch', { command_id, lines: [line(1)] });
      await bench.say(intruder, 'status', { ...RESULT, status: 'ok', exit_code: 0, command_id });
      await bench.say(intruder, 'command_rejected', { command_id, reason: 'No.', current_command: 'pull' });
      await bench.say(intruder, 'heartbeat', { ...QUIET, pending_command: 'pull', command_id });
    }
    await bench.advance(1_000);
    expect(await recordsOf()).toEqual(before);
    for (const id of ids) expect(await bench.fleet.output(id, 0, 10)).toEqual([]);
    // Nor has that hidden anything from its own agent.
    await bench.say(link, 'output_batch', { command_id: ids[2], lines: [line(1)] });
    await bench.advance(1_000);
    expect(await bench.fleet.output(ids[2] ?? '', 0, 10)).toMatchObject([{ text: 'line 1' }]);
  });
});

it('a sign of life counts at once, and is stored with the next batch', async () => {
  const link = await bench.agent('h1');
  await bench.advance(30_000);
  bench.fleet.inbox.alive(link);
  const now = bench.clock.now();
  expect(bench.fleet.vitals().lastSeenAt).toEqual([now]);
  await bench.advance(1_000);
  expect(bench.fleet.host('h1')?.lastSeenAt).toBe(now);
  await bench.advance(30_000);
  await bench.crash();
  expect(bench.fleet.host('h1')?.lastSeenAt).toBe(now);
});
