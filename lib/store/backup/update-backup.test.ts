import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditEvents } from '@/lib/store/sqlite/audit';
import { Database } from '@/lib/store/sqlite/driver';
import { prepareEventLog } from '@/lib/store/sqlite/event-log';
import { readLastVersion, recordVersion } from '@/lib/store/sqlite/last-version';
import { closeDatabase, lockDatabase, openDatabase, openLockedDatabase } from '@/lib/store/sqlite/open-database';
import { makeTestFolder, makeTestLog } from '@/lib/store/sqlite/testing/database';
import { countTables } from '@/lib/store/sqlite/testing/fill';
import { addMigration, FAR_FUTURE } from '@/lib/store/sqlite/testing/migrations';
import { testEvent } from '@/lib/store/sqlite/testing/sample-records';
import { putContents } from './backup-contents';
import { listBackups, rotateBackups } from './backup-folder';
import { createBackup } from './create-backup';
import { checkAs400 } from './fixtures/checks-of-4.0.0';
import { restoreBackup } from './restore-backup';
import { updateOptions } from './testing/update-options';
import { backUpBeforeUpdate, wayBack, type UpdateBackupOptions } from './update-backup';
import { listUpdateBackups, newestUpdateBackup, stepsName } from './update-backup-folder';

const FIXTURES = fileURLToPath(new URL('../sqlite/fixtures/', import.meta.url));
const CHILD = fileURLToPath(new URL('./testing/update-child.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const OF_4_0_0 = '0003_hosts_without_approval.db';
/** A database of this version. */
const NEWEST = '0007_host_policy.db';
const MORE = 'CREATE TABLE more (a);';
const KEY = 'a passphrase of some length';
/** Faster than a passphrase, which is slow on purpose. */
const IDENTITY = 'AGE-SECRET-KEY-1AUZYTFS7AA65Q48R7STS9KTYJHLTXLZADNDGNEE5AMUM039YW70QCDSMZC';

const { log, logged } = makeTestLog();
let folder: string;
let path: string;
let backups: string;
let remove: () => void;
/** The migrations of the next version. */
let next: string;

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
  backups = join(folder, 'backups');
  logged.length = 0;
  mkdirSync(join(folder, 'secrets'));
  writeFileSync(join(folder, 'secrets', 'encryption-key'), 'the-key-of-the-second-factor\n', { mode: 0o600 });
  copyFileSync(join(FIXTURES, OF_4_0_0), path);
  next = addMigration(folder, MORE);
});
afterEach(() => remove());

const options = (changes: Partial<UpdateBackupOptions> = {}): UpdateBackupOptions => ({
  ...updateOptions(folder, log),
  migrationsFolder: next,
  ...changes,
});

/** The part of a start before the database is opened. */
async function backUp(changes: Partial<UpdateBackupOptions> = {}) {
  const locked = lockDatabase(path, log);
  const made = await backUpBeforeUpdate(locked, options(changes));
  locked.lock.release();
  return made;
}

/** A start: backup, then migration. */
async function start(changes: Partial<UpdateBackupOptions> = {}) {
  const locked = lockDatabase(path, log);
  const made = await backUpBeforeUpdate(locked, options(changes));
  const { migrationsFolder } = options(changes);
  closeDatabase(openLockedDatabase(locked, { log, migrationsFolder }));
  return made;
}

const restore = (file: string, key: string | null = null) =>
  restoreBackup({
    file,
    dbPath: path,
    secretsFolder: join(folder, 'secrets'),
    key,
    now: () => Date.now(),
    log,
  });

function rowsOf(file: string): Record<string, number> {
  const client = new Database(file, { readonly: true });
  const rows = countTables(client);
  client.close();
  return rows;
}

/** What going back may not change: every table but the events, to which a restore adds one. */
const withoutEvents = ({ events: _events, ...rows }: Record<string, number>) => rows;

describe('a start that will migrate', () => {
  it('backs up the database and its secrets first, and logs and writes how to go back', async () => {
    const before = rowsOf(path);
    const made = await start();
    expect(made?.file).toMatch(/^before-4\.1\.0-\d{4}-.*Z\.db$/);
    expect(made).toMatchObject({ format: 1, secrets: ['encryption-key'], version: '4.1.0' });
    expect(made?.rows).toMatchObject(before);
    expect(readdirSync(backups).sort()).toEqual([made?.file, `${made?.file}.json`, `${made?.file}.txt`]);
    for (const name of readdirSync(backups)) expect(statSync(join(backups, name)).mode & 0o777).toBe(0o600);
    expect(rowsOf(path)).toHaveProperty('more');

    const lines = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ goBackTo }) => goBackTo !== undefined)).toEqual([
      expect.objectContaining({
        level: 'info',
        backup: made?.path,
        goBackTo: '4.0.0',
        command: `npm run nixfleet -- restore ${made?.path}`,
      }),
    ]);
    const text = readFileSync(stepsName(made?.path ?? ''), 'utf8');
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    expect(text).toContain('Going back to NixFleet 4.0.0\n');
    expect(text).toContain(`docker compose run --rm --no-deps nixfleet nixfleet restore ${made?.path}\n`);
    expect(text).toContain(`sudo nixfleet restore ${made?.path}\n`);
    expect(text).toContain(`npm run nixfleet -- restore ${made?.path},`);
  });

  it.each([
    ['unencrypted', null],
    ['with a passphrase', KEY],
  ])('makes a backup that passes every check of 4.0.0, %s, and goes back with it', async (_how, key) => {
    const before = rowsOf(path);
    const made = await start({ key });
    expect(await checkAs400(made?.path ?? '', key, join(folder, 'plain.db'))).toEqual(['encryption-key']);
    expect(() => openDatabase(path, { log })).toThrow('was written by a newer NixFleet');

    writeFileSync(join(folder, 'secrets', 'encryption-key'), 'another\n');
    const restored = await restore(made?.path ?? '', key);
    expect(restored.secrets).toEqual(['encryption-key']);
    closeDatabase(openDatabase(path, { log }));
    // This version has migrated it: a new table is empty.
    expect(rowsOf(path)).toMatchObject(withoutEvents(before));
    expect(rowsOf(restored.replaced ?? '')).toHaveProperty('more');
  });

  it.each(readdirSync(FIXTURES).filter((name) => name.endsWith('.db')))(
    'backs up a database of every earlier schema, which this version restores: %s',
    async (name) => {
      copyFileSync(join(FIXTURES, name), path);
      const before = rowsOf(path);
      const made = await start();
      await restore(made?.path ?? '');
      expect(withoutEvents(rowsOf(path))).toEqual(withoutEvents(before));
      const again = await start();
      // The event of the restore follows the others.
      expect(again?.chainProblems).toEqual(made?.chainProblems);
      expect(again?.head?.id).toBe((made?.head?.id ?? 0) + 1);
    },
  );

  it('restores a database of 4.0.0 with an event that 4.0.0 reads, and that verifies after the migration', async () => {
    const made = await start({ migrationsFolder: undefined });
    await restore(made?.path ?? '');
    const restored = new Database(path, { readonly: true });
    const event = restored.prepare('select action, message from events order by id desc limit 1').get();
    expect(event).toEqual({
      action: 'database.restored',
      message: `The database was restored from the backup of ${new Date(made?.createdAt ?? 0).toISOString()}: what happened later is not in it.`,
    });
    restored.close();
    const again = await start({ migrationsFolder: undefined });
    expect(again?.chainProblems).toEqual(made?.chainProblems);
    const migrated = new Database(path);
    prepareEventLog(migrated, () => undefined)([testEvent('after the migration')]);
    expect(auditEvents(migrated).problems).toEqual(made?.chainProblems);
    expect(migrated.prepare('select encoding from events order by id desc limit 3').pluck().all()).toEqual([2, 1, 1]);
    migrated.close();
  });

  it('names the version that last used the database', async () => {
    const client = new Database(path);
    expect(readLastVersion(client)).toBe('4.0.0');
    recordVersion(client, '4.0.7', 1);
    recordVersion(client, '4.0.7', 2);
    expect(client.prepare("select updated_at from settings where key = 'version'").pluck().get()).toBe(1);
    client.close();
    const made = await start();
    expect(readFileSync(stepsName(made?.path ?? ''), 'utf8')).toContain('Going back to NixFleet 4.0.7\n');
  });

  it('includes the rows that are only in the write-ahead log', async () => {
    const other = join(folder, 'other.db');
    copyFileSync(path, other);
    const client = new Database(other);
    client.pragma('journal_mode = WAL');
    client.exec("insert into settings values ('late', '1', 1)");
    for (const suffix of ['', '-wal']) copyFileSync(other + suffix, path + suffix);
    client.close();
    const before = rowsOf(path);
    expect((await start())?.rows['settings']).toBe(before['settings']);
  });

  it('completes an interrupted restore first, so that the backup holds its secrets', async () => {
    const client = new Database(path);
    putContents(client, { createdAt: 1, version: '4.0.0' }, new Map([['agent-token', Buffer.from('restored\n')]]));
    client.close();
    const made = await start();
    expect(made?.secrets).toEqual(['agent-token', 'encryption-key']);
    expect(readFileSync(join(folder, 'secrets', 'agent-token'), 'utf8')).toBe('restored\n');
  });
});

describe('no backup is made', () => {
  it('when there is nothing to migrate, no database, or one of another program', async () => {
    copyFileSync(join(FIXTURES, NEWEST), path);
    expect(await backUp({ migrationsFolder: undefined })).toBeNull();
    rmSync(path);
    expect(await backUp()).toBeNull();
    writeFileSync(path, 'Dear diary');
    expect(await backUp()).toBeNull();
    expect(existsSync(backups)).toBe(false);
  });

  it('when the database is newer than this version', async () => {
    await start();
    rmSync(backups, { recursive: true });
    expect(await backUp({ migrationsFolder: undefined })).toBeNull();
    expect(existsSync(backups)).toBe(false);
  });

  it('when the operator wants none, which is logged', async () => {
    expect(await start({ required: false })).toBeNull();
    expect(existsSync(backups)).toBe(false);
    expect(rowsOf(path)).toHaveProperty('more');
    expect(logged.join('')).toContain('migrated without a backup, because NIXFLEET_BACKUP_BEFORE_UPDATE is false');
  });
});

describe('a backup that fails ends the start', () => {
  const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

  /** The reason for which the start ends; the database and its lock must be free and unchanged. */
  async function failure(changes: Partial<UpdateBackupOptions> = {}): Promise<string> {
    const before = hashOf(path);
    const message = await start(changes).then(
      () => 'it started',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    expect(hashOf(path)).toBe(before);
    lockDatabase(path, log).lock.release();
    return message;
  }

  it('when the folder can’t be used, with what to do', async () => {
    writeFileSync(backups, 'a file is in the way');
    const message = await failure();
    expect(message).toContain('NixFleet 4.1.0 has to migrate the database');
    expect(message).toContain(backups);
    expect(message).toContain(
      'The database was not migrated. Solve the problem and start again, or start NixFleet 4.0.0.',
    );
    expect(message).toContain('NIXFLEET_BACKUP_BEFORE_UPDATE=false');
  });

  it.runIf(process.getuid?.() === 0)('when the folder belongs to another user, with the command that fixes it', () => {
    mkdirSync(backups, { mode: 0o755 });
    chmodSync(folder, 0o777);
    chmodSync(path, 0o666);
    chmodSync(join(folder, 'secrets'), 0o755);
    chmodSync(join(folder, 'secrets', 'encryption-key'), 0o644);
    const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, folder, ''], {
      cwd: ROOT,
      encoding: 'utf8',
      uid: 65_534,
      gid: 65_534,
    });
    expect(child.status).not.toBe(0);
    expect(child.stderr).toContain(`sudo chown -R 65534:65534 ${backups}`);
    expect(readdirSync(backups)).toEqual([]);
  });

  it('when the disk is too small', async ({ skip }) => {
    mkdirSync(backups);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', backups]).status !== 0)
      skip('mounting is not allowed');
    try {
      const message = await failure();
      expect(message).toContain(`There is not enough room for a backup in ${backups}`);
      expect(readdirSync(backups)).toEqual([]);
    } finally {
      spawnSync('umount', [backups]);
    }
  });

  it('when the database is not sound', async () => {
    const client = new Database(path);
    client.pragma('foreign_keys = OFF');
    client.exec("insert into command_output values ('nobody', 1, 1, '[]')");
    client.close();
    expect(await failure()).toContain('command_output refers to a missing row of commands');
    expect(readdirSync(backups)).toEqual([]);
  });
});

describe('a start that fails after the backup', () => {
  it('does not make a second one: the next start uses the first', async () => {
    const broken = addMigration(folder, `${MORE}\n--> statement-breakpoint\nCREATE TABLE hosts (a);`, FAR_FUTURE + 1);
    for (let round = 0; round < 3; round += 1) {
      await expect(start({ migrationsFolder: broken })).rejects.toThrow('could not be migrated');
    }
    const [first, ...more] = listUpdateBackups(backups);
    expect(more).toEqual([]);
    rmSync(stepsName(first?.path ?? ''));
    expect(await start()).toEqual(first);
    expect(existsSync(stepsName(first?.path ?? ''))).toBe(true);
  });

  it.each([
    ['the database', () => edit("insert into settings values ('late', '1', 1)")],
    ['a secret', () => writeFileSync(join(folder, 'secrets', 'agent-token'), 'new\n')],
    ['the backup', () => flipByte(listUpdateBackups(backups)[0]?.path ?? '')],
  ])('makes another one when %s has changed', async (_what, change) => {
    const first = await backUp();
    change();
    const second = await backUp();
    expect(second?.path).not.toBe(first?.path);
  });

  it('makes another one when the key has changed', async () => {
    const first = await backUp({ key: IDENTITY });
    expect(await backUp({ key: IDENTITY })).toEqual(first);
    const second = await backUp({ key: KEY });
    expect(second?.path).not.toBe(first?.path);
    expect((await backUp())?.encrypted).toBe(false);
  });
});

function edit(sql: string): void {
  const client = new Database(path);
  client.exec(sql);
  client.close();
}

function flipByte(file: string): void {
  const content = readFileSync(file);
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 0xff;
  writeFileSync(file, content);
}

describe('a crash', () => {
  const STEPS = ['copied', 'contents-added', 'encrypted', 'named', 'whole', 'steps-written'] as const;

  it.each(STEPS)('after the step "%s" leaves the old database and no half backup', async (step) => {
    const before = rowsOf(path);
    const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, folder, step, IDENTITY], { cwd: ROOT });
    expect(child.signal).toBe('SIGKILL');
    expect(rowsOf(path)).toEqual(before);
    const isWhole = step === 'whole' || step === 'steps-written';
    const left = listUpdateBackups(backups);
    expect(left).toHaveLength(isWhole ? 1 : 0);

    const made = await start({ key: IDENTITY, migrationsFolder: undefined });
    if (isWhole) expect(made).toEqual(left[0]);
    expect(readdirSync(backups).sort()).toEqual([made?.file, `${made?.file}.json`, `${made?.file}.txt`]);
    expect(await checkAs400(made?.path ?? '', IDENTITY, join(folder, 'plain.db'))).toEqual(['encryption-key']);
  });
});

describe('the backups of starts', () => {
  it('are kept apart from the scheduled ones, and the newest three of them stay', async () => {
    const scheduled = () =>
      createBackup({
        ...options(),
        dbPath: path,
        version: '4.0.0',
        migrationsFolder: undefined,
      });
    await scheduled();
    const made: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      edit(`insert into settings values ('round-${round}', '1', 1)`);
      made.push((await backUp())?.file ?? '');
    }
    expect(listUpdateBackups(backups).map(({ file }) => file)).toEqual(made.slice(2).reverse());
    expect(readdirSync(backups).filter((name) => name.endsWith('.txt'))).toHaveLength(3);
    expect(listBackups(backups)).toHaveLength(1);

    await scheduled();
    rotateBackups(backups, 1, Date.now() + 10 * 86_400_000);
    expect(listBackups(backups)).toHaveLength(1);
    expect(listUpdateBackups(backups)).toHaveLength(3);
  });

  it('keep the one made last when the clock was set back', async () => {
    for (let round = 0; round < 4; round += 1) {
      edit(`insert into settings values ('round-${round}', '1', 1)`);
      const made = await backUp({ now: () => Date.UTC(2026, 0, 9 - round) });
      expect(listUpdateBackups(backups).map(({ path: stored }) => stored)).toContain(made?.path);
    }
    expect(listUpdateBackups(backups)).toHaveLength(3);
  });

  it('leave every other file in the folder alone', async () => {
    mkdirSync(backups);
    const names = ['before-lunch.db', '.before-lunch.db.1.unfinished', 'notes.txt', 'before-4.1.0.txt'];
    for (const name of names) writeFileSync(join(backups, name), 'mine');
    await backUp();
    expect(readdirSync(backups)).toEqual(expect.arrayContaining(names));
  });
});

describe('a database that is newer than this version', () => {
  const refusal = (folderOfBackups = backups) => {
    try {
      openDatabase(path, { log, wayBack: (known) => wayBack(folderOfBackups, known, 'container') });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return 'it was opened';
  };

  it('is refused with the newest backup that this version can restore, and the command', async () => {
    const made = await start();
    // The next update: this version can't restore what was there before that one.
    await start({
      version: '4.2.0',
      migrationsFolder: addMigration(folder, 'CREATE TABLE yet_more (a);', FAR_FUTURE + 1, next),
    });
    expect(listUpdateBackups(backups)).toHaveLength(2);
    expect(newestUpdateBackup(backups, Date.now())?.path).toBe(made?.path);
    expect(refusal()).toContain(
      `Start that version, or restore the backup that was made before the update (${made?.path}).`,
    );
    expect(refusal()).toContain(`docker compose run --rm --no-deps nixfleet nixfleet restore ${made?.path}`);
  });

  it('is refused as before without such a backup, or when it is not whole', async () => {
    const made = await start();
    appendFileSync(made?.path ?? '', 'x');
    for (const where of [backups, join(folder, 'nowhere')]) {
      expect(refusal(where)).toMatch(/Start that version, or restore the backup from before the update\.$/);
    }
  });
});
