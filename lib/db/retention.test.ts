import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FleetStore } from '@/lib/fleet/ports';
import { writeAdoption } from './adopt/adopted';
import { createFleetStore } from './fleet-store';
import { DEFAULT_RETENTION, retentionSteps, startRetention, type RetentionLimits } from './retention';
import { openTestDatabase, type TestDatabase } from './testing/database';
import {
  endedCommand,
  testCommand,
  testEvent,
  testHost,
  testOutput,
  testPipeline,
  testPipelineHost,
} from './testing/records';

const ENDED = { phase: 'ended', outcome: 'partial' } as const;
const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const daysAgo = (days: number) => NOW - days * DAY_MS;

let test: TestDatabase;
let store: FleetStore;

beforeEach(() => {
  test = openTestDatabase();
  store = createFleetStore(test.db, test);
  store.commit({ hosts: [testHost('a'), testHost('b')] });
});
afterEach(() => test.close());

const run = (limits: Partial<RetentionLimits> = {}) => [
  ...retentionSteps(test.db, { ...DEFAULT_RETENTION, ...limits }, NOW),
];
const column = (query: string) => test.db.$client.prepare(query).pluck().all();
const ended = (id: string, days: number, outputSize = 100) =>
  endedCommand(id, 'a', daysAgo(days), { createdAt: daysAgo(days) - 1, lines: 3, outputSize });

describe('retention', () => {
  it('deletes output, then commands, of what ended long ago; what has not ended stays', () => {
    store.commit({
      commands: [
        ended('ancient', 181),
        ended('old', 31),
        ended('young', 29),
        testCommand('open', 'a', { createdAt: daysAgo(400), lines: 3, outputSize: 100 }),
      ],
      output: ['ancient', 'old', 'young', 'open'].map((id) => testOutput(id, 1, 3)),
      events: [testEvent('ancient', { at: daysAgo(2_000) })],
    });
    run();
    expect(column('select id from commands order by id')).toEqual(['old', 'open', 'young']);
    expect(column('select command_id from command_output order by 1')).toEqual(['open', 'young']);
    expect(store.command('old')).toMatchObject({ lines: 3, outputSize: 0 });
    expect(column('select count(*) from events')).toEqual([1]);
    expect(run()).toEqual([]);
  });

  it('counts the age of an adopted history from its adoption', () => {
    store.commit({ commands: [ended('ancient', 900)], output: [testOutput('ancient', 1, 3)] });
    const adoptedDaysAgo = (days: number) => {
      test.db.$client.exec('delete from settings');
      writeAdoption(test.db.$client, { at: daysAgo(days), backup: 'copy.db', hashes: {} });
    };
    adoptedDaysAgo(29);
    expect(run()).toEqual([]);
    adoptedDaysAgo(31);
    run();
    expect(store.command('ancient')).toMatchObject({ outputSize: 0 });
    adoptedDaysAgo(181);
    run();
    expect(store.command('ancient')).toBeNull();
  });

  it('deletes pipelines that ended as long ago as commands may, with their hosts', () => {
    const at = (id: string, endedAt: number | null) =>
      testPipeline(id, { createdAt: daysAgo(400), endedAt, ...(endedAt === null ? {} : ENDED) });
    store.commit({
      pipelines: [at('ancient', daysAgo(181)), at('young', daysAgo(179)), at('open', null)],
      pipelineHosts: ['ancient', 'young', 'open'].flatMap((id) => [
        testPipelineHost(id, 'a'),
        testPipelineHost(id, 'b', { position: 1 }),
      ]),
    });
    expect(run()).toEqual([
      { table: 'pipeline_hosts', rows: 2 },
      { table: 'pipelines', rows: 1 },
    ]);
    expect(column('select id from pipelines order by id')).toEqual(['open', 'young']);
    expect(column('select count(*) from pipeline_hosts')).toEqual([4]);
  });

  it('deletes the oldest output first where there is too much of it', () => {
    const ids = ['one', 'two', 'three', 'four'];
    store.commit({
      commands: ids.map((id, index) => ended(id, 10 - index, 1_000)),
      output: ids.map((id) => testOutput(id, 1, 3)),
    });
    // Each counts 1,000 characters and 3 lines of 30 bytes.
    run({ outputBytes: 2 * 1_090 });
    expect(column('select command_id from command_output order by 1')).toEqual(['four', 'three']);
    expect(column('select count(*) from commands')).toEqual([4]);
  });

  it('deletes old metrics and sessions', () => {
    const metrics = { cpu: 1, ram: 1, swap: 1, load: 1 };
    store.commit({
      metrics: ['a', 'b'].flatMap((hostId) => [91, 89].map((days) => ({ hostId, at: daysAgo(days), metrics }))),
    });
    const client = test.db.$client;
    client.prepare("insert into users (id, name, created_at, updated_at) values ('u', 'u', 0, 0)").run();
    const session = client.prepare(
      `insert into sessions (id_hash, user_id, created_at, last_seen_at, expires_at, proven_at, address, user_agent)
       values (?, 'u', 0, 0, ?, 0, '', '')`,
    );
    session.run('expired', daysAgo(31));
    session.run('recent', daysAgo(29));
    run();
    expect(column('select at from metric_samples')).toEqual([daysAgo(89), daysAgo(89)]);
    expect(column('select id_hash from sessions')).toEqual(['recent']);
  });

  it('never deletes more than 2,000 rows in a step', () => {
    const insertOutput = test.db.$client.prepare(
      'insert into command_output (command_id, first_seq, last_seq, lines) values (?, ?, ?, \'[[1,"stdout",""]]\')',
    );
    const commands = [
      // The size is 0 although there is output: it goes with its command.
      ...Array.from({ length: 2_500 }, (_, index) => ended(`bulk-${index}`, 200, 0)),
      ended('long', 200),
    ];
    store.commit({
      commands,
      metrics: Array.from({ length: 4_500 }, (_, at) => ({
        hostId: 'b',
        at,
        metrics: { cpu: 1, ram: 1, swap: 1, load: 1 },
      })),
    });
    test.db.$client.transaction(() => {
      for (let seq = 1; seq <= 5_000; seq += 1) {
        insertOutput.run('long', seq, seq);
        insertOutput.run('bulk-7', seq, seq);
      }
    })();
    const steps = run();
    expect(Math.max(...steps.map(({ rows }) => rows))).toBeLessThanOrEqual(2_000);
    const sum = (table: string) =>
      steps.filter((step) => step.table === table).reduce((total, { rows }) => total + rows, 0);
    expect(['command_output', 'commands', 'metric_samples'].map(sum)).toEqual([10_000, 2_501, 4_500]);
  });

  it('leaves the event loop between steps, goes on after a failure, and stops when told', () => {
    const timers: { ms: number; callback: () => void }[] = [];
    const clock = {
      now: () => NOW,
      after(ms: number, callback: () => void) {
        const timer = { ms, callback };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    };
    const tick = () => {
      const timer = timers.shift();
      timer?.callback();
      return timer?.ms;
    };
    store.commit({ commands: [ended('old', 31)], output: [testOutput('old', 1, 3)] });
    const stop = startRetention(test.db, { log: test.log, clock });

    test.db.$client.pragma('query_only = ON');
    expect(tick()).toBe(60_000);
    expect(test.logged.join('')).toContain('old rows could not be deleted');
    test.db.$client.pragma('query_only = OFF');
    expect(tick()).toBe(3_600_000);
    expect(column('select count(*) from command_output')).toEqual([0]);
    expect(timers.map(({ ms }) => ms)).toEqual([50]);
    tick();
    expect(timers.map(({ ms }) => ms)).toEqual([3_600_000]);
    stop();
    expect(timers).toEqual([]);
  });
});
