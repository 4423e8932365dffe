/**
 * What went wrong elsewhere, and must not here. Every lesson about the life of commands, freezes and crashes is the name
 * of a test, by its number: 1.1/1 to 27, 1.6/74 to 81, 3.1/1 to 7 and 3.2/8 to 21. Here are those that belong to no one
 * part, and the proof that none is missing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_OUTCOMES } from '@/lib/protocol/live';
import { REFRESH_BEFORE_CHECK_MS } from '../commands/command-engine';
import { sampleCommand } from '../testing/samples';
import { BY, openBench, QUIET, type Bench } from '../testing/test-fleet';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => {
  bench.close();
});

const commandOf = (id: string) => bench.fleet.command(id);
const ask = (operation: 'pull' | 'switch' | 'test', requestId: string, hostIds = ['h1']) =>
  bench.fleet.dispatch({ operation, hostIds, requestId, by: BY });
const pulled = { status: 'ok', command: 'pull', exit_code: 0 };

it('1.1/2 each step of a command is told once', () => {
  const link = bench.agent('h1');
  const id = bench.dispatch('pull');
  bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
  bench.say(link, 'output', { line: 'x', stream: 'stdout' });
  bench.say(link, 'status', pulled);
  bench.say(link, 'heartbeat', QUIET);
  bench.say(link, 'status', pulled);
  bench.say(link, 'heartbeat', QUIET);
  const told = bench.store.events({ limit: 99, hostId: 'h1' }).filter((event) => event.commandId === id);
  expect(told.map(({ action }) => action)).toEqual(['command.ended', 'command.requested']);
});

it('1.1/3, 3.2/16 looking and taking are one step: of two requests in one moment, one is refused', () => {
  const link = bench.agent('h1');
  expect(ask('pull', 'first')).toMatchObject([{ kind: 'accepted' }]);
  expect(ask('pull', 'second')).toMatchObject([{ kind: 'blocked', blocked: { code: 'busy' } }]);
  expect(link.commands()).toEqual(['pull']);
});

it('1.1/8, 1.6/78, 3.1/2 a host that reports "working" for ever stops nothing', () => {
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

it('1.1/9, 3.1/5 what is sent to a connection that is just gone harms nobody, and the command ends', () => {
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

describe('a verdict', () => {
  beforeEach(() => {
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'b'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 1 });
    bench.desired.relations.set('bbbbbbb', { relation: 'equal', commits: 0 });
  });

  it('1.1/12 is by the facts of the host, not by exit 0', () => {
    const link = bench.agent('h1');
    const id = bench.dispatch('pull');
    bench.say(link, 'status', pulled);
    bench.clock.advance(REFRESH_BEFORE_CHECK_MS);
    bench.say(link, 'heartbeat', QUIET);
    expect(commandOf(id)).toMatchObject({ outcome: 'partial', exitCode: 0 });
  });

  it('1.1/14 comes after the desired state was fetched again and the new facts were stored', async () => {
    const order: string[] = [];
    bench.desired.refresh = () => {
      order.push('fetched');
      return Promise.resolve();
    };
    const link = bench.agent('h1');
    const id = bench.dispatch('pull');
    const send = link.send.bind(link);
    link.send = (frame) => {
      order.push(frame.type);
      return send(frame);
    };
    bench.say(link, 'status', pulled);
    await Promise.resolve();
    await Promise.resolve();
    expect(order).toEqual(['fetched', 'registered']);
    bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(commandOf(id)).toMatchObject({ outcome: 'succeeded' });
    expect(bench.store.load().hosts[0]?.generation).toBe('bbbbbbb');
  });

  it('3.1/7 does not wait for a fetch that hangs, and nothing else does', () => {
    bench.desired.refresh = () => new Promise(() => undefined);
    const link = bench.agent('h1');
    const other = bench.agent('other');
    const id = bench.dispatch('pull');
    bench.say(link, 'status', pulled);
    bench.say(other, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(bench.fleet.host('other')?.generation).toBe('bbbbbbb');
    bench.clock.advance(REFRESH_BEFORE_CHECK_MS);
    bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(commandOf(id)?.outcome).toBe('succeeded');
  });
});

it('1.1/16 what a heartbeat says is evidence: it neither makes nor ends a command by itself', () => {
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

it('1.1/17 nothing pending is one thing however it is written, and goes with the connection', () => {
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

it('1.1/20 nothing follows a command before it has ended, not even after its status', () => {
  const link = bench.agent('h1');
  bench.dispatch('pull');
  bench.say(link, 'status', pulled);
  expect(ask('switch', 'too early')).toMatchObject([{ kind: 'blocked', blocked: { code: 'busy' } }]);
  bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
  expect(ask('switch', 'still too early')).toMatchObject([{ kind: 'blocked', blocked: { code: 'busy' } }]);
  bench.say(link, 'heartbeat', QUIET);
  expect(ask('switch', 'now')).toMatchObject([{ kind: 'accepted' }]);
});

it.each(COMMAND_OUTCOMES)('3.2/14 "%s" is an end: it is not loaded as running, and keeps its times', (outcome) => {
  bench.agent('h1');
  const ended = { outcome, reason: 'Because.', exitCode: null, endedAt: 9, startedAt: 5 };
  const command = sampleCommand('pull', { phase: 'ended', at: 9, outcome, reason: 'Because.', exitCode: null }, ended);
  bench.store.commit({ commands: [command] });
  bench.crash();
  expect(bench.fleet.host('h1')).toMatchObject({ command: null, control: null, queue: [] });
  expect(commandOf(command.id)).toMatchObject({ outcome, startedAt: 5, endedAt: 9 });
});

it('3.2/17 what was given to a page does not change under its hands', () => {
  const link = bench.agent('h1');
  const id = bench.dispatch('pull');
  const given = bench.fleet.hostViews();
  const before = JSON.stringify(given);
  bench.say(link, 'status', { ...pulled, status: 'error', exit_code: 1 });
  bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  expect(commandOf(id)?.outcome).toBe('failed');
  expect(JSON.stringify(given)).toBe(before);
});

it('3.2/18 asks for the heartbeat that it judges by, however seldom the agent sends one', () => {
  const link = bench.agent('h1', { heartbeat_interval: 3_600 });
  bench.dispatch('test');
  const before = link.frames.length;
  bench.say(link, 'status', { ...pulled, command: 'test' });
  expect(link.frames.slice(before).map(({ type }) => type)).toEqual(['registered']);
});

it('3.2/20 a host that can’t be sent to is told of at once, and holds up no other', () => {
  const link = bench.agent('h1');
  bench.fleet.inbox.disconnected(bench.agent('gone'), 1006, '');
  const other = bench.agent('other');
  expect(ask('pull', 'all', ['h1', 'gone', 'other', 'nobody'])).toMatchObject([
    { kind: 'accepted' },
    { kind: 'blocked', blocked: { code: 'offline' } },
    { kind: 'accepted' },
    { kind: 'unknown-host' },
  ]);
  expect([link.commands(), other.commands()]).toEqual([['pull'], ['pull']]);
});

describe('the map of lessons', () => {
  const range = (part: string, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => `${part}/${from + n}`);
  const wanted = [...range('1.1', 1, 27), ...range('1.6', 74, 81), ...range('3.1', 1, 7), ...range('3.2', 8, 21)];

  it('is whole: every lesson is in the name of a test', () => {
    const files = ['agent', 'app', 'e2e', 'lib', 'simulator', 'scripts'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(test|spec)\.ts$/.test(file))
        .map((file) => `${folder}/${file}`),
    );
    // Within quotes only: a comment proves nothing.
    const named = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/(['"`])((?:(?!\1).)*\b[13]\.[126]\/\d+(?:(?!\1).)*)\1/g)].flatMap(
        ([, , title = '']) => [...title.matchAll(/\b[13]\.[126]\/\d+/g)].map(([id]) => id),
      ),
    );
    expect(wanted.filter((id) => !named.includes(id))).toEqual([]);
  });
});
