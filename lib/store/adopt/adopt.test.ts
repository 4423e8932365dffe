import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asc } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { Database } from '../sqlite/driver';
import { verifyChain } from '../sqlite/event-chain';
import { closeDatabase } from '../sqlite/open-database';
import { events } from '../sqlite/schema';
import { reportLines } from './adopt-report';
import { column, SAMPLES, useAdoptBench } from './testing/adopt-bench';

const bench = useAdoptBench();
const { adoptSample, counts, open, storeOf } = bench;
const loggedErrors = () => bench.testLog.logged.filter((line) => line.includes('"level":"error"'));

describe('the sample of version 1', () => {
  it('is adopted once, with every row accounted for and every host readable', () => {
    const store = storeOf(adoptSample('nixfleet-v1.db'));
    expect(counts()).toEqual({ hosts: [14, 11, 3, 0], command_log: [503, 501, 2, 0], sessions: [14, 0, 0, 14] });
    expect(bench.reports[0]).toMatchObject({ lostCommands: 2, problemCount: 5 });
    const { hosts, commands, lastEnded } = store.load();
    expect(hosts).toHaveLength(14);
    expect(commands).toEqual([]);
    expect(lastEnded.length).toBeGreaterThan(5);
    expect(loggedErrors()).toEqual([]);

    closeDatabase(bench.opened[0]!);
    expect(storeOf(open()).load().hosts).toHaveLength(14);
    expect(bench.reports).toHaveLength(1);
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
    expect(bench.reports[0]!.sharedNames).toEqual([{ name: 'twin', ids: ['x'.repeat(63), 'twin'], claimed: 'twin' }]);
    expect(reportLines(bench.reports[0]!).join('\n')).toContain('2 hosts are named twin');
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
    const all =
      readFileSync(bench.path, 'latin1') +
      (existsSync(`${bench.path}-wal`) ? readFileSync(`${bench.path}-wal`, 'latin1') : '');
    expect(all).not.toContain('y84gKbOQ0qrqk8R');
  });
});

describe('log files of the Go dashboard', () => {
  it('stay in their folder, and the report says so', () => {
    const file = join(bench.folder, 'logs', 'sim1', '2026-11-22T17-19-49-.log');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '# Host: sim1');
    adoptSample('nixfleet-go-3.1.5.db');
    expect(readFileSync(file, 'utf8')).toBe('# Host: sim1');
    expect(reportLines(bench.reports[0]!).join('\n')).toContain('logs/: 1 log file stays in that folder');
  });
});
