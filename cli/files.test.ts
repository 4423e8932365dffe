/** The commands that use the installation's files, on a real database. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { roundResultSchema } from '@/lib/store/backup/run-backup';
import { Database } from '@/lib/store/sqlite/driver';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { closeDatabase } from '@/lib/store/sqlite/open-database';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { testEvent, testEventOf, testHost } from '@/lib/store/sqlite/testing/sample-records';
import { run, type Ended } from './testing/run';

let database: TestDatabase;

beforeEach(() => {
  database = openTestDatabase();
  mkdirSync(join(database.folder, 'secrets'));
  writeFileSync(join(database.folder, 'secrets', 'encryption-key'), 'a-key-that-is-kept-with-it\n');
  createFleetStore(database.db, { log: database.log }).commit({
    hosts: [testHost('alpha')],
    events: [testEvent('one'), testEvent('two'), testEvent('three')],
  });
});

afterEach(() => database.close());

const nixfleet = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  run(args, { env: { NIXFLEET_DATA_DIR: database.folder, ...env } });

function edit(sql: string): void {
  const client = new Database(database.path);
  client.exec(sql);
  client.close();
}

it('backs up and checks while the dashboard is running, and restores once it is stopped', async () => {
  const made = await nixfleet(['backup']);
  expect(made).toMatchObject({ code: 0 });
  const path = made.out.trim();
  expect(existsSync(path)).toBe(true);
  expect(made.err).toContain('not encrypted');

  const checked = await nixfleet(['check', path]);
  expect(checked.code).toBe(0);
  expect(checked.out).toContain('a backup of');
  expect(checked.out).toContain('hosts 1');
  expect(checked.out).toContain('matches the manifest');
  expect(checked.out).toContain('No problems found.');

  const running = await nixfleet(['restore', path]);
  expect(running).toMatchObject({ code: 1, out: '' });
  expect(running.err).toContain('is in use by another NixFleet');

  closeDatabase(database.db);
  const restored = await nixfleet(['restore', '--newest']);
  expect(restored.code).toBe(0);
  expect(restored.out).toContain(`Restored ${path}`);
  expect(restored.out).toContain('before-restore');
  database.reopen();
});

it('prints the result of a backup as JSON, and keeps the requested number', async () => {
  const folder = join(database.folder, 'mine');
  for (let count = 0; count < 3; count += 1) {
    const { code, out } = await nixfleet(['backup', '--json', '--to', folder, '--keep', '2']);
    expect(code).toBe(0);
    expect(roundResultSchema.parse(JSON.parse(out)).warnings).toEqual([]);
  }
  expect(readdirSync(folder)).toHaveLength(4);
  expect((await nixfleet(['backup', '--keep', '0'])).err).toContain('whole number from 1');
});

it('encrypts with the key in the environment, which check and restore then need', async () => {
  const env = { NIXFLEET_BACKUP_KEY: 'AGE-SECRET-KEY-1AUZYTFS7AA65Q48R7STS9KTYJHLTXLZADNDGNEE5AMUM039YW70QCDSMZC' };
  const path = (await nixfleet(['backup'], env)).out.trim();
  expect(path).toMatch(/\.age$/);
  const without = await nixfleet(['check', path]);
  expect(without.code).toBe(1);
  expect(without.err).toContain('NIXFLEET_BACKUP_KEY');
  expect((await nixfleet(['check', path], env)).out).toContain('encrypted, a backup of');
});

it('checks the database while it is open and closed, and leaves no file behind', async () => {
  expect(await nixfleet(['check'])).toMatchObject({ code: 0 });
  closeDatabase(database.db);
  const before = readdirSync(database.folder).sort();
  const { code, out } = await nixfleet(['check']);
  expect(code).toBe(0);
  expect(out).toContain('events   main: 1 to 3');
  expect(readdirSync(database.folder).sort()).toEqual(before);
  database.reopen();
});

it('describes a file that is not a NixFleet database', async () => {
  const file = join(database.folder, 'other');
  expect((await nixfleet(['check', file])).err).toContain('There is no file');
  writeFileSync(file, 'hello');
  const text = await nixfleet(['check', file]);
  expect(text.code).toBe(1);
  expect(text.out).toContain('not an SQLite');
  const foreign = new Database(join(database.folder, 'foreign.db'));
  foreign.exec('create table users (id)');
  foreign.close();
  const { code, out } = await nixfleet(['check', join(database.folder, 'foreign.db')]);
  expect(code).toBe(1);
  expect(out).toContain('its tables: users');
});

it('exits with 2 for wrong arguments', async () => {
  for (const args of [
    ['restore'],
    ['restore', 'file', '--newest'],
    ['restore', 'one', 'two'],
    ['backup', 'somewhere'],
    ['audit', 'verify', '--head', 'nonsense'],
    ['audit'],
  ]) {
    expect((await nixfleet(args)).code, args.join(' ')).toBe(2);
  }
});

it('prints the problems of the configuration', async () => {
  const { code, err } = await nixfleet(['check'], { NIXFLEET_BACKUP_KEY: 'short' });
  expect(code).toBe(1);
  expect(err).toContain('NIXFLEET_BACKUP_KEY: write at least 16 characters');
});

it('verifies the chain of events, and prints its head', async () => {
  const { code, out } = await nixfleet(['audit', 'verify']);
  expect(code).toBe(0);
  expect(out).toContain('main: 3 events, 1 to 3.');
  const head = /^Head: (.*)$/m.exec(out)?.[1] ?? '';
  expect(head).toMatch(/^main:3:[0-9a-f]{64}$/);
  expect((await nixfleet(['audit', 'verify', '--head', head])).out).toContain('Noted heads that match: 1.');
});

it.each([
  ['an edited event', "update events set message = 'nothing' where id = 2", 'Event 2 was changed'],
  ['a gap', 'delete from events where id = 2', 'Event 2 is missing'],
  ['missing oldest events', 'delete from events where id = 1', 'The oldest events are missing: 1 to 1'],
  ['missing newest events', 'delete from events where id = 3', 'The newest events are missing: 3 were written'],
])('finds %s', async (_what, sql, sentence) => {
  edit(sql);
  const { code, out } = await nixfleet(['audit', 'verify']);
  expect(code).toBe(1);
  expect(out).toContain(sentence);
  expect(out).toContain('The chains of events are not intact.');
});

it('finds removed newest events with a reset counter, by the head in a backup', async () => {
  await nixfleet(['backup']);
  edit("delete from events where id = 3; update sqlite_sequence set seq = 2 where name = 'events'");
  const { code, out } = await nixfleet(['audit', 'verify']);
  expect(code).toBe(1);
  expect(out).toMatch(/the backup nixfleet-.* names event 3, but the last one is 2/);
});

it('finds removed newest events of agents by the head in a backup, and by a noted one', async () => {
  const fleet = createFleetStore(database.db, { log: database.log });
  fleet.commit({ events: [testEventOf('agent', 'a'), testEventOf('agent', 'b')] });
  const noted = await nixfleet(['audit', 'verify']);
  const [main = '', peers = ''] = [...noted.out.matchAll(/^Head: (.*)$/gm)].map(([, head = '']) => head);
  expect([main, peers].map((head) => head.replace(/:[0-9a-f]{64}$/, ''))).toEqual(['main:3', 'peers:5']);
  const heads = ['--head', main.replace('main:', ''), '--head', peers];
  expect((await nixfleet(['audit', 'verify', ...heads])).out).toContain('Noted heads that match: 2.');
  await nixfleet(['backup']);
  edit("delete from events where id = 5; update sqlite_sequence set seq = 4 where name = 'events'");
  const { code, out } = await nixfleet(['audit', 'verify', ...heads]);
  expect(code).toBe(1);
  expect(out).toMatch(/the backup nixfleet-.* names event 5, but the last one is 4/);
  expect(out).toContain('--head names event 5, but the last one is 4.');
});

it('accepts the manifest of a backup from before there were two chains', async () => {
  await nixfleet(['backup']);
  const [name = ''] = readdirSync(join(database.folder, 'backups')).filter((file) => file.endsWith('.json'));
  const path = join(database.folder, 'backups', name);
  const { peersHead, ...old } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  expect(peersHead).toBeNull();
  writeFileSync(path, JSON.stringify(old));
  expect((await nixfleet(['audit', 'verify'])).out).toContain('Noted heads that match: 1.');
});

it('unlocks the sign-in while the dashboard is running, and records it', async () => {
  const buckets = ['password:account:operator', 'totp:address:192.0.2.1', 'agent-token:address:192.0.2.1'];
  const auth = createAuthStore(database.db);
  const record = { failures: 9, firstAt: 1, lastAt: 2, blockedUntil: 3 };
  auth.changeThrottles(buckets.map((bucket) => ({ bucket, from: null, to: { bucket, ...record } })));
  expect(await nixfleet(['unlock'])).toMatchObject({ code: 0, err: '' });
  expect(auth.throttles(buckets).map((left) => left?.bucket)).toEqual([undefined, undefined, buckets[2]]);
  const fleet = createFleetStore(database.db, { log: database.log });
  expect(fleet.events({ limit: 1 })).toMatchObject([{ action: 'auth.unlocked', actor: 'nixfleet unlock' }]);
  expect((await nixfleet(['audit', 'verify'])).code).toBe(0);
});

it('refuses to unlock a file that is not a database of this version', async () => {
  edit('delete from __drizzle_migrations where created_at = (select max(created_at) from __drizzle_migrations)');
  const refused = await nixfleet(['unlock']);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('does not hold a database of this version');
  expect((await nixfleet(['unlock'], { NIXFLEET_DB_PATH: join(database.folder, 'nothing.db') })).code).toBe(1);
});
