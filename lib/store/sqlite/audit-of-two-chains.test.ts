/** Events of agents and visitors have a separate chain with a separate bound. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BY_DASHBOARD, NOBODY } from '@/lib/fleet/events';
import type { EventChain } from '@/lib/fleet/events/event-kind';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import { auditEvents, DATABASE_RESTORED, EVENTS_CUT, type Witness } from './audit';
import { createFleetStore } from './fleet-store';
import type { Direct } from './later';
import { DEFAULT_RETENTION, retentionSteps, type RetentionLimits } from './retention';
import { openTestDatabase, type TestDatabase } from './testing/database';
import { testEvent, testEventOf } from './testing/sample-records';

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const LIMIT = 40;

let test: TestDatabase;
let store: Direct<FleetStore>;
beforeEach(() => {
  test = openTestDatabase();
  store = createFleetStore(test.db, test);
});
afterEach(() => test.close());

const of = (chain: EventChain, text: string, at = NOW): NewEvent =>
  chain === 'main' ? testEvent(text, { at }) : testEventOf('agent', text, { at });
/** `m` and `p` stand for an event of each chain. */
const add = (pattern: string, at = NOW) =>
  store.commit({
    events: Array.from(pattern, (letter, index) => of(letter === 'm' ? 'main' : 'peers', String(index), at)),
  });
const record = (event: NewEvent) => void store.commit({ events: [event] });
const steps = (limits: Partial<RetentionLimits> = {}, now = NOW) =>
  retentionSteps(test.db, { ...DEFAULT_RETENTION, eventRows: LIMIT, ...limits }, now, record);
const audit = (witnesses: readonly Witness[] = []) => auditEvents(test.db.$client, witnesses);
const problems = (witnesses: readonly Witness[] = []) => audit(witnesses).problems;
const exec = (sql: string) => test.db.$client.exec(sql);
const column = (query: string) => test.db.$client.prepare<[]>(query).pluck().all();
const headOf = (chain: EventChain, at: number | null = null): Witness => {
  const head = audit().chains[chain].head ?? expect.fail(`${chain} has no events`);
  return { source: '--head', at, chain, ...head };
};

describe('two chains', () => {
  it('share one sequence of ids, and each is intact', () => {
    add('mppmpm');
    expect(column('select chain from events order by id')).toEqual([
      ...['main', 'peers', 'peers', 'main', 'peers', 'main'],
    ]);
    expect(column('select encoding from events order by id')).toEqual([2, 3, 3, 2, 3, 2]);
    expect(audit()).toMatchObject({
      rows: 6,
      chains: { main: { rows: 3, first: { id: 1 }, head: { id: 6 } }, peers: { rows: 3, first: { id: 2 } } },
      problems: [],
    });
    expect(store.eventsAfter(0, 10).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each([
    [
      'an edited event of main',
      "update events set actor = 'x' where id = 4",
      ['Event 4 was changed after it was written.'],
    ],
    [
      'an edited event of peers',
      "update events set actor = 'x' where id = 3",
      ['Event 3 was changed after it was written.'],
    ],
    ['a missing event of main', 'delete from events where id = 4', ['Event 4 is missing.']],
    ['a missing event of peers', 'delete from events where id = 3', ['Event 3 is missing.']],
    [
      'missing oldest events',
      'delete from events where id <= 2',
      ['The oldest events are missing: 1 to 2 were not removed by retention.'],
    ],
    [
      'the missing newest event of main',
      'delete from events where id = 6',
      ['The newest events are missing: 6 were written, but the last one is 5.'],
    ],
    ['the missing newest event of peers', 'delete from events where id = 5', ['Event 5 is missing.']],
    [
      'all events of peers missing',
      "delete from events where chain = 'peers'",
      ['Event 2 is missing.', 'Event 5 is missing.'],
    ],
  ])('reveal %s', (_what, sql, expected) => {
    add('mppmpm');
    exec(sql);
    expect(problems()).toEqual(expected);
  });

  it.each([
    ['from main to peers', "update events set chain = 'peers' where id = 4"],
    ['from main to peers with another encoding', "update events set chain = 'peers', encoding = 3 where id = 4"],
    ['from peers to main', "update events set chain = 'main' where id = 5"],
    ['from peers to main with another encoding', "update events set chain = 'main', encoding = 2 where id = 5"],
    ['to an unknown chain', "update events set chain = 'others' where id = 5"],
  ])('reveal a row moved %s', (_how, sql) => {
    add('mppmpm');
    exec(sql);
    const id = sql.includes('id = 4') ? 4 : 5;
    expect(problems()).toEqual([`Event ${id} was changed after it was written.`]);
  });

  it('reject a row whose previous hash is that of the other chain', () => {
    add('mp');
    exec('update events set prev_hash = (select hash from events where id = 1) where id = 2');
    expect(problems()).toEqual(['Event 2 was changed after it was written.']);
  });
});

describe('noted heads', () => {
  it('are checked against the chain that they name', () => {
    add('mpmp');
    const noted = [headOf('main'), headOf('peers')];
    add('ppmm');
    expect(audit(noted)).toMatchObject({ agreed: 2, problems: [] });
    const other = noted.map((head): Witness => ({ ...head, chain: head.chain === 'main' ? 'peers' : 'main' }));
    expect(problems(other)).toHaveLength(2);
  });

  it.each(['main', 'peers'] as const)(
    'reveal that the newest events of %s are missing, even when the id counter was reset',
    (chain) => {
      add('mmpp');
      add(chain === 'main' ? 'm' : 'p');
      const head = headOf(chain);
      exec("delete from events where id = 5; update sqlite_sequence set seq = 4 where name = 'events'");
      expect(problems()).toEqual([]);
      expect(problems([head])).toEqual([
        `The newest events are missing: --head names event 5, but the last one is ${chain === 'main' ? 2 : 4}.`,
      ]);
    },
  );

  it('are ignored for a history that a restore replaced, in both chains', () => {
    add('mp');
    const replaced = [headOf('main', 15), headOf('peers', 15)].map((head) => ({ ...head, hash: 'f'.repeat(64) }));
    expect(problems(replaced)).toHaveLength(2);
    record({ ...NOBODY, ...BY_DASHBOARD, at: 20, action: DATABASE_RESTORED, params: { takenAt: 10, restoredAt: 20 } });
    expect(problems(replaced)).toEqual([]);
  });
});

describe('retention of two chains', () => {
  it('by count deletes nothing of main, however many events agents cause', () => {
    const flood = 'p'.repeat(500);
    add('m'.repeat(35), NOW - 3 * DAY_MS);
    for (let day = 2; day >= 0; day -= 1) {
      add(flood, NOW - day * DAY_MS);
      const before = column("select count(*) from events where chain = 'peers'");
      Array.from(steps({}, NOW - day * DAY_MS));
      expect(before).not.toEqual(column("select count(*) from events where chain = 'peers'"));
      expect(problems()).toEqual([]);
    }
    expect(column("select count(*) from events where chain = 'peers'")).toEqual([LIMIT / 4]);
    expect(column('select count(*) from events where id <= 35')).toEqual([35]);
    expect(audit().chains).toMatchObject({ main: { cutUpTo: null, first: { id: 1 } }, peers: { cutUpTo: 1_527 } });
  });

  it('by count deletes nothing of peers when operators cause many events', () => {
    add('ppp');
    add('m'.repeat(100));
    Array.from(steps());
    expect(audit()).toMatchObject({
      chains: { main: { cutUpTo: 63, rows: LIMIT + 1 }, peers: { cutUpTo: null, rows: 3 } },
      problems: [],
    });
  });

  it('stores an anchor for each chain in the chain main, and deletes from both', () => {
    add('mp'.repeat(50), NOW - 401 * DAY_MS);
    add('mp');
    Array.from(steps());
    expect(column(`select data ->> '$.chain' from events where action = '${EVENTS_CUT}' order by id`)).toEqual([
      null,
      'peers',
    ]);
    expect(column(`select distinct chain from events where action = '${EVENTS_CUT}'`)).toEqual(['main']);
    expect(column('select id from events order by id')).toEqual([101, 102, 103, 104]);
    expect(problems()).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'leaves both chains intact at a crash after step %i, and the next pass completes it',
    (count) => {
      // Two and a half steps for each chain.
      for (let batch = 0; batch < 5; batch += 1) add('mp'.repeat(1_000), NOW - 401 * DAY_MS + batch);
      add('mpmp');
      const pass = steps();
      for (let step = 0; step < count; step += 1) pass.next();
      expect(problems()).toEqual([]);
      Array.from(steps());
      expect(column('select id from events order by id')).toEqual([10_001, 10_002, 10_003, 10_004, 10_005, 10_006]);
      expect(audit().chains).toMatchObject({ main: { cutUpTo: 9_999 }, peers: { cutUpTo: 10_000 } });
      expect(problems()).toEqual([]);
      expect(column(`select count(*) from events where action = '${EVENTS_CUT}'`)).toEqual([2]);
    },
  );

  /** Main has 1 to 4, 97 and 98 and the anchor 99; peers has its newest ten of 5 to 96. */
  const cutPeers = () => {
    add(`mmmm${'p'.repeat(92)}mm`);
    Array.from(steps());
    expect(column("select id from events where chain = 'main'")).toEqual([1, 2, 3, 4, 97, 98, 99]);
    expect(column("select min(id) from events where chain = 'peers'")).toEqual([87]);
    expect(problems()).toEqual([]);
  };
  it.each([
    [
      'an event of main among the ids that peers was cut up to',
      'delete from events where id = 3',
      'Event 4 does not follow the event before it.',
    ],
    [
      'the newest event of main among those ids',
      'delete from events where id = 4',
      'Event 97 does not follow the event before it.',
    ],
    [
      'the oldest of main',
      'delete from events where id <= 2',
      'The oldest events are missing: 1 to 2 were not removed by retention.',
    ],
    ['the oldest of peers', 'delete from events where id = 87', 'Event 87 is missing.'],
    ['all of peers', "delete from events where chain = 'peers'", 'Event 87 is missing.'],
    [
      'the anchor',
      'delete from events where id = 99',
      'The newest events are missing: 99 were written, but the last one is 98.',
    ],
  ])('reveals missing events: %s', (_what, sql, expected) => {
    cutPeers();
    exec(sql);
    expect(problems()).toContain(expected);
  });

  it('reveals by the anchor of main that the newest event of peers is missing', () => {
    add(`pppp${'m'.repeat(92)}`);
    Array.from(steps());
    expect(audit().chains).toMatchObject({ main: { cutUpTo: 56 }, peers: { rows: 4 } });
    expect(problems()).toEqual([]);
    exec('delete from events where id = 4');
    expect(problems()).toEqual([
      'The newest events are missing: the anchor of retention names event 4, but the last one is 3.',
    ]);
  });

  it.each([
    ['by age', { eventDays: 30, eventRows: 1_000_000 }, 1],
    ['by count', { eventDays: 400, eventRows: 200 }, 20],
  ])('keeps the anchor of peers when main is cut %s and agents cause no more events', (_how, limits, mainADay) => {
    const START = NOW;
    // By age, the newest event of agents is the only one that stays.
    add('p'.repeat(100), START);
    for (let day = 1; day <= 100; day += 1) {
      add('m'.repeat(mainADay), START + day * DAY_MS);
      Array.from(steps(limits, START + day * DAY_MS));
      expect(problems(), `day ${day}`).toEqual([]);
    }
    const { main, peers } = audit().chains;
    expect(peers.cutUpTo).toBeLessThan(peers.first?.id ?? 0);
    expect(main.cutUpTo).toBeGreaterThan(100 + 2 * mainADay);
    // The anchor still proves the oldest event of peers, and a new cut follows it.
    add('ppp', START + 101 * DAY_MS);
    exec(`delete from events where id = ${peers.first?.id ?? 0}`);
    expect(problems()).not.toEqual([]);
  });

  it('keeps noted heads of a history that a restore replaced from counting when it deletes the event of the restore', () => {
    const restore = (takenAt: number, restoredAt: number) =>
      record({
        ...{ ...NOBODY, ...BY_DASHBOARD, at: restoredAt, action: DATABASE_RESTORED },
        params: { takenAt, restoredAt },
      });
    add('mp');
    restore(NOW - 9 * DAY_MS, NOW - 2 * DAY_MS);
    restore(NOW - 5 * DAY_MS, NOW - DAY_MS);
    const noted = (at: number): Witness => ({
      source: 'a backup',
      at,
      chain: 'main',
      id: 10_000,
      hash: 'f'.repeat(64),
    });
    const replaced = [noted(NOW - 8 * DAY_MS), noted(NOW - 1.5 * DAY_MS)];
    // By the second cut, the anchor of the first is deleted as well.
    for (const day of [0, 1, 2]) {
      add('m'.repeat(100), NOW + day * DAY_MS);
      Array.from(steps({ eventRows: 8 }, NOW + day * DAY_MS));
    }
    expect(column(`select count(*) from events where action = '${DATABASE_RESTORED}'`)).toEqual([0]);
    expect(problems(replaced)).toEqual([]);
    expect(problems([noted(NOW)])).toHaveLength(1);
    expect(column(`select data ->> '$.restores' from events where action = '${EVENTS_CUT}'`)).toEqual([
      JSON.stringify([{ takenAt: NOW - 9 * DAY_MS, restoredAt: NOW - DAY_MS }]),
    ]);
  });

  it('leaves both chains intact after any sequence of events and passes, also incomplete ones', () => {
    const letters = fc.array(fc.constantFrom('m', 'p'), { minLength: 1, maxLength: 40 });
    const pass = fc.record({
      added: letters,
      days: fc.integer({ min: 0, max: 3 }),
      limits: fc.record({ eventRows: fc.integer({ min: 8, max: 40 }), eventDays: fc.integer({ min: 1, max: 8 }) }),
      stopsAfter: fc.constantFrom(0, 1, 2, Infinity),
    });
    fc.assert(
      fc.property(fc.array(pass, { minLength: 1, maxLength: 8 }), (passes) => {
        exec("delete from events; delete from sqlite_sequence where name = 'events'");
        let now = NOW;
        for (const { added, days, limits, stopsAfter } of passes) {
          add(added.join(''), now);
          now += days * DAY_MS;
          let count = 0;
          if (stopsAfter > 0) for (const _step of steps(limits, now)) if ((count += 1) >= stopsAfter) break;
          expect(problems()).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('uses the index of the chains, and reads none of it as a whole', () => {
    add('mp'.repeat(50), NOW - 401 * DAY_MS);
    const { $client: client } = test.db;
    const prepare = client.prepare.bind(client);
    const prepared = new Set<string>();
    const spy = vi.spyOn(client, 'prepare').mockImplementation((sql: string) => {
      prepared.add(sql);
      return prepare(sql);
    });
    Array.from(steps());
    spy.mockRestore();
    const byChain = [...prepared].filter((sql) => sql.includes('from events where chain = ?'));
    expect(byChain.length).toBeGreaterThanOrEqual(6);
    for (const sql of byChain) {
      // For min(id) and max(id) together, the plan is the same, but SQLite reads all entries.
      expect(sql).not.toMatch(/\b(min|max|count)\(/);
      const details = test.db.$client
        .prepare<unknown[], { detail: string }>(`explain query plan ${sql}`)
        .all(...Array.from(sql.matchAll(/\?/g), (_, index) => (index === 0 ? 'peers' : 5)))
        .map(({ detail }) => detail)
        .join('; ');
      expect(details, sql).toMatch(/SEARCH events USING (COVERING )?INDEX events_chain \(chain=\?/);
      expect(details, sql).not.toMatch(/TEMP B-TREE|SCAN/);
    }
  });
});
