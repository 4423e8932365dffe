/** This dashboard opens the database of each of its releases: docs/adoption.md, "A new release of this dashboard". */
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from './driver';
import { createFleetStore } from './fleet-store';
import { findMigrationsFolder } from './migrate';
import { closeDatabase, openDatabase } from './open-database';
import { makeTestFolder, makeTestLog } from './testing/database';
import { countTables, ROWS_PER_TABLE } from './testing/fill';

const FIXTURES = fileURLToPath(new URL('./fixtures/', import.meta.url));
const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.db'));
const tags = (
  JSON.parse(readFileSync(join(findMigrationsFolder(), 'meta', '_journal.json'), 'utf8')) as {
    entries: { tag: string }[];
  }
).entries.map(({ tag }) => tag);

let folder: string;
let remove: () => void;
beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
});
afterEach(() => remove());

describe('a database of each migration', () => {
  it('exists as a fixture, that of the newest release (4.0.0) included: scripts/schema-fixture.ts writes it', () => {
    expect(files.sort()).toEqual(tags.map((tag) => `${tag}.db`).sort());
  });

  it.each(files)('opens with all its rows, and every reference is valid: %s', (name) => {
    const path = join(folder, 'nixfleet.db');
    copyFileSync(join(FIXTURES, name), path);
    const old = new Database(path, { readonly: true });
    const before = countTables(old);
    old.close();
    expect(Object.keys(before).length).toBeGreaterThan(8);
    expect(new Set(Object.values(before))).toEqual(new Set([ROWS_PER_TABLE]));

    const { log, logged } = makeTestLog();
    const db = openDatabase(path, { log });
    expect(countTables(db.$client)).toMatchObject(before);
    expect(db.$client.pragma('foreign_key_check')).toEqual([]);
    expect(db.$client.pragma('integrity_check', { simple: true })).toBe('ok');
    const { hosts, lastEnded } = createFleetStore(db, { log }).load();
    expect([hosts.length, lastEnded.length]).toEqual([ROWS_PER_TABLE, ROWS_PER_TABLE]);
    expect(logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    closeDatabase(db);
  });
});
