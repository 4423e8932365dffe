import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBench, QUIET, type Bench } from '../testing/test-fleet';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => {
  bench.close();
});

const commandOf = (id: string) => bench.fleet.command(id);

it('a host that reports "working" for ever blocks neither its next command nor other hosts', () => {
  const link = bench.agent('h1', { host_type: 'macos' });
  const other = bench.agent('other');
  const working = { system: { status: 'working', message: 'Switching', checked_at: '2027-01-15T08:00:00Z' } };
  for (let minute = 0; minute < 7; minute += 1) {
    bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'switch', update_status: working });
    bench.clock.advance(60_000);
  }
  bench.fleet.inbox.disconnected(link, 1006, '');
  const back = bench.agent('h1', { host_type: 'macos' });
  bench.say(back, 'heartbeat', QUIET);
  const id = bench.dispatch('switch', 'h1', true);
  bench.clock.advance(6 * 60_000);
  bench.say(back, 'heartbeat', { ...QUIET, pending_command: 'switch', update_status: working });
  expect(commandOf(id)?.outcome).toBeNull();
  bench.say(other, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  expect(bench.fleet.host('other')?.generation).toBe('bbbbbbb');
});

it('a command sent to a connection that was just lost ends, and other hosts are not affected', () => {
  const link = bench.agent('h1');
  const other = bench.agent('other');
  link.send = () => false;
  const id = bench.dispatch('test');
  bench.fleet.inbox.disconnected(link, 1006, '');
  bench.fleet.inbox.disconnected(link, 1006, '');
  bench.say(link, 'heartbeat', QUIET);
  bench.say(bench.agent('h1'), 'heartbeat', QUIET);
  bench.clock.advance(60 * 60_000);
  expect(commandOf(id)?.outcome).toBe('lost');
  bench.say(other, 'heartbeat', QUIET);
  expect(bench.fleet.host('other')?.online).toBe(true);
});

it('a heartbeat alone neither creates nor ends a command', () => {
  const link = bench.agent('h1');
  bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
  expect(bench.fleet.host('h1')).toMatchObject({ command: null, foreignCommand: 'test' });
  bench.say(link, 'heartbeat', QUIET);
  const id = bench.dispatch('pull');
  for (const pending_command of ['pull', null, 'pull', null, 'pull']) {
    bench.clock.advance(4_000);
    bench.say(link, 'heartbeat', { ...QUIET, pending_command });
    expect(bench.fleet.host('h1')).toMatchObject({ command: { id }, foreignCommand: '' });
  }
});

it('null, empty and absent all mean no pending command, and a disconnect clears it', () => {
  const link = bench.agent('h1');
  for (const pending_command of [null, '', undefined]) {
    bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
    bench.say(link, 'heartbeat', { ...QUIET, pending_command });
    expect(bench.fleet.host('h1')?.foreignCommand).toBe('');
  }
  bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'test' });
  bench.fleet.inbox.disconnected(link, 1006, '');
  bench.agent('h1');
  expect(bench.fleet.host('h1')?.foreignCommand).toBe('');
});
