import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFleetStore } from '../sqlite/fleet-store';
import { openTestDatabase, type TestDatabase } from '../sqlite/testing/database';
import { testHost } from '../sqlite/testing/sample-records';
import { openThreadConnection } from './thread-connection';

let test: TestDatabase;
beforeEach(() => {
  test = openTestDatabase();
});
afterEach(() => test.close());

const PRAGMAS = ['journal_mode', 'synchronous', 'foreign_keys', 'trusted_schema', 'busy_timeout'];

it.each(['writer', 'reader'] as const)('the %s has the settings of every connection', (role) => {
  const db = openThreadConnection(test.path, role);
  const settingsOf = ({ $client }: typeof db) => PRAGMAS.map((name) => $client.pragma(name, { simple: true }));
  expect(settingsOf(db)).toEqual(settingsOf(test.db));
  db.$client.close();
});

it('the reader can’t write', () => {
  const db = openThreadConnection(test.path, 'reader');
  const store = createFleetStore(db, test);
  expect(() => store.commit({ hosts: [testHost('a')] })).toThrow(
    expect.objectContaining({ kind: 'read-only' }) as Error,
  );
  db.$client.close();
});

it('the reader opens a file that nobody else has open, and sees what is written later', () => {
  test.db.$client.close();
  const reader = openThreadConnection(test.path, 'reader');
  const store = createFleetStore(reader, test);
  expect(store.load().hosts).toEqual([]);
  const writer = openThreadConnection(test.path, 'writer');
  createFleetStore(writer, test).commit({ hosts: [testHost('a')] });
  expect(store.load().hosts).toHaveLength(1);
  reader.$client.close();
  writer.$client.close();
  test.db.$lock.release();
});
