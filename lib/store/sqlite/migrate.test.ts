import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFleetStore } from './fleet-store';
import { findMigrationsFolder } from './migrate';
import { closeDatabase, openDatabase, type Db } from './open-database';
import { makeTestFolder, makeTestLog } from './testing/database';
import { addMigration, FAR_FUTURE } from './testing/migrations';
import { endedCommand, testHost, testOutput } from './testing/sample-records';

const { log } = makeTestLog();
let folder: string;
let path: string;
let remove: () => void;
let opened: Db[];

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
  opened = [];
});
afterEach(() => {
  for (const db of opened) closeDatabase(db);
  remove();
});

function open(migrationsFolder?: string): Db {
  const db = openDatabase(path, { log, migrationsFolder });
  opened.push(db);
  return db;
}

/** The error that opening throws. */
function failure(migrationsFolder?: string): { kind: unknown; message: string } {
  try {
    open(migrationsFolder);
  } catch (error) {
    if (error instanceof Error && 'kind' in error) return { kind: error.kind, message: error.message };
    throw error;
  }
  throw new Error('it was opened');
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

const withMigration = (sql: string, when: number) => addMigration(folder, sql, when);

describe('migrations', () => {
  it('have strictly increasing times, and a file for every entry', () => {
    const journal = JSON.parse(readFileSync(join(findMigrationsFolder(), 'meta', '_journal.json'), 'utf8')) as {
      entries: { when: number; tag: string }[];
    };
    const times = journal.entries.map(({ when }) => when);
    expect(times.length).toBeGreaterThan(0);
    expect(times.every((when, index) => index === 0 || when > times[index - 1]!)).toBe(true);
    const files = readdirSync(findMigrationsFolder()).filter((name) => name.endsWith('.sql'));
    expect(files.sort()).toEqual(journal.entries.map(({ tag }) => `${tag}.sql`));
  });

  it('match the schema: drizzle-kit finds nothing to generate', () => {
    const root = join(findMigrationsFolder(), '..');
    const copy = join(folder, 'drizzle');
    cpSync(findMigrationsFolder(), copy, { recursive: true });
    const before = readdirSync(copy);
    const output = execFileSync(
      process.execPath,
      [
        'node_modules/drizzle-kit/bin.cjs',
        'generate',
        '--dialect=sqlite',
        '--schema=lib/store/sqlite/schema.ts',
        `--out=${relative(root, copy)}`,
      ],
      { cwd: root, encoding: 'utf8' },
    );
    expect(output).toContain('No schema changes');
    expect(readdirSync(copy)).toEqual(before);
  });

  it('keep the rows that refer to a table when they rebuild it', () => {
    const store = createFleetStore(open(), { log });
    store.commit({
      hosts: [testHost('a')],
      commands: [endedCommand('c', 'a', 5)],
      output: [testOutput('c', 1, 3)],
    });
    closeDatabase(opened[0]!);
    const rebuild = [
      'PRAGMA foreign_keys=OFF;',
      'CREATE TABLE __new_hosts AS SELECT * FROM hosts;',
      'DROP TABLE hosts;',
      'CREATE TABLE hosts AS SELECT * FROM __new_hosts;',
      'CREATE UNIQUE INDEX hosts_id ON hosts (id);',
      'DROP TABLE __new_hosts;',
    ].join('\n--> statement-breakpoint\n');
    const db = open(withMigration(rebuild, FAR_FUTURE));
    expect(db.$client.pragma('foreign_keys', { simple: true })).toBe(1);
    expect(createFleetStore(db, { log }).output('c', 0, 10)).toHaveLength(3);
  });

  it('that leave a row with an invalid reference are refused at every start, and the error names the row', () => {
    const store = createFleetStore(open(), { log });
    store.commit({ hosts: [testHost('a')], commands: [endedCommand('c', 'a', 5)] });
    closeDatabase(opened[0]!);
    const migrations = withMigration('DELETE FROM hosts;', FAR_FUTURE);
    for (let round = 0; round < 2; round += 1) {
      const { kind, message } = failure(migrations);
      expect(kind).toBe('migration');
      expect(message).toContain('1 row refers to a missing row: commands row 1 (missing in hosts)');
    }
  });

  it('that fail leave the file unchanged and pass on the error of SQLite', () => {
    closeDatabase(open());
    const failing = 'CREATE TABLE more (a);\n--> statement-breakpoint\nCREATE TABLE hosts (a);';
    const migrations = withMigration(failing, FAR_FUTURE);
    expect(failure(migrations).message).toContain('table hosts already exists');
    const db = open();
    expect(db.$client.prepare("select count(*) from sqlite_master where name = 'more'").pluck().get()).toBe(0);
  });

  it('of a newer version are refused', () => {
    closeDatabase(open(withMigration('CREATE TABLE more (a);', FAR_FUTURE)));
    const before = hashOf(path);
    expect(failure()).toMatchObject({ kind: 'newer' });
    expect(failure().message).toContain('was written by a newer NixFleet');
    expect(hashOf(path)).toBe(before);
  });

  it('that are older than an applied one are refused', () => {
    closeDatabase(open());
    const first = open();
    const newest = Number(first.$client.prepare('select max(created_at) from __drizzle_migrations').pluck().get());
    closeDatabase(first);
    const { kind, message } = failure(withMigration('CREATE TABLE more (a);', newest - 1));
    expect(kind).toBe('migration');
    expect(message).toContain('is older than one that was already applied');
  });
});
