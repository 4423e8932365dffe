/** An installation of 4.0.0 in a folder, and starts of a version that has to migrate it. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import type { Log } from '@/lib/log';
import { Database } from '@/lib/store/sqlite/driver';
import { closeDatabase, lockDatabase, openLockedDatabase } from '@/lib/store/sqlite/open-database';
import { makeTestFolder, makeTestLog } from '@/lib/store/sqlite/testing/database';
import { addMigration } from '@/lib/store/sqlite/testing/migrations';
import type { StoredBackup } from '../backup-folder';
import { restoreBackup } from '../restore-backup';
import { backUpBeforeUpdate, type UpdateBackupOptions } from '../update-backup';
import { updateOptions } from './update-options';

/** The databases of every earlier schema. */
export const FIXTURES = fileURLToPath(new URL('../../sqlite/fixtures/', import.meta.url));
const OF_4_0_0 = '0003_hosts_without_approval.db';
/** What the next version migrates. */
export const MORE = 'CREATE TABLE more (a);';
/** A passphrase. */
export const KEY = 'a passphrase of some length';
/** Faster than a passphrase, which is slow on purpose. */
export const IDENTITY = 'AGE-SECRET-KEY-1AUZYTFS7AA65Q48R7STS9KTYJHLTXLZADNDGNEE5AMUM039YW70QCDSMZC';

export interface UpdateBench {
  readonly folder: string;
  /** The database. */
  readonly path: string;
  /** The folder of the backups; missing until the first one. */
  readonly backups: string;
  /** The migrations of the next version. */
  readonly next: string;
  readonly log: Log;
  readonly logged: readonly string[];
  readonly options: (changes?: Partial<UpdateBackupOptions>) => UpdateBackupOptions;
  /** The part of a start before the database is opened. */
  readonly backUp: (changes?: Partial<UpdateBackupOptions>) => Promise<StoredBackup | null>;
  /** A start: backup, then migration. */
  readonly start: (changes?: Partial<UpdateBackupOptions>) => Promise<StoredBackup | null>;
  readonly restore: (file: string, key?: string | null) => ReturnType<typeof restoreBackup>;
  /** Changes the database. */
  readonly edit: (sql: string) => void;
}

/** A new installation for each test. */
export function useUpdateBench(): UpdateBench {
  const { log, logged } = makeTestLog();
  let folder: string;
  let path: string;
  let next: string;
  let remove: () => void;

  beforeEach(() => {
    ({ folder, remove } = makeTestFolder());
    path = join(folder, 'nixfleet.db');
    logged.length = 0;
    mkdirSync(join(folder, 'secrets'));
    writeFileSync(join(folder, 'secrets', 'encryption-key'), 'the-key-of-the-second-factor\n', { mode: 0o600 });
    copyFileSync(join(FIXTURES, OF_4_0_0), path);
    next = addMigration(folder, MORE);
  });
  afterEach(() => remove());

  const options: UpdateBench['options'] = (changes = {}) => ({
    ...updateOptions(folder, log),
    migrationsFolder: next,
    ...changes,
  });

  return {
    get folder() {
      return folder;
    },
    get path() {
      return path;
    },
    get backups() {
      return join(folder, 'backups');
    },
    get next() {
      return next;
    },
    log,
    logged,
    options,
    async backUp(changes = {}) {
      const locked = lockDatabase(path, log);
      const made = await backUpBeforeUpdate(locked, options(changes));
      locked.lock.release();
      return made;
    },
    async start(changes = {}) {
      const locked = lockDatabase(path, log);
      const made = await backUpBeforeUpdate(locked, options(changes));
      const { migrationsFolder } = options(changes);
      closeDatabase(openLockedDatabase(locked, { log, migrationsFolder }));
      return made;
    },
    restore: (file, key = null) =>
      restoreBackup({ file, dbPath: path, secretsFolder: join(folder, 'secrets'), key, now: () => Date.now(), log }),
    edit(sql) {
      const client = new Database(path);
      client.exec(sql);
      client.close();
    },
  };
}
