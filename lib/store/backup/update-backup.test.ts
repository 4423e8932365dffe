import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
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
import { describe, expect, it } from 'vitest';
import { auditEvents } from '@/lib/store/sqlite/audit';
import { Database } from '@/lib/store/sqlite/driver';
import { prepareEventLog } from '@/lib/store/sqlite/event-log';
import { readLastVersion, recordVersion } from '@/lib/store/sqlite/last-version';
import { closeDatabase, lockDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { countTables } from '@/lib/store/sqlite/testing/fill';
import { testEvent } from '@/lib/store/sqlite/testing/sample-records';
import { putContents } from './backup-contents';
import { checkAs400 } from './fixtures/checks-of-4.0.0';
import { FIXTURES, IDENTITY, KEY, useUpdateBench } from './testing/update-bench';
import type { UpdateBackupOptions } from './update-backup';
import { listUpdateBackups, stepsName } from './update-backup-folder';

const CHILD = fileURLToPath(new URL('./testing/update-child.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** A database of this version. */
const NEWEST = '0008_host_policy.db';

const bench = useUpdateBench();
const { backUp, log, restore, start } = bench;

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
    const before = rowsOf(bench.path);
    const made = await start();
    expect(made?.file).toMatch(/^before-4\.1\.0-\d{4}-.*Z\.db$/);
    expect(made).toMatchObject({ format: 1, secrets: ['encryption-key'], version: '4.1.0' });
    expect(made?.rows).toMatchObject(before);
    expect(readdirSync(bench.backups).sort()).toEqual([made?.file, `${made?.file}.json`, `${made?.file}.txt`]);
    for (const name of readdirSync(bench.backups)) expect(statSync(join(bench.backups, name)).mode & 0o777).toBe(0o600);
    expect(rowsOf(bench.path)).toHaveProperty('more');

    const lines = bench.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
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
    const before = rowsOf(bench.path);
    const made = await start({ key });
    expect(await checkAs400(made?.path ?? '', key, join(bench.folder, 'plain.db'))).toEqual(['encryption-key']);
    expect(() => openDatabase(bench.path, { log })).toThrow('was written by a newer NixFleet');

    writeFileSync(join(bench.folder, 'secrets', 'encryption-key'), 'another\n');
    const restored = await restore(made?.path ?? '', key);
    expect(restored.secrets).toEqual(['encryption-key']);
    closeDatabase(openDatabase(bench.path, { log }));
    // This version has migrated it: a new table is empty.
    expect(rowsOf(bench.path)).toMatchObject(withoutEvents(before));
    expect(rowsOf(restored.replaced ?? '')).toHaveProperty('more');
  });

  it.each(readdirSync(FIXTURES).filter((name) => name.endsWith('.db')))(
    'backs up a database of every earlier schema, which this version restores: %s',
    async (name) => {
      copyFileSync(join(FIXTURES, name), bench.path);
      const before = rowsOf(bench.path);
      const made = await start();
      await restore(made?.path ?? '');
      expect(withoutEvents(rowsOf(bench.path))).toEqual(withoutEvents(before));
      const again = await start();
      // The event of the restore follows the others.
      expect(again?.chainProblems).toEqual(made?.chainProblems);
      expect(again?.head?.id).toBe((made?.head?.id ?? 0) + 1);
    },
  );

  it('restores a database of 4.0.0 with an event that 4.0.0 reads, and that verifies after the migration', async () => {
    const made = await start({ migrationsFolder: undefined });
    await restore(made?.path ?? '');
    const restored = new Database(bench.path, { readonly: true });
    const event = restored.prepare('select action, message from events order by id desc limit 1').get();
    expect(event).toEqual({
      action: 'database.restored',
      message: `The database was restored from the backup of ${new Date(made?.createdAt ?? 0).toISOString()}: what happened later is not in it.`,
    });
    restored.close();
    const again = await start({ migrationsFolder: undefined });
    expect(again?.chainProblems).toEqual(made?.chainProblems);
    const migrated = new Database(bench.path);
    prepareEventLog(migrated, () => undefined)([testEvent('after the migration')]);
    expect(auditEvents(migrated).problems).toEqual(made?.chainProblems);
    expect(migrated.prepare('select encoding from events order by id desc limit 3').pluck().all()).toEqual([2, 1, 1]);
    migrated.close();
  });

  it('names the version that last used the database', async () => {
    const client = new Database(bench.path);
    expect(readLastVersion(client)).toBe('4.0.0');
    recordVersion(client, '4.0.7', 1);
    recordVersion(client, '4.0.7', 2);
    expect(client.prepare("select updated_at from settings where key = 'version'").pluck().get()).toBe(1);
    client.close();
    const made = await start();
    expect(readFileSync(stepsName(made?.path ?? ''), 'utf8')).toContain('Going back to NixFleet 4.0.7\n');
  });

  it('includes the rows that are only in the write-ahead log', async () => {
    const other = join(bench.folder, 'other.db');
    copyFileSync(bench.path, other);
    const client = new Database(other);
    client.pragma('journal_mode = WAL');
    client.exec("insert into settings values ('late', '1', 1)");
    for (const suffix of ['', '-wal']) copyFileSync(other + suffix, bench.path + suffix);
    client.close();
    const before = rowsOf(bench.path);
    expect((await start())?.rows['settings']).toBe(before['settings']);
  });

  it('completes an interrupted restore first, so that the backup holds its secrets', async () => {
    const client = new Database(bench.path);
    putContents(client, { createdAt: 1, version: '4.0.0' }, new Map([['agent-token', Buffer.from('restored\n')]]));
    client.close();
    const made = await start();
    expect(made?.secrets).toEqual(['agent-token', 'encryption-key']);
    expect(readFileSync(join(bench.folder, 'secrets', 'agent-token'), 'utf8')).toBe('restored\n');
  });
});

describe('no backup is made', () => {
  it('when there is nothing to migrate, no database, or one of another program', async () => {
    copyFileSync(join(FIXTURES, NEWEST), bench.path);
    expect(await backUp({ migrationsFolder: undefined })).toBeNull();
    rmSync(bench.path);
    expect(await backUp()).toBeNull();
    writeFileSync(bench.path, 'Dear diary');
    expect(await backUp()).toBeNull();
    expect(existsSync(bench.backups)).toBe(false);
  });

  it('when the database is newer than this version', async () => {
    await start();
    rmSync(bench.backups, { recursive: true });
    expect(await backUp({ migrationsFolder: undefined })).toBeNull();
    expect(existsSync(bench.backups)).toBe(false);
  });

  it('when the operator wants none, which is logged', async () => {
    expect(await start({ required: false })).toBeNull();
    expect(existsSync(bench.backups)).toBe(false);
    expect(rowsOf(bench.path)).toHaveProperty('more');
    expect(bench.logged.join('')).toContain(
      'migrated without a backup, because NIXFLEET_BACKUP_BEFORE_UPDATE is false',
    );
  });
});

describe('a backup that fails ends the start', () => {
  const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

  /** The reason for which the start ends; the database and its lock must be free and unchanged. */
  async function failure(changes: Partial<UpdateBackupOptions> = {}): Promise<string> {
    const before = hashOf(bench.path);
    const message = await start(changes).then(
      () => 'it started',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    expect(hashOf(bench.path)).toBe(before);
    lockDatabase(bench.path, log).lock.release();
    return message;
  }

  it('when the folder can’t be used, with what to do', async () => {
    writeFileSync(bench.backups, 'a file is in the way');
    const message = await failure();
    expect(message).toContain('NixFleet 4.1.0 has to migrate the database');
    expect(message).toContain(bench.backups);
    expect(message).toContain(
      'The database was not migrated. Solve the problem and start again, or start NixFleet 4.0.0.',
    );
    expect(message).toContain('NIXFLEET_BACKUP_BEFORE_UPDATE=false');
  });

  it.runIf(process.getuid?.() === 0)('when the folder belongs to another user, with the command that fixes it', () => {
    mkdirSync(bench.backups, { mode: 0o755 });
    chmodSync(bench.folder, 0o777);
    chmodSync(bench.path, 0o666);
    chmodSync(join(bench.folder, 'secrets'), 0o755);
    chmodSync(join(bench.folder, 'secrets', 'encryption-key'), 0o644);
    const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, bench.folder, ''], {
      cwd: ROOT,
      encoding: 'utf8',
      uid: 65_534,
      gid: 65_534,
    });
    expect(child.status).not.toBe(0);
    expect(child.stderr).toContain(`sudo chown -R 65534:65534 ${bench.backups}`);
    expect(readdirSync(bench.backups)).toEqual([]);
  });

  it('when the disk is too small', async ({ skip }) => {
    mkdirSync(bench.backups);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', bench.backups]).status !== 0)
      skip('mounting is not allowed');
    try {
      const message = await failure();
      expect(message).toContain(`There is not enough room for a backup in ${bench.backups}`);
      expect(readdirSync(bench.backups)).toEqual([]);
    } finally {
      spawnSync('umount', [bench.backups]);
    }
  });

  it('when the database is not sound', async () => {
    const client = new Database(bench.path);
    client.pragma('foreign_keys = OFF');
    client.exec("insert into command_output values ('nobody', 1, 1, '[]')");
    client.close();
    expect(await failure()).toContain('command_output refers to a missing row of commands');
    expect(readdirSync(bench.backups)).toEqual([]);
  });
});

describe('a crash', () => {
  const STEPS = ['copied', 'contents-added', 'encrypted', 'named', 'whole', 'steps-written'] as const;

  it.each(STEPS)('after the step "%s" leaves the old database and no half backup', async (step) => {
    const before = rowsOf(bench.path);
    const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, bench.folder, step, IDENTITY], { cwd: ROOT });
    expect(child.signal).toBe('SIGKILL');
    expect(rowsOf(bench.path)).toEqual(before);
    const isWhole = step === 'whole' || step === 'steps-written';
    const left = listUpdateBackups(bench.backups);
    expect(left).toHaveLength(isWhole ? 1 : 0);

    const made = await start({ key: IDENTITY, migrationsFolder: undefined });
    if (isWhole) expect(made).toEqual(left[0]);
    expect(readdirSync(bench.backups).sort()).toEqual([made?.file, `${made?.file}.json`, `${made?.file}.txt`]);
    expect(await checkAs400(made?.path ?? '', IDENTITY, join(bench.folder, 'plain.db'))).toEqual(['encryption-key']);
  });
});
