import { rmSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { asc } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { Database } from '../sqlite/driver';
import { verifyChain } from '../sqlite/event-chain';
import { createFleetStore } from '../sqlite/fleet-store';
import { closeDatabase } from '../sqlite/open-database';
import { events } from '../sqlite/schema';
import { makeTestFolder, makeTestLog } from '../sqlite/testing/database';
import { openAdopting } from './testing/open-adopting';
import type { AdoptionReport } from './adopt-report';
import {
  GO_FORMS,
  goTables,
  V1_FORMS,
  v1Tables,
  writeOldFile,
  type OldCell,
  type OldCells,
  type OldTablesOf,
} from './testing/old-files';
import type { HostRecord } from '@/lib/fleet/records/host-record';

const RUNS_PER_FORM = 10;
const LONGEST_NAME = 'h'.repeat(63);
const FORMS: [string, OldTablesOf][] = [
  ...V1_FORMS.map((form): [string, OldTablesOf] => [`version 1, form ${form}`, v1Tables(form)]),
  ...V1_FORMS.map((form): [string, OldTablesOf] => [`version 1, form ${form}, opened by Go`, v1Tables(form, true)]),
  ...GO_FORMS.map((form): [string, OldTablesOf] => [`Go ${form}`, goTables(form)]),
];

let folder: string;
let path: string;
let remove: () => void;
beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
});
afterEach(() => remove());

/** Writes and adopts a file, and returns the contents of the new database. */
function adopt(tables: OldTablesOf, rows: Record<string, OldCells[]>) {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  writeOldFile(path, tables, rows);
  // As SQLite returns it: for example without lone surrogates.
  const old = new Database(path);
  const was = old.prepare<[], OldCells>('select * from hosts').all();
  old.close();
  const { log, logged } = makeTestLog();
  let report: AdoptionReport | null = null;
  const db = openAdopting(path, { log, onAdopted: (made) => (report = made) });
  const store = createFleetStore(db, { log });
  const all = (sql: string) => db.$client.prepare<[], Record<string, unknown>>(sql).all();
  const { hosts } = store.load();
  const commands = hosts.flatMap(({ id }) => store.commandsOf(id, 10_000));
  for (const { id } of commands) store.output(id, 0, 10_000);
  const chain = verifyChain(db.select().from(events).orderBy(asc(events.id)).all());
  const result = {
    report: report as AdoptionReport | null,
    hosts,
    commands,
    was,
    notes: all('select id, import_note as note from hosts order by rowid'),
    rows: {
      hosts: all('select * from hosts'),
      commands: all('select * from commands'),
      events: all('select * from events'),
    },
    chain,
    errors: logged.filter((line) => line.includes('"level":"error"')),
  };
  closeDatabase(db);
  return result;
}

const HOSTILE_TEXT = [
  '',
  ' ',
  'a\u0000b',
  '\u001b[2J\u0007',
  '\u202Eevil',
  '\ud800',
  'null',
  '{"status":',
  '[]',
  '{"status":"purple"}',
  '{"cpu":"many","load":{}}',
  '{"__proto__":{"x":1},"status":"ok"}',
  '../../etc/passwd',
  "Robert'); drop table hosts;--",
  // The Kelvin sign, whose lower case is a plain k.
  '\u212a',
  'x'.repeat(70_000),
  '9999-99-99T99:99:99',
  '2026-11-22T11:59:35.169397',
  '2026-11-22 11:59:35',
  '#12345g',
  'unknown',
  'running',
];
const cell: fc.Arbitrary<OldCell> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<OldCell>(null) },
  { weight: 4, arbitrary: fc.constantFrom<OldCell[]>(...HOSTILE_TEXT) },
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 20 }).map((bytes): OldCell => Buffer.from(bytes)),
);
const someId: fc.Arbitrary<OldCell> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<OldCell[]>('web', 'WEB', 'db', 'twin', LONGEST_NAME) },
  cell,
);
const PLAUSIBLE: Record<string, fc.Arbitrary<OldCell>> = {
  id: someId,
  hostname: someId,
  host_id: someId,
  host_type: fc.constantFrom<OldCell[]>('nixos', 'macos'),
  command: fc.constantFrom<OldCell[]>('pull', 'pull-reset', 'dance'),
  op: fc.constantFrom<OldCell[]>('switch', 'bump-flake', 'remove'),
  status: fc.constantFrom<OldCell[]>('ok', 'running', 'SUCCESS', 'EXECUTING', 'COMPLETE'),
  name: fc.constantFrom<OldCell[]>('do-all', 'party'),
  hosts: fc.constantFrom<OldCell[]>('["web","web","gone"]', '{}'),
};
const rowOf = (columns: string[]): fc.Arbitrary<OldCells> =>
  fc.record(
    Object.fromEntries(
      columns.map((column) => [column, fc.oneof({ weight: 2, arbitrary: PLAUSIBLE[column] ?? cell }, cell)]),
    ),
  );
const rowsOf = (tables: OldTablesOf): fc.Arbitrary<Record<string, OldCells[]>> =>
  fc.record(
    Object.fromEntries(
      Object.entries(tables).map(([table, columns]) => [table, fc.array(rowOf(columns), { maxLength: 6 })]),
    ),
  );

const noteOf = (row: Record<string, unknown> | undefined) =>
  typeof row?.import_note === 'string' ? row.import_note : '{}';

/** Every text of a host is kept in its row or in its import note, and so are values that are not text. */
function expectKept(was: OldCells[], hosts: HostRecord[], made: Record<string, unknown>[]): void {
  was.forEach((cells, index) => {
    const host = hosts[index]!;
    const note = JSON.parse(noteOf(made[index])) as { values?: Record<string, unknown> };
    const texts = { comment: made[index]?.comment, location: host.location, hostname: host.name, id: host.id };
    for (const [column, now] of Object.entries(texts)) {
      const text = cells[column];
      if (typeof text !== 'string' || text.trim() === '' || now === text || now === text.trim()) continue;
      expect([column, note.values?.[column]]).toEqual([column, text]);
    }
    for (const [column, bytes] of Object.entries(cells)) {
      if (bytes instanceof Buffer) {
        expect([column, note.values?.[column]]).toEqual([column, { bytes: bytes.toString('base64') }]);
      }
    }
    // A name that an agent can claim was that host name before.
    if (typeof cells.hostname === 'string' && cells.hostname !== '' && hostNameOf(host.name) === host.name) {
      expect(hostNameOf(cells.hostname)).toBe(host.name);
    }
  });
}

describe.each(FORMS)('%s', (_name, tables) => {
  it('is adopted with any values in any column: every row is accounted for, every host kept, no value lost', () => {
    fc.assert(
      fc.property(rowsOf(tables), (rows) => {
        const { report, hosts, was, chain, errors, rows: made } = adopt(tables, rows);
        expect(report?.tables.map(({ table, before }) => [table, before]).sort()).toEqual(
          Object.keys(tables)
            .map((table) => [table, rows[table]?.length ?? 0])
            .sort(),
        );
        for (const { before, kept, mended, setAside } of report?.tables ?? []) {
          expect(kept + mended + setAside).toBe(before);
        }
        expect(report?.tables.find(({ table }) => table === 'hosts')?.setAside).toBe(0);
        expect(hosts).toHaveLength(rows.hosts?.length ?? 0);
        expect(errors).toEqual([]);
        expect(chain.kind).toBe('intact');
        const history = ['command_log', 'command_logs', 'commands'].flatMap((table) => rows[table] ?? []);
        const others = ['pipelines', 'event_log', 'audit_log', 'reboot_attempts'].flatMap((table) => rows[table] ?? []);
        const pending = report?.lostCommands ?? 0;
        expect(made.commands.length + made.events.length).toBe(history.length + others.length + pending + 1);
        expectKept(was, hosts, made.hosts);
      }),
      { numRuns: RUNS_PER_FORM },
    );
  });
});

describe('hosts of a damaged table', () => {
  it('without an id or with the id of another row get a new id', () => {
    const { hosts, report } = adopt(v1Tables('H'), {
      hosts: [
        { id: null, hostname: 'first', host_type: 'nixos' },
        { id: 'web', hostname: 'web', host_type: 'nixos' },
        { id: 'web', hostname: 'WEB', host_type: 'nixos' },
        { id: LONGEST_NAME, hostname: LONGEST_NAME.toUpperCase(), host_type: 'nixos' },
      ],
      command_log: [{ id: 1, host_id: LONGEST_NAME, command: 'pull', status: 'ok', created_at: '2026-11-22T10:00:00' }],
    });
    expect(hosts.map(({ id, name }) => [id, name])).toEqual([
      ['adopted.1', 'first'],
      ['web', 'web'],
      ['web.2', 'web'],
      [LONGEST_NAME, LONGEST_NAME],
    ]);
    expect(report?.sharedNames).toEqual([{ name: 'web', ids: ['web', 'web.2'], claimed: 'web' }]);
  });

  it('with one token for two hosts keep it for the first', () => {
    const agent_token_hash = 'ab'.repeat(32);
    const { notes } = adopt(v1Tables('H'), {
      hosts: ['a', 'b'].map((id) => ({ id, hostname: id, host_type: 'nixos', agent_token_hash })),
    });
    expect(notes[0]?.note).toBeNull();
    expect(notes[1]?.note).toContain('is also the token of another host.');
  });
});

describe('history of an unknown host or operation', () => {
  it('is kept as events that hold the whole row', () => {
    const { rows, commands } = adopt(v1Tables('H'), {
      hosts: [{ id: 'web', hostname: 'web', host_type: 'nixos' }],
      command_log: [
        {
          id: 1,
          host_id: 'gone',
          command: 'pull',
          status: 'ok',
          output: 'far\naway',
          created_at: '2026-11-22T10:00:00',
        },
        { id: 2, host_id: 'WEB', command: 'dance', status: 'error', output: 'fell', created_at: '2026-11-22T09:00:00' },
        { id: 3, host_id: 'WEB', command: 'pull-reset', status: 'ok', output: 'ok', created_at: '2026-11-22T08:00:00' },
      ],
    });
    expect(rows.events.map(({ message, host_id }) => [message, host_id]).slice(0, 2)).toEqual([
      ['dance on web: failed. The old dashboard recorded an error.', 'web'],
      ['pull on gone (not a known host): succeeded. The old dashboard recorded a success.', null],
    ]);
    expect(rows.events[1]?.import_note).toContain('"output":"far\\naway"');
    expect(commands).toMatchObject([{ operation: 'pull', outcome: 'succeeded', exitCode: null, lines: 1 }]);
    expect(rows.commands[0]?.import_note).toContain('"command":"pull-reset"');
  });
});

describe('a pending command of the Go dashboard', () => {
  it('is recorded once: from its row in the table of commands if it has one', () => {
    const host = { id: 'web', hostname: 'web', host_type: 'nixos', last_seen: '2026-11-22 10:00:00' };
    const row = { id: 'c1', host_id: 'web', op: 'switch', status: 'EXECUTING', created_at: '2026-11-22 09:59:00' };
    const recorded = adopt(goTables('of 3.1'), { hosts: [{ ...host, pending_command: 'switch' }], commands: [row] });
    expect(recorded.commands.map(({ id, outcome }) => [id, outcome])).toEqual([['c1', 'lost']]);
    const unrecorded = adopt(goTables('of 3.1'), { hosts: [{ ...host, pending_command: 'pull' }], commands: [row] });
    expect(unrecorded.commands.map(({ operation }) => operation).sort()).toEqual(['pull', 'switch']);
    expect(unrecorded.report?.lostCommands).toBe(1);
  });

  it('leaves out the credentials of a repository, also in the note', () => {
    const { rows } = adopt(goTables('of 3.1'), {
      hosts: [{ id: 'web', hostname: 'web', host_type: 'nixos', repo_url: 'https://me:hunter2@example.org/fleet.git' }],
    });
    expect(rows.hosts[0]?.repo_url).toBe('https://example.org/fleet.git');
    expect(JSON.stringify(rows)).not.toContain('hunter2');
  });
});
