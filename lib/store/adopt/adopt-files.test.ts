/** What an adoption does to the files: the lock, the untouched copy, and files that it refuses. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../sqlite/driver';
import { closeDatabase, lockDatabase, openDatabase } from '../sqlite/open-database';
import { column, hashOf, SAMPLES, useAdoptBench } from './testing/adopt-bench';
import { openAdopting } from './testing/open-adopting';

const bench = useAdoptBench();
const { adoptSample, copies, counts, open, storeOf } = bench;

describe('the lock of the database', () => {
  const isHeld = () => {
    try {
      lockDatabase(bench.path, bench.testLog.log).lock.release();
      return false;
    } catch (error) {
      expect(error).toMatchObject({ kind: 'in-use' });
      return true;
    }
  };

  it('is held at every step of the adoption, and from there until the database is closed', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), bench.path);
    const held: [string, boolean][] = [];
    const db = openAdopting(bench.path, {
      log: bench.testLog.log,
      onStep: (step) => held.push([step, isHeld()]),
      onAdopted: () => held.push(['adopted', isHeld()]),
    });
    bench.opened.push(db);
    expect(held.map(([step]) => step)).toEqual([
      'backup-made',
      'backup-checked',
      'built',
      'whole',
      'logs-removed',
      'renamed',
      'adopted',
    ]);
    expect(held.every(([, isHeldThen]) => isHeldThen)).toBe(true);
    expect(isHeld()).toBe(true);
    closeDatabase(db);
    expect(isHeld()).toBe(false);
  });

  it('is released when the adoption fails', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), bench.path);
    const stop = () => {
      throw new Error('stopped by the test');
    };
    expect(() => openAdopting(bench.path, { log: bench.testLog.log, onStep: stop })).toThrow('stopped by the test');
    expect(isHeld()).toBe(false);
  });

  it('is released when an old database is opened without adopting it, which refuses it and changes nothing', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), bench.path);
    const before = hashOf(bench.path);
    expect(() => openDatabase(bench.path, bench.testLog)).toThrow(
      expect.objectContaining({ kind: 'foreign' }) as Error,
    );
    expect([hashOf(bench.path), isHeld()]).toEqual([before, false]);
  });
});

describe('the untouched copy', () => {
  it('is the old file, byte for byte, with a list that sha256sum reads', () => {
    for (const name of ['nixfleet-v1.db', 'nixfleet-go-3.1.5.db']) {
      adoptSample(name);
      const [copy = ''] = copies('.db');
      const before = hashOf(join(SAMPLES, name));
      expect(hashOf(join(bench.folder, copy))).toBe(before);
      expect(readFileSync(join(bench.folder, `${copy}.sha256`), 'utf8')).toBe(`${before}  ${copy}\n`);
      expect(bench.reports.at(-1)?.backup).toBe(copy);
      expect((statSync(join(bench.folder, copy)).mode & 0o777).toString(8)).toBe('600');
      closeDatabase(bench.opened.pop()!);
      for (const file of readdirSync(bench.folder)) rmSync(join(bench.folder, file));
    }
  });

  it('includes the write-ahead log, whose rows are adopted', () => {
    const other = join(bench.folder, 'other.db');
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), other);
    const old = new Database(other);
    old.pragma('journal_mode = WAL');
    old.exec("update hosts set comment = 'only in the log' where id = 'csb0'");
    for (const suffix of ['', '-wal', '-shm']) copyFileSync(other + suffix, bench.path + suffix);
    old.close();
    // As a killed process leaves it: the index does not match the log.
    writeFileSync(`${bench.path}-shm`, Buffer.alloc(32_768, 5));
    const before = ['', '-wal', '-shm'].map((suffix) => hashOf(bench.path + suffix));
    const db = open();
    expect(column(db, "select comment from hosts where id = 'csb0'")).toEqual(['only in the log']);
    const [copy = ''] = copies('.db');
    expect(['', '-wal', '-shm'].map((suffix) => hashOf(join(bench.folder, copy + suffix)))).toEqual(before);
  });

  it('includes the journal of an interrupted transaction, which is rolled back in the adopted database', () => {
    const other = join(bench.folder, 'other.db');
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), other);
    const old = new Database(other);
    old.pragma('journal_mode = DELETE');
    old.pragma('cache_size = 2');
    old.exec("begin; update command_log set output = 'torn', status = 'torn'; update hosts set comment = 'torn'");
    for (const suffix of ['', '-journal']) copyFileSync(other + suffix, bench.path + suffix);
    old.exec('rollback');
    old.close();
    expect(statSync(`${bench.path}-journal`).size).toBeGreaterThan(4_096);
    const before = ['', '-journal'].map((suffix) => hashOf(bench.path + suffix));
    expect(before[0]).not.toBe(hashOf(join(SAMPLES, 'nixfleet-v1.db')));
    const db = open();
    expect(column(db, "select count(*) from hosts where comment = 'torn'")).toEqual([0]);
    expect(column(db, "select count(*) from command_output where lines like '%torn%'")).toEqual([0]);
    expect(counts().command_log).toEqual([503, 501, 2, 0]);
    const [copy = ''] = copies('.db');
    expect(['', '-journal'].map((suffix) => hashOf(join(bench.folder, copy + suffix)))).toEqual(before);
    expect(existsSync(`${bench.path}-journal`)).toBe(false);
  });

  it('is not overwritten by a second adoption, and not made twice from the same bytes', () => {
    adoptSample('nixfleet-v1.db');
    closeDatabase(bench.opened[0]!);
    adoptSample('nixfleet-v1.db');
    expect(copies('.db')).toHaveLength(1);
    closeDatabase(bench.opened[1]!);
    adoptSample('nixfleet-go-3.1.5.db');
    expect(copies('.db')).toHaveLength(2);
  });
});

describe('going back', () => {
  it('to version 1 restores the old file, and the statements of version 1 work on it', () => {
    closeDatabase(adoptSample('nixfleet-v1.db'));
    // docs/adoption.md, "Going back".
    const [copy = ''] = copies('.db');
    rmSync(bench.path);
    copyFileSync(join(bench.folder, copy), bench.path);
    expect(hashOf(bench.path)).toBe(hashOf(join(SAMPLES, 'nixfleet-v1.db')));
    const old = new Database(bench.path);
    old.exec("insert into sessions values ('token', 'csrf', '2030-01-01T00:00:00', '2026-01-01T00:00:00')");
    old
      .prepare(
        `update hosts set last_seen = ?, status = 'ok', current_generation = ?, metrics = ?, agent_version = ?,
         test_running = 0, poll_interval = 30, pending_command = null, command_queued_at = null, os_name = 'NixOS' where id = ?`,
      )
      .run('2026-11-25T00:00:00', 'abc', '{}', '0.4.0', 'csb0');
    expect(old.prepare('select count(*) from command_log').pluck().get()).toBe(503);
    old.close();
    // Adopting again includes what version 1 wrote in between.
    expect(
      storeOf(open())
        .load()
        .hosts.find(({ id }) => id === 'csb0')?.lastSeenAt,
    ).toBe(Date.UTC(2026, 10, 25));
  });
});

describe('a file that cannot be adopted', () => {
  const failure = () => {
    try {
      open();
    } catch (error) {
      if (error instanceof Error && 'kind' in error) return { kind: error.kind, message: error.message };
      throw error;
    }
    throw new Error('it was opened');
  };

  it('is refused unchanged, naming its tables, when no older dashboard wrote it', () => {
    const other = new Database(bench.path);
    other.exec('create table hosts (id text, hostname text); create table recipes (id)');
    other.close();
    const before = hashOf(bench.path);
    expect(failure()).toMatchObject({ kind: 'foreign', message: expect.stringContaining('hosts, recipes') as string });
    expect(hashOf(bench.path)).toBe(before);
    expect(copies('')).toEqual([]);
  });

  it('is refused unchanged when it is damaged', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), bench.path);
    const bytes = readFileSync(bench.path);
    bytes.fill(0xff, 20 * 4_096, 24 * 4_096);
    writeFileSync(bench.path, bytes);
    const before = hashOf(bench.path);
    expect(['damaged', 'adoption']).toContain(failure().kind);
    expect(hashOf(bench.path)).toBe(before);
    expect(readdirSync(bench.folder).filter((name) => name.includes('.adopt') || name.includes('.look-'))).toEqual([]);
  });

  it('is refused unchanged when another program writes to it meanwhile', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), bench.path);
    const meddle = () => {
      const old = new Database(bench.path);
      old.exec("update hosts set comment = 'still here' where id = 'csb0'");
      old.close();
    };
    expect(() =>
      openAdopting(bench.path, { log: bench.testLog.log, onStep: (step) => step === 'built' && meddle() }),
    ).toThrow(/still writes to it\. Stop that program/);
    const old = new Database(bench.path, { readonly: true });
    expect(old.prepare("select comment from hosts where id = 'csb0'").pluck().get()).toBe('still here');
    old.close();
    expect(
      storeOf(open())
        .load()
        .hosts.find(({ id }) => id === 'csb0')?.note,
    ).toMatch(/^still here\n/);
  });
});
