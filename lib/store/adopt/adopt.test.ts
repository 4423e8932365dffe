import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asc } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../sqlite/driver';
import { verifyChain } from '../sqlite/event-chain';
import { createFleetStore } from '../sqlite/fleet-store';
import { closeDatabase, lockDatabase, openDatabase, type Db } from '../sqlite/open-database';
import { events } from '../sqlite/schema';
import { makeTestFolder, makeTestLog } from '../sqlite/testing/database';
import { openAdopting } from './testing/open-adopting';
import type { AdoptionReport } from './adopt-report';
import { reportLines } from './adopt-report';

const SAMPLES = fileURLToPath(new URL('./fixtures/', import.meta.url));

let folder: string;
let path: string;
let remove: () => void;
let opened: Db[];
let reports: AdoptionReport[];
let testLog: ReturnType<typeof makeTestLog>;

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
  opened = [];
  reports = [];
  testLog = makeTestLog();
});
afterEach(() => {
  for (const db of opened) closeDatabase(db);
  remove();
});

function open(): Db {
  const db = openAdopting(path, { log: testLog.log, onAdopted: (report) => reports.push(report) });
  opened.push(db);
  return db;
}

function adoptSample(name: string): Db {
  copyFileSync(join(SAMPLES, name), path);
  return open();
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const loggedErrors = () => testLog.logged.filter((line) => line.includes('"level":"error"'));
const counts = () =>
  Object.fromEntries(
    reports[0]!.tables.map(({ table, before, kept, mended, setAside }) => [table, [before, kept, mended, setAside]]),
  );
const storeOf = (db: Db) => createFleetStore(db, testLog);
const column = (db: Db, query: string) => db.$client.prepare(query).pluck().all();
const copies = (end: string) => readdirSync(folder).filter((name) => name.includes('.backup-') && name.endsWith(end));

describe('the sample of version 1', () => {
  it('is adopted once, with every row accounted for and every host readable', () => {
    const store = storeOf(adoptSample('nixfleet-v1.db'));
    expect(counts()).toEqual({ hosts: [14, 11, 3, 0], command_log: [503, 501, 2, 0], sessions: [14, 0, 0, 14] });
    expect(reports[0]).toMatchObject({ lostCommands: 2, problemCount: 5 });
    const { hosts, commands, lastEnded } = store.load();
    expect(hosts).toHaveLength(14);
    expect(commands).toEqual([]);
    expect(lastEnded.length).toBeGreaterThan(5);
    expect(loggedErrors()).toEqual([]);

    closeDatabase(opened[0]!);
    expect(storeOf(open()).load().hosts).toHaveLength(14);
    expect(reports).toHaveLength(1);
  });

  it('keeps the facts of each host', () => {
    const db = adoptSample('nixfleet-v1.db');
    const host = (id: string) =>
      storeOf(db)
        .load()
        .hosts.find((each) => each.id === id)!;
    expect(host('csb0')).toMatchObject({
      name: 'csb0',
      type: 'nixos',
      location: 'cloud',
      deviceType: 'server',
      themeColor: '#e0af68',
      note: 'Pull successful\nCriticality: high',
      agentVersion: '0.4.0-e547f73',
      protocol: 1,
      osVersion: '25.11.20251210.3087743 (Xantusia)',
      generation: '9b62179273c8eb5bb682575ec87a171ac826a6fc',
      heartbeatIntervalS: 30,
      tests: { status: 'ok', message: '9/9 pass', generation: '', at: Date.UTC(2026, 10, 20, 12, 0, 0, 999) },
      metrics: { cpu: 50, ram: 79, swap: 0, load: 1.59 },
      metricsAt: Date.UTC(2026, 10, 22, 11, 59, 48),
      lastSeenAt: Date.UTC(2026, 10, 22, 11, 59, 35, 169),
    });
    expect(host('imac0').metrics?.load).toBe(1.52);
    expect(host('mba-mbp-work').note).toContain('„Pro“ 🚀 日本語 O\'Brien "x" <b>&amp;</b>\nzweite Zeile\t;');
    expect(host('planned-nas')).toMatchObject({ lastSeenAt: null, protocol: 0 });
    expect(host('hsb1').tests).toMatchObject({
      status: 'unknown',
      message: 'A test run was in progress: 3 of 9 tests.',
    });
    expect(column(db, "select import_note from hosts where id = 'old-box'")).toEqual([
      expect.stringContaining('"theme_color":"tomato"'),
    ]);
    expect(column(db, "select import_note from hosts where id = 'gpc0'")).toEqual([expect.stringContaining('RTX')]);
  });

  it('keeps the tokens of hosts, but no sessions', () => {
    const db = adoptSample('nixfleet-v1.db');
    const old = new Database(join(SAMPLES, 'nixfleet-v1.db'), { readonly: true });
    const before = old.prepare('select id, agent_token_hash from hosts where agent_token_hash is not null order by id');
    expect(
      db.$client
        .prepare("select host_id, token_hash from agent_tokens where scheme = 'v1-hmac' order by 1")
        .raw()
        .all(),
    ).toEqual(before.raw().all());
    old.close();
    expect(column(db, 'select count(*) from sessions')).toEqual([0]);
  });

  it('keeps the history with its output, and runs no command again', () => {
    const db = adoptSample('nixfleet-v1.db');
    const old = new Database(join(SAMPLES, 'nixfleet-v1.db'), { readonly: true });
    const outputs = old.prepare<[], [number, string]>(
      `select id, output from command_log where host_id in (select id from hosts) and output <> '' order by id`,
    );
    const id = db.$client.prepare<[string], string>('select id from commands where import_note like ?').pluck();
    const store = storeOf(db);
    let compared = 0;
    for (const [number, output] of outputs.raw().all()) {
      const lines = store.output(id.get(`%"id":${number}%}%`) ?? '', 0, 1_000);
      expect(lines.map(({ text }) => text).join('\n')).toBe(output.replace(/\n$/, ''));
      compared += 1;
    }
    old.close();
    expect(compared).toBeGreaterThan(300);
    expect(column(db, 'select count(*) from commands where outcome is null')).toEqual([0]);
    expect(
      column(db, "select operation from commands where import_note like '%pending_command%' order by operation"),
    ).toEqual(['pull-switch', 'switch']);
    expect(
      column(db, "select distinct import_note like '%pull-reset%' from commands where operation = 'pull'"),
    ).toEqual(expect.arrayContaining([0, 1]));
  });

  it('reports two hosts with one name, and which of them the agent connects as', () => {
    adoptSample('nixfleet-v1.db');
    expect(reports[0]!.sharedNames).toEqual([{ name: 'twin', ids: ['x'.repeat(63), 'twin'], claimed: 'twin' }]);
    expect(reportLines(reports[0]!).join('\n')).toContain('2 hosts are named twin');
  });
});

describe('the sample of the Go dashboard', () => {
  it('is adopted with every row accounted for, and its events in order before the adoption', () => {
    const db = adoptSample('nixfleet-go-3.1.5.db');
    expect(counts()).toEqual({
      hosts: [5, 3, 2, 0],
      command_logs: [0, 0, 0, 0],
      commands: [8, 8, 0, 0],
      pipelines: [1, 1, 0, 0],
      event_log: [25, 25, 0, 0],
      audit_log: [7, 7, 0, 0],
      reboot_attempts: [5, 5, 0, 0],
      metrics: [0, 0, 0, 0],
      sessions: [3, 0, 0, 3],
      state_version: [1, 0, 0, 1],
    });
    const chained = db.select().from(events).orderBy(asc(events.id)).all();
    expect(chained).toHaveLength(25 + 7 + 5 + 1 + 1);
    expect(verifyChain(chained)).toMatchObject({ kind: 'intact' });
    const times = chained.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(chained.at(-1)).toMatchObject({ action: 'database.adopted', category: 'system' });
    expect(loggedErrors()).toEqual([]);
  });

  it('keeps hosts, commands, reboots and the pipeline', () => {
    const db = adoptSample('nixfleet-go-3.1.5.db');
    const store = storeOf(db);
    const { hosts } = store.load();
    expect(hosts.map(({ id, protocol, generation }) => [id, protocol, generation])).toEqual(
      ['sim1', 'sim2', '../../evil', 'pp', 'stuck'].map((id) => [id, 2, 'aaaaaaa']),
    );
    expect(hosts[0]!.lock).toMatchObject({ status: 'outdated', generation: 'aaaaaaa' });
    expect(hosts[4]!.system).toBeNull();
    expect(store.command('20261122-172040.151-e68a')).toMatchObject({
      operation: 'pull',
      outcome: 'partial',
      exitCode: 0,
      reason: 'Lock status not ok after pull',
    });
    expect(store.command('20261122-172041.218-53f1')).toMatchObject({ operation: 'reboot', outcome: 'lost' });
    expect(column(db, "select message from events where action = 'reboot' order by id limit 2")).toEqual([
      'reboot of sim2: refused (invalid_totp).',
      'reboot of sim2: done (success).',
    ]);
    expect(db.$client.prepare('select kind, phase, outcome from pipelines').get()).toEqual({
      kind: 'do-all',
      phase: 'ended',
      outcome: 'cancelled',
    });
    expect(column(db, 'select host_id from pipeline_hosts')).toEqual(['pp']);
    // A session id is still valid after going back to the old dashboard.
    const all = readFileSync(path, 'latin1') + (existsSync(`${path}-wal`) ? readFileSync(`${path}-wal`, 'latin1') : '');
    expect(all).not.toContain('y84gKbOQ0qrqk8R');
  });
});

describe('the lock of the database', () => {
  const isHeld = () => {
    try {
      lockDatabase(path, testLog.log).lock.release();
      return false;
    } catch (error) {
      expect(error).toMatchObject({ kind: 'in-use' });
      return true;
    }
  };

  it('is held at every step of the adoption, and from there until the database is closed', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), path);
    const held: [string, boolean][] = [];
    const db = openAdopting(path, {
      log: testLog.log,
      onStep: (step) => held.push([step, isHeld()]),
      onAdopted: () => held.push(['adopted', isHeld()]),
    });
    opened.push(db);
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
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), path);
    const stop = () => {
      throw new Error('stopped by the test');
    };
    expect(() => openAdopting(path, { log: testLog.log, onStep: stop })).toThrow('stopped by the test');
    expect(isHeld()).toBe(false);
  });

  it('is released when an old database is opened without adopting it, which refuses it and changes nothing', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), path);
    const before = hashOf(path);
    expect(() => openDatabase(path, testLog)).toThrow(expect.objectContaining({ kind: 'foreign' }) as Error);
    expect([hashOf(path), isHeld()]).toEqual([before, false]);
  });
});

describe('log files of the Go dashboard', () => {
  it('stay in their folder, and the report says so', () => {
    const file = join(folder, 'logs', 'sim1', '2026-11-22T17-19-49-.log');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '# Host: sim1');
    adoptSample('nixfleet-go-3.1.5.db');
    expect(readFileSync(file, 'utf8')).toBe('# Host: sim1');
    expect(reportLines(reports[0]!).join('\n')).toContain('logs/: 1 log file stays in that folder');
  });
});

describe('the untouched copy', () => {
  it('is the old file, byte for byte, with a list that sha256sum reads', () => {
    for (const name of ['nixfleet-v1.db', 'nixfleet-go-3.1.5.db']) {
      adoptSample(name);
      const [copy = ''] = copies('.db');
      const before = hashOf(join(SAMPLES, name));
      expect(hashOf(join(folder, copy))).toBe(before);
      expect(readFileSync(join(folder, `${copy}.sha256`), 'utf8')).toBe(`${before}  ${copy}\n`);
      expect(reports.at(-1)?.backup).toBe(copy);
      expect((statSync(join(folder, copy)).mode & 0o777).toString(8)).toBe('600');
      closeDatabase(opened.pop()!);
      for (const file of readdirSync(folder)) rmSync(join(folder, file));
    }
  });

  it('includes the write-ahead log, whose rows are adopted', () => {
    const other = join(folder, 'other.db');
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), other);
    const old = new Database(other);
    old.pragma('journal_mode = WAL');
    old.exec("update hosts set comment = 'only in the log' where id = 'csb0'");
    for (const suffix of ['', '-wal', '-shm']) copyFileSync(other + suffix, path + suffix);
    old.close();
    // As a killed process leaves it: the index does not match the log.
    writeFileSync(`${path}-shm`, Buffer.alloc(32_768, 5));
    const before = ['', '-wal', '-shm'].map((suffix) => hashOf(path + suffix));
    const db = open();
    expect(column(db, "select comment from hosts where id = 'csb0'")).toEqual(['only in the log']);
    const [copy = ''] = copies('.db');
    expect(['', '-wal', '-shm'].map((suffix) => hashOf(join(folder, copy + suffix)))).toEqual(before);
  });

  it('includes the journal of an interrupted transaction, which is rolled back in the adopted database', () => {
    const other = join(folder, 'other.db');
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), other);
    const old = new Database(other);
    old.pragma('journal_mode = DELETE');
    old.pragma('cache_size = 2');
    old.exec("begin; update command_log set output = 'torn', status = 'torn'; update hosts set comment = 'torn'");
    for (const suffix of ['', '-journal']) copyFileSync(other + suffix, path + suffix);
    old.exec('rollback');
    old.close();
    expect(statSync(`${path}-journal`).size).toBeGreaterThan(4_096);
    const before = ['', '-journal'].map((suffix) => hashOf(path + suffix));
    expect(before[0]).not.toBe(hashOf(join(SAMPLES, 'nixfleet-v1.db')));
    const db = open();
    expect(column(db, "select count(*) from hosts where comment = 'torn'")).toEqual([0]);
    expect(column(db, "select count(*) from command_output where lines like '%torn%'")).toEqual([0]);
    expect(counts().command_log).toEqual([503, 501, 2, 0]);
    const [copy = ''] = copies('.db');
    expect(['', '-journal'].map((suffix) => hashOf(join(folder, copy + suffix)))).toEqual(before);
    expect(existsSync(`${path}-journal`)).toBe(false);
  });

  it('is not overwritten by a second adoption, and not made twice from the same bytes', () => {
    adoptSample('nixfleet-v1.db');
    closeDatabase(opened[0]!);
    adoptSample('nixfleet-v1.db');
    expect(copies('.db')).toHaveLength(1);
    closeDatabase(opened[1]!);
    adoptSample('nixfleet-go-3.1.5.db');
    expect(copies('.db')).toHaveLength(2);
  });
});

describe('going back', () => {
  it('to version 1 restores the old file, and the statements of version 1 work on it', () => {
    closeDatabase(adoptSample('nixfleet-v1.db'));
    // docs/adoption.md, "Going back".
    const [copy = ''] = copies('.db');
    rmSync(path);
    copyFileSync(join(folder, copy), path);
    expect(hashOf(path)).toBe(hashOf(join(SAMPLES, 'nixfleet-v1.db')));
    const old = new Database(path);
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
    const other = new Database(path);
    other.exec('create table hosts (id text, hostname text); create table recipes (id)');
    other.close();
    const before = hashOf(path);
    expect(failure()).toMatchObject({ kind: 'foreign', message: expect.stringContaining('hosts, recipes') as string });
    expect(hashOf(path)).toBe(before);
    expect(copies('')).toEqual([]);
  });

  it('is refused unchanged when it is damaged', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), path);
    const bytes = readFileSync(path);
    bytes.fill(0xff, 20 * 4_096, 24 * 4_096);
    writeFileSync(path, bytes);
    const before = hashOf(path);
    expect(['damaged', 'adoption']).toContain(failure().kind);
    expect(hashOf(path)).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes('.adopt') || name.includes('.look-'))).toEqual([]);
  });

  it('is refused unchanged when another program writes to it meanwhile', () => {
    copyFileSync(join(SAMPLES, 'nixfleet-v1.db'), path);
    const meddle = () => {
      const old = new Database(path);
      old.exec("update hosts set comment = 'still here' where id = 'csb0'");
      old.close();
    };
    expect(() => openAdopting(path, { log: testLog.log, onStep: (step) => step === 'built' && meddle() })).toThrow(
      /still writes to it\. Stop that program/,
    );
    const old = new Database(path, { readonly: true });
    expect(old.prepare("select comment from hosts where id = 'csb0'").pluck().get()).toBe('still here');
    old.close();
    expect(
      storeOf(open())
        .load()
        .hosts.find(({ id }) => id === 'csb0')?.note,
    ).toMatch(/^still here\n/);
  });
});
