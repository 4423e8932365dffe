import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../sqlite/driver';
import { createFleetStore } from '../sqlite/fleet-store';
import { closeDatabase } from '../sqlite/open-database';
import { makeTestFolder, makeTestLog } from '../sqlite/testing/database';
import { openAdopting } from './testing/open-adopting';
import type { AdoptionStep } from './adopt';

const SAMPLE = fileURLToPath(new URL('./fixtures/nixfleet-v1.db', import.meta.url));
const CHILD = fileURLToPath(new URL('./testing/adopt-child.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** More rows than fit in one transaction. */
const ADDED_COMMANDS = 6_000;

const { log } = makeTestLog();
let folder: string;
let path: string;
let remove: () => void;

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
});
afterEach(() => remove());

/** The sample with more commands, as a killed Go dashboard leaves it: the newest rows are only in the log. */
function makeOldFile(): void {
  const other = join(folder, 'other.db');
  copyFileSync(SAMPLE, other);
  const old = new Database(other);
  old.pragma('journal_mode = WAL');
  old.exec(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ADDED_COMMANDS})
     insert into command_log (host_id, command, status, output, created_at)
     select 'csb0', 'pull', 'ok', 'line ' || i, '2026-11-20T10:00:00' from n`,
  );
  for (const suffix of ['', '-wal', '-shm']) copyFileSync(other + suffix, path + suffix);
  old.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(other + suffix, { force: true });
}

const filesNow = () =>
  Object.fromEntries(
    ['', '-wal', '-shm'].map((suffix) => [
      suffix,
      existsSync(path + suffix)
        ? createHash('sha256')
            .update(readFileSync(path + suffix))
            .digest('hex')
        : null,
    ]),
  );

function dieAfter(step: AdoptionStep): void {
  const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, path, step], { cwd: ROOT, encoding: 'utf8' });
  expect([child.signal, child.stdout]).toEqual(['SIGKILL', '']);
}

/** The next start adopts everything and leaves no temporary files. */
function expectAdopted(): void {
  const db = openAdopting(path, { log });
  try {
    expect(createFleetStore(db, { log }).load().hosts).toHaveLength(14);
    expect(db.$client.prepare('select count(*) from commands').pluck().get()).toBe(501 + 2 + ADDED_COMMANDS);
    expect(db.$client.pragma('integrity_check', { simple: true })).toBe('ok');
  } finally {
    closeDatabase(db);
  }
  const left = readdirSync(folder).filter((name) => /adopt|look|part|-wal|-shm/.test(name.replace(/.*backup-.*/, '')));
  expect(left).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.includes('.backup-') && /(look|part)/.test(name))).toEqual([]);
}

describe('a crash by SIGKILL during an adoption', () => {
  it.each(['backup-made', 'backup-checked', 'rows-written', 'built', 'whole'] as const)(
    'after the step "%s" leaves the old files unchanged, and the next start adopts them',
    (step) => {
      makeOldFile();
      const before = filesNow();
      dieAfter(step);
      expect(filesNow()).toEqual(before);
      expectAdopted();
      const [copy = ''] = readdirSync(folder).filter((name) => name.endsWith('.db') && name.includes('.backup-'));
      expect(readdirSync(folder).filter((name) => name.endsWith('.sha256'))).toHaveLength(1);
      for (const suffix of ['', '-wal', '-shm']) copyFileSync(join(folder, copy) + suffix, path + suffix);
      expect(filesNow()).toEqual(before);
    },
  );

  it('between the removal of the old logs and the rename: the next start continues instead of starting again without them', () => {
    makeOldFile();
    const before = filesNow();
    dieAfter('logs-removed');
    expect(filesNow()).toEqual({ ...before, '-wal': null, '-shm': null });
    expectAdopted();
  });

  it('after the rename: the next start opens the adopted database', () => {
    makeOldFile();
    dieAfter('renamed');
    expectAdopted();
  });

  it('after which another program changes the old file: the next start adopts the changed file', () => {
    makeOldFile();
    dieAfter('whole');
    const old = new Database(path);
    old.exec("update hosts set comment = 'written afterwards' where id = 'csb0'");
    old.close();
    const db = openAdopting(path, { log });
    expect(
      createFleetStore(db, { log })
        .load()
        .hosts.find(({ id }) => id === 'csb0')?.note,
    ).toMatch(/^written afterwards\n/);
    closeDatabase(db);
    expect(readdirSync(folder).filter((name) => name.endsWith('.sha256'))).toHaveLength(2);
  });

  it('while copying: the next start removes the unfinished copy', () => {
    makeOldFile();
    const part = join(folder, 'nixfleet.backup-v1-20260101T000000Z.db.part');
    writeFileSync(part, 'half');
    writeFileSync(`${path}.adopting`, 'half');
    expectAdopted();
    expect(existsSync(part)).toBe(false);
  });
});
