import fc from 'fast-check';
import { asc } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandState } from '@/lib/fleet/records/command-state';
import { verifyChain } from './event-chain';
import { createFleetStore } from './fleet-store';
import { checkWritable } from './database-health';
import { events } from './schema';
import { openTestDatabase, type TestDatabase } from './testing/database';
import { endedCommand, testCommand, testEvent, testHost, testOutput } from './testing/sample-records';
import type { Direct } from './later';
import type { FleetStore } from '@/lib/fleet/records/store-port';

let test: TestDatabase;
let store: Direct<FleetStore>;

beforeEach(() => {
  test = openTestDatabase();
  store = createFleetStore(test.db, test);
});
afterEach(() => test.close());

const count = (table: string) => test.db.$client.prepare(`select count(*) from ${table}`).pluck().get();
const chain = () => verifyChain(test.db.select().from(events).orderBy(asc(events.id)).all());

function restart(): void {
  store = createFleetStore(test.reopen(), test);
}

describe('hosts', () => {
  it('are loaded after a restart as they were stored, and are updated in place', () => {
    const word = { status: 'ok' as const, message: 'current', saidAt: 'then', at: 5, generation: '42' };
    const host = testHost('a', {
      themeColorPinned: true,
      heartbeatIntervalS: 2.5,
      lock: word,
      metrics: { cpu: 1.5, ram: null, swap: 0, load: 0.25 },
      metricsAt: 6,
      lastSeenAt: 7,
    });
    store.commit({ hosts: [host] });
    restart();
    expect(store.load().hosts).toEqual([host]);

    test.db.$client.prepare('update hosts set import_note = \'{"old":1}\'').run();
    store.commit({ commands: [testCommand('c', 'a')] });
    const changed = { ...host, name: 'b', lock: null, themeColorPinned: false };
    store.commit({ hosts: [changed] });
    expect(store.load().hosts).toEqual([changed]);
    expect(store.command('c')).not.toBeNull();
    expect(test.db.$client.prepare('select import_note from hosts').pluck().get()).toBe('{"old":1}');
  });

  it('show the comment and criticality of an older dashboard as a note, which later writes keep', () => {
    store.commit({ hosts: ['a', 'b', 'c'].map((id) => testHost(id)) });
    const columns = `comment, criticality, os_name, nixpkgs_version, repo_dir, source_commit`;
    const stored = ['In the cellar\n', 'high', 'NixOS', '25.11', '/etc/nixos', 'abc'];
    test.db.$client
      .prepare(`update hosts set (${columns}) = (${stored.map(() => '?').join(', ')}) where id = 'a'`)
      .run(...stored);
    test.db.$client.prepare(`update hosts set comment = ? where id = 'b'`).run('x'.repeat(4_000));
    const { hosts } = store.load();
    expect(hosts.map(({ note }) => note)).toEqual(['In the cellar\nCriticality: high', `${'x'.repeat(1_000)}…`, '']);

    store.commit({ hosts: hosts.map((host) => ({ ...host, location: 'office' })) });
    restart();
    expect(store.load().hosts).toEqual(hosts.map((host) => ({ ...host, location: 'office' })));
    const rows = test.db.$client.prepare(`select ${columns} from hosts where id <> 'b' order by id`).raw().all();
    expect(rows).toEqual([stored, ['', 'low', '', '', '', '']]);
  });

  it('are loaded without an unreadable column, and the log names the column', () => {
    const word = { status: 'ok' as const, message: '', saidAt: '', at: 5, generation: '' };
    store.commit({ hosts: [testHost('a', { system: word, tests: word }), testHost('b')] });
    test.db.$client.prepare(`update hosts set system = '{"status":', tests = '{"status":"blue"}' where id = 'a'`).run();
    expect(store.load().hosts.map(({ id, system, tests }) => [id, system, tests])).toEqual([
      ['a', null, null],
      ['b', null, null],
    ]);
    expect(test.logged.join('')).toContain('Table hosts, row a, column system is not JSON');
    expect(test.logged.join('')).toContain('Table hosts, row a, column tests');
  });

  it('are removed with their commands, output and metrics; events stay', () => {
    store.commit({
      hosts: [testHost('a'), testHost('b')],
      commands: [testCommand('c', 'a'), testCommand('d', 'b')],
      output: [testOutput('c', 1, 5), testOutput('d', 1, 5)],
      metrics: ['a', 'b'].map((hostId) => ({ hostId, at: 1, metrics: { cpu: 1, ram: 2, swap: 3, load: 4 } })),
      events: [testEvent('hello', { hostId: 'a', hostName: 'a' })],
    });
    store.commit({ removedHosts: ['a'], events: [testEvent('removed', { hostId: 'a', hostName: 'a' })] });
    expect(['hosts', 'commands', 'command_output', 'metric_samples', 'events'].map(count)).toEqual([1, 1, 1, 1, 2]);
    expect(store.events({ hostId: 'a', limit: 10 }).map(({ message }) => message)).toEqual(['removed', 'hello']);
  });
});

describe('commands', () => {
  const wired = {
    sentAt: 1,
    before: { generation: '1', storePath: '/nix', binaryHash: 'x' },
    deadline: 2,
    hardDeadline: 3,
    heard: true,
  };
  const running: CommandState = { phase: 'running', ...wired, quiet: 0, progress: null };

  it('are read back in full by id, by request and newest first', () => {
    const old = endedCommand('old', 'a', 50, { createdAt: 10, forced: true, outputTruncated: true });
    const now = testCommand('now', 'a', { state: running, createdAt: 20, startedAt: 21, targetId: 'old', lines: 3 });
    store.commit({ hosts: [testHost('a'), testHost('b')], commands: [old, now] });
    restart();
    expect(store.command('now')).toEqual(now);
    expect(store.command('other')).toBeNull();
    expect(store.commandsByRequest('request-old', ['b', 'a'])).toEqual([old]);
    expect(store.commandsByRequest('request-old', ['b'])).toEqual([]);
    expect(store.commandsOf('a', 10)).toEqual([now, old]);
    expect(store.commandsOf('a', 1)).toEqual([now]);
    expect(store.load()).toMatchObject({ commands: [now], lastEnded: [old] });
  });

  it('loads the last ended command of each host, by the time of its end', () => {
    store.commit({
      hosts: ['a', 'b', 'c'].map((id) => testHost(id)),
      commands: [
        endedCommand('a1', 'a', 90, { createdAt: 1 }),
        endedCommand('a2', 'a', 80, { createdAt: 2 }),
        endedCommand('b1', 'b', 5),
        testCommand('c1', 'c'),
      ],
    });
    const { commands, lastEnded } = store.load();
    expect(commands.map(({ id }) => id)).toEqual(['c1']);
    expect(lastEnded.map(({ id }) => id).sort()).toEqual(['a1', 'b1']);
  });

  it('takes the last command that a host ran as its last, not the stop of it', () => {
    store.commit({
      hosts: [testHost('a')],
      commands: [
        endedCommand('switch', 'a', 10),
        endedCommand('stop', 'a', 11, { operation: 'stop', targetId: 'switch' }),
      ],
    });
    expect(store.load().lastEnded.map(({ id }) => id)).toEqual(['switch']);
  });

  it('end as lost when their state cannot be read', () => {
    store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a'), testCommand('d', 'a')] });
    test.db.$client
      .prepare("update commands set state = '{\"phase\":\"flying\"}', phase = 'flying' where id = 'c'")
      .run();
    const loaded = store.load();
    expect(loaded.commands.map(({ id }) => id)).toEqual(['d']);
    expect(loaded.lastEnded).toMatchObject([{ id: 'c', outcome: 'lost', state: { phase: 'ended', outcome: 'lost' } }]);
    expect(test.logged.join('')).toContain('Table commands, row c, column state');
  });

  it('are refused when state and outcome disagree, or when a request repeats', () => {
    store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a')] });
    expect(() => store.commit({ commands: [testCommand('d', 'a', { outcome: 'failed' })] })).toThrow(
      expect.objectContaining({ kind: 'constraint' }),
    );
    expect(() => store.commit({ commands: [testCommand('d', 'a', { requestId: 'request-c' })] })).toThrow(
      expect.objectContaining({ kind: 'constraint' }),
    );
  });
});

describe('output', () => {
  const TOTAL = 100_000;

  it('reads 100,000 lines from any offset', () => {
    store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a'), testCommand('d', 'a')] });
    const sizes = [1, 7, 250, 499];
    const batches = [];
    for (let from = 1; from <= TOTAL;) {
      const to = Math.min(TOTAL, from + sizes[batches.length % sizes.length]! - 1);
      batches.push(testOutput('c', from, to));
      from = to + 1;
    }
    store.commit({ output: [...batches, testOutput('d', 1, 3)] });
    restart();

    const all = store.output('c', 0, TOTAL + 1);
    expect(all).toHaveLength(TOTAL);
    expect(all.every((line, index) => line.seq === index + 1)).toBe(true);
    expect(all[41]).toEqual(testOutput('c', 42, 42).lines[0]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TOTAL + 5 }), fc.integer({ min: 0, max: 2_000 }), (after, limit) => {
        expect(store.output('c', after, limit)).toEqual(all.slice(after, after + limit));
      }),
      {
        numRuns: 60,
        examples: [
          [TOTAL - 1, 10],
          [TOTAL, 10],
          [0, 1],
          [256, 3],
        ],
      },
    );
    expect(store.output('d', 1, 10).map(({ seq }) => seq)).toEqual([2, 3]);
  });

  it('ends a page with the line that reaches its size, and loses no line between pages', () => {
    const lengths = [10, 100, 3, 250, 0, 99, 1, 400, 5];
    const batch = testOutput('c', 1, lengths.length);
    for (const [index, length] of lengths.entries()) batch.lines[index]!.text = 'x'.repeat(length);
    store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a')], output: [batch] });
    const pages = [];
    for (let after = 0; ;) {
      const page = store.output('c', after, 100, 110);
      if (page.length === 0) break;
      pages.push(page.map(({ text }) => text.length));
      after = page.at(-1)!.seq;
    }
    expect(pages).toEqual([[10, 100], [3, 250], [0, 99, 1, 400], [5]]);
    expect(store.output('c', 0, 2, 1_000)).toHaveLength(2);
    expect(store.output('c', 0, 100)).toHaveLength(lengths.length);
  });

  it('is stored in rows of bounded size, so that reading a page parses little more than the page', () => {
    const batch = testOutput('c', 1, 100);
    for (const line of batch.lines) line.text = String(line.seq).padEnd(65_536, 'x');
    store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a')], output: [batch] });
    const longest = test.db.$client.prepare('select max(length(lines)) from command_output').pluck().get();
    expect(longest).toBeLessThan(300_000);
    expect(store.output('c', 0, 1_000)).toEqual(batch.lines);
    expect(store.output('c', 41, 2).map(({ seq }) => seq)).toEqual([42, 43]);
    expect(() => store.commit({ output: [testOutput('c', 50, 50)] })).toThrow(/lines from/);
  });

  it('refuses batches that overlap others or have a gap', () => {
    store.commit({
      hosts: [testHost('a')],
      commands: [testCommand('c', 'a')],
      output: [testOutput('c', 10, 20), testOutput('c', 40, 50)],
    });
    for (const [from, to] of [
      [10, 20],
      [5, 10],
      [20, 25],
      [12, 13],
      [1, 60],
      [50, 51],
    ] as const) {
      expect(() => store.commit({ output: [testOutput('c', from, to)] }), `${from}-${to}`).toThrow(/lines from/);
    }
    const { commandId, lines } = testOutput('c', 60, 62);
    const gap = { commandId, lines: lines.filter((_, index) => index !== 1) };
    expect(() => store.commit({ output: [gap] })).toThrow(/gap/);
    store.commit({ output: [testOutput('c', 21, 39)] });
    expect(store.output('c', 0, 100).map(({ seq }) => seq)).toEqual(Array.from({ length: 41 }, (_, i) => i + 10));
  });

  it('shows one note in place of an unreadable batch', () => {
    store.commit({
      hosts: [testHost('a')],
      commands: [testCommand('c', 'a')],
      output: [testOutput('c', 1, 2), testOutput('c', 3, 5), testOutput('c', 6, 6)],
    });
    test.db.$client.prepare("update command_output set lines = '[]' where first_seq = 3").run();
    const lines = store.output('c', 0, 10);
    expect(lines.map(({ seq, stream }) => [seq, stream])).toEqual([
      [1, 'stdout'],
      [2, 'stdout'],
      [5, 'note'],
      [6, 'stdout'],
    ]);
    expect(store.output('c', 5, 10).map(({ seq }) => seq)).toEqual([6]);
  });
});

describe('events', () => {
  it('are returned with their ids, filtered and newest first', () => {
    const added = store.commit({
      events: [
        testEvent('one', { hostId: 'a', category: 'command' }),
        testEvent('two', { hostId: 'b' }),
        testEvent('three', { hostId: 'a' }),
      ],
    });
    expect(added.map(({ id, message }) => [id, message])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ]);
    const messages = (filter: Parameters<FleetStore['events']>[0]) =>
      store.events(filter).map((event) => event.message);
    expect(messages({ limit: 10 })).toEqual(['three', 'two', 'one']);
    expect(messages({ limit: 10, before: 3 })).toEqual(['two', 'one']);
    expect(messages({ limit: 1, hostId: 'a' })).toEqual(['three']);
    expect(messages({ limit: 10, category: 'command', hostId: 'a' })).toEqual(['one']);
    expect(store.events({ limit: 10 })).toEqual([...added].reverse());
  });

  it('form a chain that verifies across restarts, whatever text they hold', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.dictionary(text, fc.jsonValue())), { maxLength: 4 }), (contents) => {
        store.commit({
          events: contents.map(([message, data]) => testEvent(message, { data, actor: message, hostId: message })),
        });
        expect(chain()).toMatchObject({ kind: 'intact' });
      }),
      { numRuns: 40 },
    );
    store.commit({ events: [testEvent('half a surrogate \ud83d'), testEvent('nul \0 within')] });
    restart();
    const last = store.commit({ events: [testEvent('after the restart')] });
    expect(chain()).toMatchObject({ kind: 'intact', last: { id: last[0]!.id } });
  });

  it('that were changed or deleted in the file are reported by their id', () => {
    store.commit({ events: ['a', 'b', 'c', 'd'].map((message) => testEvent(message)) });
    test.db.$client.prepare("update events set message = 'B' where id = 2").run();
    expect(chain()).toMatchObject({ kind: 'broken', id: 2 });
    test.db.$client.prepare("update events set message = 'b' where id = 2").run();
    expect(chain()).toMatchObject({ kind: 'intact' });
    // Also at the newest end: the next event does not reuse the id.
    test.db.$client.prepare('delete from events where id = 4').run();
    store.commit({ events: [testEvent('e')] });
    expect(chain()).toMatchObject({ kind: 'broken', id: 4 });
  });
});

describe('a commit', () => {
  const everything = {
    hosts: [testHost('new')],
    commands: [testCommand('c', 'new')],
    output: [testOutput('c', 1, 2_000)],
    metrics: [{ hostId: 'new', at: 1, metrics: { cpu: 1, ram: 1, swap: 1, load: 1 } }],
    events: [testEvent('new')],
  };
  const counts = () => ['hosts', 'commands', 'command_output', 'metric_samples', 'events'].map(count);

  const refusal = () => {
    const found = checkWritable(test.db);
    return found.kind === 'refused' ? found.reason : '';
  };

  it('that fails halfway writes nothing', () => {
    const bad = { ...everything, metrics: [{ hostId: 'nobody', at: 1, metrics: everything.metrics[0]!.metrics }] };
    expect(() => store.commit(bad)).toThrow(expect.objectContaining({ kind: 'constraint' }));
    expect(counts()).toEqual([0, 0, 0, 0, 0]);
    store.commit(everything);
    expect(counts()).toEqual([1, 1, 1, 1, 1]);
    expect(chain()).toMatchObject({ kind: 'intact', last: { id: 1 } });
  });

  it('on a full disk says so, writes nothing, and works once there is room', () => {
    const client = test.db.$client;
    client.pragma(`max_page_count = ${String(client.pragma('page_count', { simple: true }))}`);
    expect(() => store.commit(everything)).toThrow(expect.objectContaining({ kind: 'disk-full' }));
    expect(refusal()).toContain('no room left');
    expect(counts()).toEqual([0, 0, 0, 0, 0]);
    client.pragma('max_page_count = 1073741823');
    store.commit(everything);
    expect(counts()).toEqual([1, 1, 1, 1, 1]);
  });

  it('on a read-only file says so, and works again afterwards', () => {
    const client = test.db.$client;
    client.pragma('query_only = ON');
    expect(() => store.commit(everything)).toThrow(expect.objectContaining({ kind: 'read-only' }));
    expect(refusal()).toContain(test.path);
    client.pragma('query_only = OFF');
    expect(checkWritable(test.db)).toEqual({ kind: 'writable' });
    expect(count('settings')).toBe(0);
    store.commit(everything);
    expect(counts()).toEqual([1, 1, 1, 1, 1]);
  });
});
