import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import { Database } from '@/lib/store/sqlite/driver';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { endedCommand, testEvent, testHost, testOutput } from '@/lib/store/sqlite/testing/sample-records';
import { checkFile } from './check-backup';
import { finishRestore } from './backup-contents';
import { createBackup, type BackupOptions } from './create-backup';
import { listBackups, MAX_BACKUP_MS, rotateBackups } from './backup-folder';
import { manifestName } from './backup-manifest';
import { restoreBackup } from './restore-backup';
import { runBackupRound } from './run-backup';

const KEY = 'a passphrase of some length';
const IDENTITY = 'AGE-SECRET-KEY-1AUZYTFS7AA65Q48R7STS9KTYJHLTXLZADNDGNEE5AMUM039YW70QCDSMZC';

let database: TestDatabase;
let secretsFolder: string;
let folder: string;
let time: number;

beforeEach(() => {
  database = openTestDatabase();
  secretsFolder = join(database.folder, 'secrets');
  folder = join(database.folder, 'backups');
  time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  mkdirSync(secretsFolder);
  writeFileSync(join(secretsFolder, 'encryption-key'), 'the-key-of-the-second-factor\n', { mode: 0o600 });
  createFleetStore(database.db, { log: database.log }).commit({
    hosts: [testHost('alpha'), testHost('beta')],
    commands: [endedCommand('command-1', 'alpha', 9_000)],
    output: [testOutput('command-1', 1, 5)],
    events: [testEvent('something happened'), testEvent('something happened'), testEvent('something happened')],
  });
});

afterEach(() => database.close());

const options = (changes: Partial<BackupOptions> = {}): BackupOptions => ({
  dbPath: database.path,
  secretsFolder,
  folder,
  key: null,
  version: '4.0.0',
  now: () => (time += 1_000),
  ...changes,
});

const restore = (file: string, key: string | null = null) =>
  restoreBackup({ file, dbPath: database.path, secretsFolder, key, now: () => (time += 1_000), log: database.log });

const hostNames = () =>
  createFleetStore(database.db, { log: database.log })
    .load()
    .hosts.map(({ name }) => name)
    .sort();

function addHost(id: string): void {
  createFleetStore(database.db, { log: database.log }).commit({
    hosts: [testHost(id)],
    events: [testEvent('something happened')],
  });
}

it('copies a database in use, checks the copy and describes it in a manifest', async () => {
  const made = await createBackup(options());
  expect(made.file).toBe('nixfleet-2026-01-02T03-04-06-678Z.db');
  expect(made).toMatchObject({ encrypted: false, secrets: ['encryption-key'], chainProblems: [], version: '4.0.0' });
  expect(made.rows).toMatchObject({ hosts: 2, commands: 1, command_output: 1, events: 3 });
  expect(made.head?.id).toBe(3);
  expect(statSync(made.path).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  // The hash that sha256sum computes.
  expect(execFileSync('sha256sum', [made.path], { encoding: 'utf8' }).split(' ')[0]).toBe(made.sha256);
  expect(readdirSync(folder).sort()).toEqual([made.file, manifestName(made.file)]);
  expect(listBackups(folder)).toEqual([made]);
});

it('holds one snapshot of a database that is being written, and blocks no writer', async () => {
  let written = 0;
  const progress = { ended: false };
  const writing = (async () => {
    // Two hosts per commit: a copy that is not one snapshot could hold only one of them.
    while (!progress.ended) {
      written += 1;
      createFleetStore(database.db, { log: database.log }).commit({
        hosts: [testHost(`one-${written}`), testHost(`two-${written}`)],
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const made = await createBackup(options());
  progress.ended = true;
  await writing;
  expect(written).toBeGreaterThan(3);
  const copy = new Database(made.path, { readonly: true });
  const names = copy.prepare<[], string>("select name from hosts where name like '%-%'").pluck().all();
  copy.close();
  expect(names.filter((name) => name.startsWith('one-'))).toHaveLength(names.length / 2);
});

it('restores the database with its secrets, and keeps the replaced files', async () => {
  const made = await createBackup(options());
  addHost('gamma');
  writeFileSync(join(secretsFolder, 'encryption-key'), 'another-key-that-came-later\n');
  closeDatabase(database.db);

  const restored = await restore(made.path);
  expect(restored.secrets).toEqual(['encryption-key']);
  expect(restored.takenAt).toBe(made.createdAt);
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta']);
  expect(readFileSync(join(secretsFolder, 'encryption-key'), 'utf8')).toBe('the-key-of-the-second-factor\n');
  const [asideSecret] = readdirSync(secretsFolder).filter((name) => name.includes('before-restore'));
  expect(readFileSync(join(secretsFolder, asideSecret ?? ''), 'utf8')).toBe('another-key-that-came-later\n');

  const replaced = openDatabase(restored.replaced ?? '', { log: database.log });
  expect(createFleetStore(replaced, { log: database.log }).load().hosts).toHaveLength(3);
  closeDatabase(replaced);
  // The table of secrets is not in a database in use.
  expect(database.db.$client.prepare("select 1 from sqlite_master where name = 'backup_contents'").get()).toBe(
    undefined,
  );
});

it('records a restore in the chain of events, and ignores witnesses of the replaced history', async () => {
  const first = await createBackup(options());
  addHost('gamma');
  await createBackup(options());
  closeDatabase(database.db);
  await restore(first.path);
  database.reopen();
  const [newest] = createFleetStore(database.db, { log: database.log }).events({ limit: 1 });
  expect(newest && eventSentence(newest)).toContain('restored from the backup of 2026-01-02T03:04:06');
  const next = await createBackup(options());
  expect(next.chainProblems).toEqual([]);
});

it('refuses to restore while a dashboard is running', async () => {
  const made = await createBackup(options());
  await expect(restore(made.path)).rejects.toThrow('is in use by another NixFleet');
  expect(hostNames()).toEqual(['alpha', 'beta']);
});

it('refuses to restore while a dashboard is running on the target of a link', async () => {
  const made = await createBackup(options());
  const link = join(database.folder, 'link.db');
  symlinkSync(database.path, link);
  const byLink = () =>
    restoreBackup({ file: made.path, dbPath: link, secretsFolder, key: null, now: () => time, log: database.log });
  await expect(byLink()).rejects.toThrow('is in use by another NixFleet');
  closeDatabase(database.db);
  await byLink();
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta']);
});

it('restores files that only their owner can read, whatever the permissions of the backup', async () => {
  const made = await createBackup(options());
  closeDatabase(database.db);
  for (const mode of [0o644, 0o400]) {
    chmodSync(made.path, mode);
    await restore(made.path);
    expect(statSync(database.path).mode & 0o777).toBe(0o600);
  }
  database.reopen();
});

it('refuses a copy with a log beside it, whose changes are not in the file', async () => {
  const copy = join(database.folder, 'copy.db');
  addHost('gamma');
  for (const suffix of ['', '-wal']) copyFileSync(`${database.path}${suffix}`, `${copy}${suffix}`);
  closeDatabase(database.db);
  await expect(restore(copy)).rejects.toThrow('copy.db-wal holds changes that are not in');
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta', 'gamma']);
});

it('refuses a damaged, truncated, foreign or missing backup, and changes nothing', async () => {
  const made = await createBackup(options());
  addHost('gamma');
  closeDatabase(database.db);
  const before = readdirSync(database.folder).sort();
  const content = readFileSync(made.path);

  const broken = Buffer.from(content);
  broken.fill(0xff, 8_192, 12_288);
  writeFileSync(made.path, broken);
  await expect(restore(made.path)).rejects.toThrow('its SHA-256 differs from the manifest');
  rmSync(manifestName(made.path));
  await expect(restore(made.path)).rejects.toThrow(/damaged|malformed/);
  writeFileSync(made.path, content.subarray(0, content.length / 2));
  await expect(restore(made.path)).rejects.toThrow(/damaged|malformed/);
  writeFileSync(made.path, 'hello');
  await expect(restore(made.path)).rejects.toThrow('not-a-database');
  await expect(restore(join(folder, 'nothing.db'))).rejects.toThrow('There is no file');
  const foreign = new Database(join(folder, 'other.db'));
  foreign.exec('create table other (id)');
  foreign.close();
  await expect(restore(join(folder, 'other.db'))).rejects.toThrow('foreign');

  expect(readdirSync(database.folder).sort()).toEqual(before);
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta', 'gamma']);
});

/** Writes an entry of the schema itself: SQL can't create one with a reserved name. */
const asEntry = (type: string, name: string, sql: string, table = name) =>
  `pragma writable_schema = on;
   insert into sqlite_master (type, name, tbl_name, rootpage, sql) values ('${type}', '${name}', '${table}', 0, '${sql}')`;

it.each([
  ["insert into backup_contents values ('secrets/../../x', x'00')", 'unknown file "secrets/../../x"'],
  ["insert into backup_contents values ('elsewhere', x'00')", 'unknown file "elsewhere"'],
  ["insert into backup_contents values ('secrets/large', zeroblob(100000))", 'a secret that NixFleet did not make'],
  ["insert into backup_contents values ('secrets/number', 7)", 'a secret that NixFleet did not make'],
  ['create trigger spy after insert on hosts begin delete from events; end', 'NixFleet has no trigger "spy".'],
  [
    'create trigger __drizzle_migrations after insert on hosts begin delete from events; end',
    'NixFleet has no trigger "__drizzle_migrations".',
  ],
  [
    asEntry(
      'trigger',
      'sqlite_spy',
      'create trigger sqlite_spy after insert on hosts begin delete from events; end',
      'hosts',
    ),
    'NixFleet has no trigger "sqlite_spy".',
  ],
  [asEntry('view', 'sqlite_all', 'create view sqlite_all as select 1'), 'NixFleet has no view "sqlite_all".'],
  [
    // SQLite runs the statement, whatever the entry calls itself: newer versions refuse such a file.
    asEntry('table', 'sqlite_stat1', 'create trigger spy after insert on hosts begin delete from events; end', 'hosts'),
    /NixFleet has no table "sqlite_stat1"|malformed database schema/,
  ],
  ["update backup_contents set content = cast('{' as blob) where name = 'about'", 'does not say when it was made'],
  ['create view all_hosts as select * from hosts', 'NixFleet has no view "all_hosts".'],
  ['create table more (id)', 'NixFleet has no table "more".'],
  ['drop index events_host', 'The index events_host is missing.'],
  ['alter table hosts add more text', 'The table "hosts" is not as NixFleet makes it.'],
])('refuses a backup that somebody changed, before anything is replaced: %s', async (sql, why) => {
  const made = await createBackup(options());
  rmSync(manifestName(made.path));
  const client = new Database(made.path);
  client.unsafeMode(true);
  client.exec(sql);
  client.close();
  addHost('gamma');
  closeDatabase(database.db);
  const before = readdirSync(database.folder).sort();
  await expect(restore(made.path)).rejects.toThrow(why);
  expect(readdirSync(database.folder).sort()).toEqual(before);
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta', 'gamma']);
});

it('warns when a restore would refuse the backup, and check names the reason', async () => {
  database.db.$client.exec('create trigger spy after insert on hosts begin select 1; end');
  const made = await runBackupRound({ ...options(), keep: 3, copyFolder: null });
  expect(made.warnings).toEqual([expect.stringContaining('NixFleet has no trigger "spy".')]);
  const checked = await checkFile({
    ...{ file: made.backup.path, dbPath: database.path, key: null, log: database.log },
    witnesses: [],
  });
  expect(checked.examined?.foreign).toEqual(['NixFleet has no trigger "spy".']);
});

it('completes at the next start a restore that a crash interrupted', async () => {
  const made = await createBackup(options());
  closeDatabase(database.db);
  // As after the rename: the new file in place, its secrets still inside.
  writeFileSync(database.path, readFileSync(made.path));
  rmSync(secretsFolder, { recursive: true });
  const db = database.reopen();
  expect(finishRestore(db.$client, secretsFolder, time)).toEqual(['encryption-key']);
  expect(statSync(join(secretsFolder, 'encryption-key')).mode & 0o777).toBe(0o600);
  expect(finishRestore(db.$client, secretsFolder, time)).toEqual([]);
  expect(hostNames()).toEqual(['alpha', 'beta']);
});

it('replaces a damaged database, and keeps that one with its write-ahead log', async () => {
  const made = await createBackup(options());
  closeDatabase(database.db);
  writeFileSync(database.path, 'no database any more');
  writeFileSync(`${database.path}-wal`, 'and no log');
  const { replaced } = await restore(made.path);
  expect(readFileSync(replaced ?? '', 'utf8')).toBe('no database any more');
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta']);
});

it.each([
  ['a passphrase', KEY],
  ['an identity', IDENTITY],
])('encrypts with %s, checks what it encrypted, and restores it', async (_what, key) => {
  const made = await createBackup(options({ key }));
  expect(made.file).toMatch(/\.db\.age$/);
  expect(readdirSync(folder).sort()).toEqual([made.file, manifestName(made.file)]);
  const content = readFileSync(made.path);
  expect(content.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
  expect(content.includes('the-key-of-the-second-factor')).toBe(false);

  const checked = await checkFile({ file: made.path, dbPath: database.path, key, log: database.log, witnesses: [] });
  expect(checked).toMatchObject({
    encrypted: true,
    content: { kind: 'nixfleet' },
    about: { createdAt: made.createdAt },
  });
  addHost('gamma');
  closeDatabase(database.db);
  await expect(restore(made.path)).rejects.toThrow('set NIXFLEET_BACKUP_KEY');
  await expect(restore(made.path, 'not the right passphrase')).rejects.toThrow('is not the key');
  await restore(made.path, key);
  database.reopen();
  expect(hostNames()).toEqual(['alpha', 'beta']);
  expect(readdirSync(folder).sort()).toEqual([made.file, manifestName(made.file)]);
});

it('makes no backup of a damaged database', async () => {
  closeDatabase(database.db);
  const client = new Database(database.path);
  client.pragma('foreign_keys = OFF');
  client.exec("insert into command_output values ('nobody', 1, 1, '[]')");
  client.close();
  await expect(createBackup(options())).rejects.toThrow('command_output refers to a missing row of commands');
  expect(readdirSync(folder)).toEqual([]);
  database.reopen();
});

it('says so when there is no database, or not enough room', async () => {
  await expect(createBackup(options({ dbPath: join(database.folder, 'none.db') }))).rejects.toThrow(
    'There is no database',
  );
  writeFileSync(join(database.folder, 'file'), '');
  await expect(createBackup(options({ folder: join(database.folder, 'file') }))).rejects.toThrow('file');
});

it('keeps the newest backups, removes files that crashes left, and touches nothing else', async () => {
  for (let count = 0; count < 3; count += 1) await createBackup(options());
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  writeFileSync(join(folder, 'nixfleet-by-hand.db'), 'mine too');
  const old = join(folder, '.nixfleet-2026-01-01T00-00-00-000Z.db.7.unfinished');
  const unchecked = join(folder, 'nixfleet-2026-01-01T00-00-00-000Z.db');
  for (const path of [old, unchecked]) {
    writeFileSync(path, 'half');
    utimesSync(path, 1, 1);
  }
  const { backup } = await runBackupRound({ ...options({ now: () => Date.now() }), keep: 2, copyFolder: null });
  expect(listBackups(folder)[0]).toEqual(backup);
  expect(listBackups(folder)).toHaveLength(2);
  expect(existsSync(old)).toBe(false);
  expect(existsSync(unchecked)).toBe(false);
  expect(readdirSync(folder)).toHaveLength(6);
});

it('does not count a backup that was never checked or has changed its size', async () => {
  const made = await createBackup(options());
  const unchecked = join(folder, 'nixfleet-2027-01-01T00-00-00-000Z.db');
  writeFileSync(unchecked, readFileSync(made.path));
  expect(listBackups(folder)).toEqual([made]);
  appendFileSync(made.path, 'x');
  expect(listBackups(folder)).toEqual([]);
  // Recent files may belong to a running backup.
  rotateBackups(folder, 1, Date.now() + MAX_BACKUP_MS / 2);
  expect(existsSync(unchecked)).toBe(true);
});

it('copies each backup to a second folder, and keeps the first when that fails', async () => {
  const copyFolder = join(database.folder, 'elsewhere');
  const round = { ...options(), keep: 2, copyFolder };
  const first = await runBackupRound(round);
  expect(first.warnings).toEqual([]);
  expect(listBackups(copyFolder).map(({ sha256 }) => sha256)).toEqual([first.backup.sha256]);
  await runBackupRound(round);
  await runBackupRound(round);
  expect(listBackups(copyFolder)).toHaveLength(2);

  rmSync(copyFolder, { recursive: true });
  writeFileSync(copyFolder, 'a file is in the way');
  const failed = await runBackupRound(round);
  expect(failed.warnings).toEqual([expect.stringContaining('could not be copied')]);
  expect(listBackups(folder)[0]?.path).toBe(failed.backup.path);
});
