/** A clock that is wrong for an hour deletes nothing; one that stays is believed. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { openTestDatabase, type TestDatabase } from '../sqlite/testing/database';
import { endedCommand, testEvent, testHost, testOutput } from '../sqlite/testing/sample-records';
import { openHere } from './open-here';
import { scheduleRetention } from './retention-schedule';
import type { StoreEngine } from './store-engine';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

let test: TestDatabase;
let engine: StoreEngine;
let clock: TestClock;
let notices: (string | null)[];
let stop: () => void;

beforeEach(async () => {
  test = openTestDatabase();
  engine = openHere(test.db, test);
  clock = new TestClock();
  notices = [];
  const at = clock.now() - DAY_MS;
  await engine.fleet.commit({
    hosts: [testHost('a')],
    commands: [endedCommand('old', 'a', at, { createdAt: at, lines: 3, outputSize: 100 })],
    output: [testOutput('old', 1, 3)],
    events: [testEvent('one', { at }), testEvent('two', { at })],
  });
  start();
});
afterEach(() => {
  stop();
  test.close();
});

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const advance = (ms: number) => clock.advanceSettled(ms, settle);
const count = (table: string) => test.db.$client.prepare(`select count(*) from ${table}`).pluck().get();
const history = () => ['commands', 'command_output', 'events'].map(count);

function start(): void {
  stop = scheduleRetention(engine.maintenance, {
    ...{ log: test.log, clock, settings: engine.settings, elapsed: () => clock.loop.now() },
    record: (event: NewEvent) => engine.fleet.commit({ events: [event] }),
    notify: (message) => notices.push(message),
  });
}

/** The clock of the machine moves, and the dashboard starts again. */
function restartAfter(ms: number): void {
  stop();
  clock.step(ms);
  start();
}

describe('a leap of the clock', () => {
  it('deletes nothing while the process runs, says so once, and is forgotten when the clock is right again', async () => {
    await advance(2 * MINUTE_MS);
    const before = history();
    clock.step(12 * YEAR_MS);
    await advance(3 * HOUR_MS);
    expect(history()).toEqual(before);
    const warnings = test.logged.filter((line) => line.includes('no old rows are deleted'));
    expect(warnings).toHaveLength(1);
    expect(notices.filter((message) => message !== null)).toEqual([
      expect.stringContaining(
        'The clock of this machine is at 2039-01-12, and the database was last used at 2027-01-15',
      ),
    ]);
    clock.step(-12 * YEAR_MS);
    await advance(HOUR_MS);
    expect(notices.at(-1)).toBeNull();
    expect(history()).toEqual(before);
  });

  it('deletes nothing at the first start with a database in which no time is known yet', async () => {
    const before = history();
    restartAfter(12 * YEAR_MS);
    await engine.fleet.commit({ events: [testEvent('of this start', { at: clock.now() })] });
    await advance(2 * HOUR_MS);
    expect(history()).toEqual([...before.slice(0, 2), 3]);
  });

  it('deletes nothing for a day, and then the clock is believed: a dashboard that was off for years recovers', async () => {
    await advance(2 * MINUTE_MS);
    const before = history();
    restartAfter(3 * YEAR_MS);
    await advance(12 * HOUR_MS);
    expect(history()).toEqual(before);
    // A restart on the way does not begin the day anew.
    restartAfter(MINUTE_MS);
    await advance(11 * HOUR_MS);
    expect(history()).toEqual(before);
    await advance(3 * HOUR_MS);
    expect(history().slice(0, 2)).toEqual([0, 0]);
    expect(notices.at(-1)).toBeNull();
  });

  it('that goes on leaping is not believed', async () => {
    await advance(2 * MINUTE_MS);
    const before = history();
    for (let round = 0; round < 30; round += 1) {
      clock.step(2 * YEAR_MS);
      await advance(2 * HOUR_MS);
    }
    expect(history()).toEqual(before);
  });
});

it('time that passes is no leap, also without a run in between', async () => {
  await advance(2 * MINUTE_MS);
  restartAfter(29 * DAY_MS);
  await advance(2 * MINUTE_MS);
  restartAfter(29 * DAY_MS);
  await advance(2 * MINUTE_MS);
  expect(count('command_output')).toBe(0);
  expect(notices.filter((message) => message !== null)).toEqual([]);
});
