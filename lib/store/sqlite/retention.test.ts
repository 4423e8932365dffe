import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAdoption } from './adoption-record';
import { auditEvents, EVENTS_CUT } from './audit';
import { createFleetStore } from './fleet-store';
import { DEFAULT_RETENTION, retentionSteps, type RetentionLimits } from './retention';
import { openTestDatabase, type TestDatabase } from './testing/database';
import {
  endedCommand,
  testCommand,
  testEvent,
  testHost,
  testOutput,
  testPipeline,
  testPipelineHost,
} from './testing/sample-records';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Direct } from './later';
import type { FleetStore } from '@/lib/fleet/records/store-port';

const ENDED = { phase: 'ended', outcome: 'partial' } as const;
const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const daysAgo = (days: number) => NOW - days * DAY_MS;

let test: TestDatabase;
let store: Direct<FleetStore>;

beforeEach(() => {
  test = openTestDatabase();
  store = createFleetStore(test.db, test);
  store.commit({ hosts: [testHost('a'), testHost('b')] });
});
afterEach(() => test.close());

const record = (event: NewEvent) => void store.commit({ events: [event] });
const run = (limits: Partial<RetentionLimits> = {}, now = NOW) => [
  ...retentionSteps(test.db, { ...DEFAULT_RETENTION, ...limits }, now, record),
];
const column = (query: string) => test.db.$client.prepare(query).pluck().all();
const ended = (id: string, days: number, outputSize = 100) =>
  endedCommand(id, 'a', daysAgo(days), { createdAt: daysAgo(days) - 1, lines: 3, outputSize });

describe('retention', () => {
  it('deletes old output, then old commands, and keeps commands that have not ended', () => {
    store.commit({
      commands: [
        ended('ancient', 181),
        ended('old', 31),
        ended('young', 29),
        testCommand('open', 'a', { createdAt: daysAgo(400), lines: 3, outputSize: 100 }),
      ],
      output: ['ancient', 'old', 'young', 'open'].map((id) => testOutput(id, 1, 3)),
      events: [testEvent('young', { at: daysAgo(399) })],
    });
    run();
    expect(column('select id from commands order by id')).toEqual(['old', 'open', 'young']);
    expect(column('select command_id from command_output order by 1')).toEqual(['open', 'young']);
    expect(store.command('old')).toMatchObject({ lines: 3, outputSize: 0 });
    expect(column('select count(*) from events')).toEqual([1]);
    expect(run()).toEqual([]);
  });

  it('counts the age of an adopted history from the adoption', () => {
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

  it('deletes pipelines with their hosts at the same age as commands', () => {
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

  it('deletes the oldest output first when the total exceeds its limit', () => {
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
      // The size is 0 although there is output: the output is deleted with its command.
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
});

describe('retention of events', () => {
  const eventsOf = (count: number, days: number) =>
    Array.from({ length: count }, (_, index) => testEvent(`event ${index}`, { at: daysAgo(days) + index }));
  const verified = () => auditEvents(test.db.$client);

  it('removes events that are too old, and leaves an anchor with which the rest verifies', () => {
    store.commit({ events: [...eventsOf(5, 401), ...eventsOf(3, 399)] });
    run();
    expect(column('select id from events order by id')).toEqual([6, 7, 8, 9]);
    expect(column('select action from events where id = 9')).toEqual([EVENTS_CUT]);
    expect(verified()).toMatchObject({
      rows: 4,
      chains: { main: { cutUpTo: 5, first: { id: 6 }, head: { id: 9 } } },
      problems: [],
    });
    // Removing more than that is detected.
    test.db.$client.exec('delete from events where id = 6');
    expect(verified().problems).toEqual(['The oldest events are missing: 6 to 6 were not removed by retention.']);
  });

  it('removes events beyond the limit once a day, in steps of at most 2,000', () => {
    store.commit({ events: eventsOf(7_000, 1) });
    const steps = run({ eventRows: 1_500 });
    expect(steps.map(({ rows }) => rows)).toEqual([2_000, 2_000, 1_500]);
    expect(verified()).toMatchObject({ rows: 1_501, chains: { main: { cutUpTo: 5_500 } }, problems: [] });
    store.commit({ events: eventsOf(500, 0) });
    expect(run({ eventRows: 1_500 }, NOW + DAY_MS - 1)).toEqual([]);
    expect(run({ eventRows: 1_500 }, NOW + DAY_MS)).toEqual([{ table: 'events', rows: 501 }]);
    expect(verified().problems).toEqual([]);
  });

  it('leaves a chain that verifies when interrupted, and continues later', () => {
    store.commit({ events: [...eventsOf(5_000, 401), ...eventsOf(10, 1)] });
    const steps = retentionSteps(test.db, DEFAULT_RETENTION, NOW, record);
    steps.next();
    expect(verified()).toMatchObject({ rows: 3_011, problems: [] });
    expect(run().reduce((sum, { rows }) => sum + rows, 0)).toBe(3_000);
    expect(verified()).toMatchObject({ rows: 11, chains: { main: { cutUpTo: 5_000 } }, problems: [] });
    // One anchor: the interrupted removal was completed, not started again.
    expect(column(`select count(*) from events where action = '${EVENTS_CUT}'`)).toEqual([1]);
  });

  it('detects a change before the anchor while those rows still exist', () => {
    store.commit({ events: [...eventsOf(5_000, 401), ...eventsOf(10, 1)] });
    retentionSteps(test.db, DEFAULT_RETENTION, NOW, record).next();
    test.db.$client.exec("update events set data = '{}' where id = 4500");
    expect(verified().problems).toEqual(['Event 4500 was changed after it was written.']);
  });

  it('removes nothing when the anchor could not be stored', () => {
    store.commit({ events: [...eventsOf(5, 401), ...eventsOf(3, 1)] });
    expect([...retentionSteps(test.db, DEFAULT_RETENTION, NOW, () => undefined)]).toEqual([]);
    expect(verified()).toMatchObject({ rows: 8, problems: [] });
  });

  it('never removes the newest event, and does nothing without events', () => {
    run();
    store.commit({ events: eventsOf(1, 500) });
    expect(run()).toEqual([]);
  });
});
