import { setImmediate as nextTask } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditEvents, EVENTS_CUT } from '../sqlite/audit';
import { DEFAULT_RETENTION } from '../sqlite/retention';
import { openTestDatabase, type TestDatabase } from '../sqlite/testing/database';
import { endedCommand, testEvent, testEventOf, testHost, testOutput } from '../sqlite/testing/sample-records';
import { openHere } from './open-here';
import { scheduleRetention } from './retention-schedule';
import type { StoreEngine } from './store-engine';
import { openTestEngine } from './testing/engines';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const daysAgo = (days: number) => NOW - days * DAY_MS;
const eventsOf = (count: number, days: number) =>
  Array.from({ length: count }, (_, index) => testEvent(`event ${index}`, { at: daysAgo(days) + index }));

let test: TestDatabase;
let engine: StoreEngine;
let timers: { ms: number; callback: () => void }[];

beforeEach(async () => {
  test = openTestDatabase();
  engine = openHere(test.db, test);
  timers = [];
  await engine.fleet.commit({ hosts: [testHost('a')] });
  // The clock did not leap.
  await engine.settings.set('retention.clock', { known: NOW, leap: null }, NOW);
});
afterEach(() => test.close());

const clock = {
  now: () => NOW,
  after(ms: number, callback: () => void) {
    const timer = { ms, callback };
    timers.push(timer);
    return () => void timers.splice(timers.indexOf(timer), 1);
  },
};
/** Runs the next timer and everything it causes; the stores of this thread answer within the same task. */
async function tick(): Promise<number | undefined> {
  const timer = timers.shift();
  timer?.callback();
  await nextTask();
  return timer?.ms;
}
const column = (query: string) => test.db.$client.prepare(query).pluck().all();
const record = (event: NewEvent): Promise<unknown> => engine.fleet.commit({ events: [event] });
const start = (recordEvent: (event: NewEvent) => unknown = record) =>
  scheduleRetention(engine.maintenance, {
    ...{ log: test.log, record: recordEvent, clock, settings: engine.settings },
    elapsed: () => 0,
    notify: () => undefined,
  });

describe('retention', () => {
  it('runs one step after another with a pause between them, continues after a failure, and stops on request', async () => {
    await engine.fleet.commit({
      commands: [endedCommand('old', 'a', daysAgo(31), { lines: 3, outputSize: 100 })],
      output: [testOutput('old', 1, 3)],
    });
    const stop = start();
    test.db.$client.pragma('query_only = ON');
    expect(await tick()).toBe(60_000);
    expect(test.logged.join('')).toContain('old rows could not be deleted');
    test.db.$client.pragma('query_only = OFF');
    expect(await tick()).toBe(3_600_000);
    expect(column('select count(*) from command_output')).toEqual([0]);
    expect(timers.map(({ ms }) => ms)).toEqual([50]);
    await tick();
    expect(timers.map(({ ms }) => ms)).toEqual([3_600_000]);
    expect(test.logged.join('')).toContain('"deleted":{"command_output":1}');
    stop();
    expect(timers).toEqual([]);
  });

  it('does not continue when it is stopped during a step', async () => {
    const stop = start();
    timers.shift()?.callback();
    stop();
    await nextTask();
    expect(timers).toEqual([]);
  });

  it('deletes old events only after the event that anchors the rest was stored', async () => {
    await engine.fleet.commit({ events: [...eventsOf(5, 401), ...eventsOf(3, 399)] });
    const idsWhenRecorded: unknown[][] = [];
    start(async (event) => {
      await nextTask();
      idsWhenRecorded.push(column('select id from events order by id'));
      await record(event);
    });
    await tick();
    while (timers[0]?.ms !== 3_600_000) await tick();
    expect(idsWhenRecorded).toEqual([[1, 2, 3, 4, 5, 6, 7, 8]]);
    expect(column('select id from events order by id')).toEqual([6, 7, 8, 9]);
    expect(column('select action from events where id = 9')).toEqual([EVENTS_CUT]);
    expect(auditEvents(test.db.$client)).toMatchObject({ rows: 4, chains: { main: { cutUpTo: 5 } }, problems: [] });
  });

  it('deletes no event when its anchor could not be stored, and tries again an hour later', async () => {
    await engine.fleet.commit({ events: [...eventsOf(5, 401), ...eventsOf(3, 399)] });
    const offered: NewEvent[] = [];
    start((event) => void offered.push(event));
    await tick();
    expect(offered).toHaveLength(1);
    expect(column('select count(*) from events')).toEqual([8]);
    expect(await tick()).toBe(3_600_000);
    expect(offered).toHaveLength(2);
  });

  it('deletes old events of both chains in one run, each after its anchor', async () => {
    const ofAgents = (days: number) => testEventOf('agent', 'x', { at: daysAgo(days) });
    await engine.fleet.commit({
      events: [...eventsOf(5, 401), ofAgents(401), ofAgents(401), ofAgents(1), ...eventsOf(1, 1)],
    });
    start();
    await tick();
    while (timers[0]?.ms !== 3_600_000) await tick();
    expect(column('select id from events order by id')).toEqual([8, 9, 10, 11]);
    expect(auditEvents(test.db.$client)).toMatchObject({
      chains: { main: { cutUpTo: 5 }, peers: { cutUpTo: 7 } },
      problems: [],
    });
  });

  it('logs the newest link of a chain only when it has changed', async () => {
    const heads = () => test.logged.flatMap((line) => /"head":"(\w+:\d+):/.exec(line)?.[1] ?? []);
    await engine.fleet.commit({ events: [testEventOf('agent', 'x', { at: NOW }), ...eventsOf(1, 1)] });
    start();
    await tick();
    expect(heads()).toEqual(['main:2', 'peers:1']);
    await engine.fleet.commit({ events: [testEventOf('agent', 'x', { at: NOW })] });
    await tick();
    expect(heads()).toEqual(['main:2', 'peers:1', 'peers:3']);
  });

  it('logs each newest link once', async () => {
    await engine.fleet.commit({ events: eventsOf(3, 1) });
    start();
    await tick();
    await tick();
    const { head } = auditEvents(test.db.$client).chains.main;
    expect(test.logged.filter((line) => line.includes(`main:${head?.id ?? 0}:${head?.hash ?? ''}`))).toHaveLength(1);
  });
});

it('steps of retention run in the thread of the database', async () => {
  const opened = await openTestEngine();
  const inThread = opened.engine;
  try {
    await inThread.fleet.commit({ hosts: [testHost('a')], events: [...eventsOf(3_000, 401), ...eventsOf(1, 1)] });
    await inThread.maintenance.beginRetention(DEFAULT_RETENTION, NOW);
    const wanted = await inThread.maintenance.retentionStep();
    if (wanted.kind !== 'record') throw new Error(`The step answered ${wanted.kind}.`);
    await inThread.fleet.commit({ events: wanted.events });
    await inThread.maintenance.beginRetention(DEFAULT_RETENTION, NOW);
    const steps = [];
    for (let step = await inThread.maintenance.retentionStep(); step.kind === 'deleted';) {
      steps.push(step.step);
      step = await inThread.maintenance.retentionStep();
    }
    expect(steps).toEqual([
      { table: 'events', rows: 2_000 },
      { table: 'events', rows: 1_000 },
    ]);
    expect(await inThread.maintenance.newestEvents()).toMatchObject([{ chain: 'main', id: 3_002 }]);
    expect(await inThread.maintenance.retentionStep()).toEqual({ kind: 'finished' });
  } finally {
    await opened.close();
  }
});
