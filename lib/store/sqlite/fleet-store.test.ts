import fc from 'fast-check';
import { asc } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyChain } from './event-chain';
import { createFleetStore } from './fleet-store';
import { checkWritable } from './database-health';
import { events } from './schema';
import { openTestDatabase, type TestDatabase } from './testing/database';
import { testCommand, testEvent, testHost, testOutput } from './testing/sample-records';
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
  it('keep the note of an adoption when they are updated', () => {
    store.commit({ hosts: [testHost('a')] });
    test.db.$client.prepare('update hosts set import_note = \'{"old":1}\'').run();
    store.commit({ hosts: [testHost('a', { name: 'b' })] });
    expect(test.db.$client.prepare('select name, import_note from hosts').raw().get()).toEqual(['b', '{"old":1}']);
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
});

describe('system generations', () => {
  it('that can’t be read count as not reported, and the log names the column', () => {
    const list = { at: 1, total: 1, generations: [] };
    store.commit({ hosts: [testHost('a')], systemGenerations: [{ hostId: 'a', list }] });
    test.db.$client.prepare(`update host_generations set generations = '[{"number":"x"}]'`).run();
    expect(store.systemGenerations('a')).toBeNull();
    expect(test.logged.join('')).toContain('Table host_generations, row a, column generations is invalid');
  });
});

describe('commands', () => {
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
});

describe('output', () => {
  it('is stored in rows of bounded size, so that reading a page parses little more than the page', () => {
    const batch = testOutput('c', 1, 100);
    for (const line of batch.lines) line.text = String(line.seq).padEnd(65_536, 'x');
    store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a')], output: [batch] });
    const longest = test.db.$client.prepare('select max(length(lines)) from command_output').pluck().get();
    expect(longest).toBeLessThan(300_000);
    expect(store.output('c', 0, 1_000)).toEqual(batch.lines);
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
  it('form a chain that verifies across restarts, whatever text they hold', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.dictionary(text, fc.jsonValue())), { maxLength: 4 }), (contents) => {
        store.commit({
          events: contents.map(([actor, args]) => ({
            ...testEvent('', { actor, hostId: actor }),
            action: 'command.requested',
            params: { operation: 'pull', forced: false, args },
          })),
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
    store.commit({ events: ['a', 'b', 'c', 'd'].map((text) => testEvent(text)) });
    const setData = test.db.$client.prepare<[string]>('update events set data = ? where id = 2');
    setData.run('{"reason":"B"}');
    expect(chain()).toMatchObject({ kind: 'broken', id: 2 });
    setData.run('{"reason":"b"}');
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

  it('that fails halfway leaves the chain of events intact', () => {
    const bad = { ...everything, metrics: [{ hostId: 'nobody', at: 1, metrics: everything.metrics[0]!.metrics }] };
    expect(() => store.commit(bad)).toThrow(expect.objectContaining({ kind: 'constraint' }));
    store.commit(everything);
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

  it('on a read-only file is refused with the name of the file, as is the check for it', () => {
    test.db.$client.pragma('query_only = ON');
    expect(() => store.commit(everything)).toThrow(test.path);
    expect(refusal()).toContain(test.path);
    test.db.$client.pragma('query_only = OFF');
  });
});
