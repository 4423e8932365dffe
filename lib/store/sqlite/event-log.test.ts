import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOBODY } from '@/lib/fleet/events';
import type { EventChain } from '@/lib/fleet/events/event-kind';
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import { EVENT_KINDS, isEventCode, type EventCode } from '@/lib/fleet/events/event-table';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { EVENT_SAMPLES } from '@/lib/fleet/testing/event-samples';
import { SAMPLE_ADDRESS, type EventSample } from '@/lib/fleet/testing/event-samples/event-sample';
import { liveServerSchema } from '@/lib/protocol/live/to-browser';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import { auditEvents, type Witness } from './audit';
import { eventColumns } from './event-columns';
import { prepareEventLog } from './event-log';
import { createFleetStore } from './fleet-store';
import { openTestDatabase, type TestDatabase } from './testing/database';
import { testEvent, testEventOf } from './testing/sample-records';

const SAMPLE_HEAD = { ...NOBODY, at: 4_000, actorKind: 'dashboard', actor: 'dashboard' } as const;

let test: TestDatabase;
beforeEach(() => {
  test = openTestDatabase();
});
afterEach(() => test.close());

const store = () => createFleetStore(test.db, test);
const append = (events: readonly NewEvent[]): EventView[] => {
  const log = prepareEventLog(test.db.$client, () => expect.fail('a row could not be read'));
  return test.db.$client.transaction(() => log(events))();
};
const rows = (columns: string) => test.db.$client.prepare<[], unknown[]>(`select ${columns} from events`).raw().all();
const headOf = (chain: EventChain) => auditEvents(test.db.$client).chains[chain].head ?? expect.fail('no events');
const problems = () => auditEvents(test.db.$client).problems;
/** As in a database of 4.0.0. */
const removeColumns = () =>
  test.db.$client.exec(
    'drop index events_chain; alter table events drop column chain; alter table events drop column encoding',
  );
/** As the migrations do. */
const addColumns = () =>
  test.db.$client.exec(
    `alter table events add encoding integer not null default 1;
     alter table events add chain text not null default 'main'; create index events_chain on events (chain)`,
  );

/** An event as a browser gets it. */
function overTheWire(event: EventView): EventView {
  const frame = JSON.stringify({ t: 'changes', from: 1, version: 2, events: [event] });
  const message = liveServerSchema.parse(JSON.parse(frame));
  const [arrived] = message.t === 'changes' ? (message.events ?? []) : [];
  return arrived ?? expect.fail('no event arrived');
}

function sampleEvents<Code extends EventCode>(action: Code): { event: NewEvent<Code>; sentence: string }[] {
  const samples: readonly EventSample<Code>[] = EVENT_SAMPLES[action];
  return samples.map(({ params, hostName = '', sentence }) => ({
    event: { ...SAMPLE_HEAD, address: SAMPLE_ADDRESS, hostName, action, params },
    sentence,
  }));
}

describe('an event of every code', () => {
  const codes = Object.keys(EVENT_KINDS).filter(isEventCode);

  it('is stored as its code and its parameters, and becomes its sentence again in the browser', () => {
    const samples = codes.flatMap((code): { event: NewEvent; sentence: string }[] => sampleEvents(code));
    const added = append(samples.map(({ event }) => event));
    const read = store().eventsAfter(0, 500);
    expect(read).toEqual(added);
    expect(read.map(({ action, params }) => ({ action, params }))).toEqual(
      samples.map(({ event: { action, params } }) => ({ action, params })),
    );
    expect(read.map((event) => eventSentence(overTheWire(event)))).toEqual(samples.map(({ sentence }) => sentence));
    expect(new Set(rows('encoding, chain, message').map(String))).toEqual(new Set(['2,main,', '3,peers,']));
    expect(problems()).toEqual([]);
  });

  it('is stored with its sentence in a database of 4.0.0, and keeps it when that is migrated', () => {
    const samples = codes.flatMap((code): { event: NewEvent; sentence: string }[] => sampleEvents(code));
    removeColumns();
    append(samples.map(({ event }) => event));
    expect(eventColumns(test.db.$client).hasEncoding).toBe(false);
    expect(rows('message').flat()).toEqual(samples.map(({ sentence }) => sentence));
    expect(problems()).toEqual([]);
    addColumns();
    expect(problems()).toEqual([]);
    expect(
      store()
        .eventsAfter(0, 500)
        .map((event) => eventSentence(overTheWire(event))),
    ).toEqual(samples.map(({ sentence }) => sentence));
  });
});

describe('the chain of a migrated database', () => {
  /** Two events from before the migration and three from after it. */
  function fillMigrated(): void {
    removeColumns();
    append([testEvent('1'), testEvent('2')]);
    addColumns();
    append(['3', '4', '5'].map((text) => testEvent(text)));
  }

  it('verifies when it was migrated from 4.1.0, whose events of agents stay in the chain main', () => {
    const { $client: client } = test.db;
    client.exec('drop index events_chain; alter table events drop column chain');
    append([testEvent('1'), testEventOf('agent', '2'), testEvent('3')]);
    expect(eventColumns(client)).toEqual({ hasEncoding: true, hasChain: false });
    expect(problems()).toEqual([]);
    const noted: Witness = { source: '--head', at: null, chain: 'main', ...headOf('main') };
    client.exec(
      `alter table events add chain text not null default 'main'; create index events_chain on events (chain)`,
    );
    append([testEventOf('agent', '4'), testEvent('5')]);
    expect(rows('encoding, chain').map(String)).toEqual(['2,main', '2,main', '2,main', '3,peers', '2,main']);
    expect(auditEvents(client, [noted])).toMatchObject({ problems: [], agreed: 1 });
    expect(headOf('peers')).toMatchObject({ id: 4 });
  });

  it('verifies: each row by its encoding', () => {
    fillMigrated();
    expect(rows('encoding').flat()).toEqual([1, 1, 2, 2, 2]);
    expect(problems()).toEqual([]);
    const shown = store().eventsAfter(0, 5).map(eventSentence);
    expect(shown).toEqual(['1', '2', '3', '4', '5'].map((text) => `The backup failed: ${text}`));
  });

  it.each([
    ['a sentence from before', "message = 'nothing'", 2],
    ['parameters', `data = '{"reason":"x"}'`, 4],
    ['a code', "action = 'host.approved'", 4],
    ['an encoding', 'encoding = 1', 4],
    ['an encoding from before', 'encoding = 2', 1],
    ['an encoding to an unknown one', 'encoding = 3', 4],
    ['a chain', "chain = 'peers'", 4],
    ['a chain from before', "chain = 'peers'", 1],
    ['a chain to an unknown one', "chain = 'others'", 4],
    ['a sentence that has no place in the hash', "message = 'something'", 4],
  ])('reveals a change of %s', (_what, change, id) => {
    fillMigrated();
    test.db.$client.exec(`update events set ${change} where id = ${id}`);
    expect(problems()).toEqual([`Event ${id} was changed after it was written.`]);
  });
});

describe('parameters', () => {
  it('come back as they were, whatever text they hold', () => {
    const text = fc.string({ unit: 'binary' });
    const args = fc.dictionary(text, fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(text, args, (reason, values) => {
        const params = { operation: 'pull', forced: false, args: values } as const;
        const added = append([testEvent(reason), { ...testEvent(''), action: 'command.requested', params }]);
        const [first, second] = store().eventsAfter((added[0]?.id ?? 0) - 1, 2);
        expect(first?.params).toEqual({ reason });
        expect(second?.params).toEqual(JSON.parse(JSON.stringify(params)));
        expect([first, second]).toEqual(added);
      }),
      { numRuns: 100 },
    );
    expect(problems()).toEqual([]);
  });

  it('that can’t be read are reported and left out', () => {
    append([testEvent('a')]);
    test.db.$client.exec("update events set data = '[1'");
    const [event] = store().eventsAfter(0, 1);
    expect(event?.params).toEqual({});
    expect(event && eventSentence(event)).toBe('backup.failed {}');
    expect(test.logged.join('')).toContain('Table events, row 1, column data is not JSON');
  });
});
