import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_FILTER, filterFrom, filterQuery, matchesFilter, type ActivityFilter } from './activity-filter';
import { csvField, exportEvent, exportHead } from './event-export';
import { MAX_EVENTS, withNewer, withNewestPage, withOlder } from './event-list';
import { readEventPage, readShownPage, type EventPage, type EventSource } from './event-pages';
import { exportStream } from './export-stream';
import type { EventFilter } from '@/lib/fleet/records/store-port';
import type { EventView } from '@/lib/protocol/live/views/event-view';

const event = (id: number, more: Partial<EventView> = {}): EventView => ({
  id,
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  category: 'command',
  level: 'info',
  action: 'command.ended',
  actor: 'admin',
  address: '192.0.2.1',
  hostId: 'h1',
  hostName: 'web',
  commandId: 'c1',
  outcome: 'succeeded',
  params: {},
  message: `event ${id}`,
  ...more,
});

/** Events 1 to n as the store gives them: newest first, at most 500. */
function store(events: EventView[]) {
  const asked: EventFilter[] = [];
  const read = (filter: EventFilter) => {
    asked.push(filter);
    expect(filter.limit).toBeGreaterThan(0);
    expect(filter.limit).toBeLessThanOrEqual(500);
    const found = events
      .filter((one) => filter.before === undefined || one.id < filter.before)
      .filter((one) => !filter.category || one.category === filter.category)
      .filter((one) => !filter.hostId || one.hostId === filter.hostId)
      .sort((a, b) => b.id - a.id)
      .slice(0, filter.limit);
    return Promise.resolve(found);
  };
  return { read, asked };
}

describe('the filter in the address', () => {
  it('survives a round trip', () => {
    const filter = fc.record<ActivityFilter>({
      category: fc.constantFrom(null, 'auth', 'command', 'fleet', 'agent', 'system'),
      hostId: fc.option(fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' })),
      text: fc.string({ maxLength: 200, unit: 'grapheme-ascii' }),
    });
    fc.assert(
      fc.property(filter, (one) => {
        expect(filterFrom(new URLSearchParams(filterQuery(one)))).toEqual(one);
      }),
    );
    expect(filterQuery(NO_FILTER)).toBe('');
  });

  it('ignores invalid values', () => {
    const parameters = new URLSearchParams({ category: 'nonsense', host: 'x'.repeat(65), q: 'y'.repeat(300) });
    expect(filterFrom(parameters)).toEqual({ category: null, hostId: null, text: 'y'.repeat(200) });
  });

  it('requires every word, anywhere in the event, in any case', () => {
    const one = event(1, { actor: 'Ada', message: 'Pull ended: 3 files changed.' });
    const matches = (text: string) => matchesFilter(one, { ...NO_FILTER, text });
    expect([matches('ada PULL'), matches('  files   web '), matches('ada switch'), matches('')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(matchesFilter(one, { ...NO_FILTER, category: 'auth' })).toBe(false);
    expect(matchesFilter(one, { ...NO_FILTER, hostId: 'h2' })).toBe(false);
  });
});

const source = (read: EventSource['read'], sees: EventSource['sees'] = () => true): EventSource => ({ read, sees });

describe('readEventPage', () => {
  const many = Array.from({ length: 1_250 }, (_, i) =>
    event(i + 1, { message: i % 100 === 0 ? 'needle' : 'hay', hostId: i % 2 === 0 ? 'h1' : 'h2' }),
  );

  it.each<[string, ActivityFilter]>([
    ['everything', NO_FILTER],
    ['one host', { ...NO_FILTER, hostId: 'h2' }],
    ['a text', { ...NO_FILTER, text: 'needle' }],
  ])('gives each event once, newest first, page by page: %s', async (_name, filter) => {
    const { read } = store(many);
    const seen: number[] = [];
    let before: number | null = null;
    do {
      const page = await readEventPage(source(read), filter, before, 7);
      expect(page.events.length).toBeLessThanOrEqual(7);
      seen.push(...page.events.map((one) => one.id));
      before = page.next;
    } while (before !== null);
    expect(seen).toEqual(
      many
        .filter((one) => matchesFilter(one, filter))
        .map((one) => one.id)
        .reverse(),
    );
  });

  it('leaves out the events of hosts that the operator does not see, and fills the page with others', async () => {
    const mixed = many.map((one, i) => (i % 3 === 0 ? { ...one, hostId: null } : one));
    const page = await readEventPage(
      source(store(mixed).read, (id) => id === 'h1'),
      NO_FILTER,
      null,
      100,
    );
    expect(page.events).toEqual(
      mixed
        .filter((one) => one.hostId !== 'h2')
        .reverse()
        .slice(0, 100),
    );
  });

  it('reads no more than one page from the store without a search text', async () => {
    const { read, asked } = store(many);
    await readEventPage(source(read), NO_FILTER, null, 100);
    expect(asked).toEqual([{ limit: 100 }]);
  });

  it('searches a bounded number of events and says where to continue', async () => {
    const { read, asked } = store(Array.from({ length: 30_000 }, (_, i) => event(i + 1)));
    const page = await readEventPage(source(read), { ...NO_FILTER, text: 'not there' }, null);
    expect(page).toEqual({ events: [], next: 20_001 });
    expect(asked).toHaveLength(20);
  });
});

it('a page is not sent what only an audit needs; an export has all of it', async () => {
  const cut = event(1, { action: 'events.cut', params: { upTo: 5, hash: '0f', eventDays: 400, eventRows: 9 } });
  const source: EventSource = { read: () => Promise.resolve([cut]), sees: () => true };
  const page = await readShownPage(source, NO_FILTER, null);
  expect(page).toMatchObject({ events: [{ id: 1, params: { upTo: 5, eventDays: 400, eventRows: 9 } }], next: null });
  expect(JSON.stringify(page)).not.toContain('0f');
  const file = await new Response(exportStream(source, NO_FILTER, 'ndjson')).text();
  expect(JSON.parse(file)).toMatchObject({ params: { hash: '0f' } });
});

describe('event export', () => {
  it('quotes fields as RFC 4180 requires', () => {
    expect(csvField('plain')).toBe('plain');
    expect(csvField('a,b')).toBe('"a,b"');
    expect(csvField('say "so"')).toBe('"say ""so"""');
    expect(csvField('two\nlines')).toBe('"two\nlines"');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', "=cmd|' /C calc'!A0"])(
    'prefixes the formula %j with an apostrophe',
    (value) => {
      expect(csvField(value).replace(/^"/, '')).toMatch(/^'/);
    },
  );

  it('writes values that a CSV reader reads back, formulas with an apostrophe', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 5 }), (values) => {
        const read = readCsvLine(values.map(csvField).join(','));
        expect(read.map((value, i) => (values[i] === value ? value : value.slice(1)))).toEqual(values);
        for (const value of read) expect(value).not.toMatch(/^\s*[=+\-@]/);
      }),
    );
  });

  it('writes one line per event', () => {
    const one = event(7, { message: 'a\nb', hostId: null });
    expect(exportHead('csv')).toBe(
      'id,time,level,category,action,actor,address,host,host_id,command_id,outcome,message\r\n',
    );
    expect(exportEvent('csv', one)).toBe(
      '7,2026-01-02T03:04:05.006Z,info,command,command.ended,admin,192.0.2.1,web,,c1,succeeded,"a\nb"\r\n',
    );
    expect(exportHead('ndjson')).toBe('');
    const line = exportEvent('ndjson', one);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({ ...one, at: '2026-01-02T03:04:05.006Z' });
  });
});

describe('an event without a stored sentence', () => {
  const params = { operation: 'pull', outcome: 'failed', exitCode: 1, reason: 'No route to host.' };
  const one = event(7, { params, message: undefined, outcome: 'failed' });
  const sentence = 'The pull on web failed (exit code 1). No route to host.';

  it('is found by the words of its sentence', () => {
    const matches = (text: string) => matchesFilter(one, { ...NO_FILTER, text });
    expect([matches('pull failed ROUTE'), matches('switch')]).toEqual([true, false]);
  });

  it('is exported with its sentence, as NDJSON also with its parameters', () => {
    expect(exportEvent('csv', one)).toContain(`,c1,failed,${sentence}\r\n`);
    expect(JSON.parse(exportEvent('ndjson', one))).toMatchObject({
      action: 'command.ended',
      params,
      message: sentence,
    });
  });
});

describe('exportStream', () => {
  it('contains every matching event once, newest first, over many pages', async () => {
    const many = Array.from({ length: 1_801 }, (_, i) => event(i + 1, { category: i % 3 === 0 ? 'auth' : 'command' }));
    const filter = { ...NO_FILTER, category: 'auth' as const };
    const text = await new Response(exportStream(source(store(many).read), filter, 'ndjson')).text();
    const ids = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as EventView).id);
    expect(ids).toEqual(
      many
        .filter((one) => one.category === 'auth')
        .map((one) => one.id)
        .reverse(),
    );
  });

  it('contains only the header when there are no events', async () => {
    expect(await new Response(exportStream(source(store([]).read), NO_FILTER, 'csv')).text()).toBe(exportHead('csv'));
  });
});

describe('the list of events', () => {
  const page = (ids: number[], next: number | null): EventPage => ({ events: ids.map((id) => event(id)), next });
  const ids = (list: EventPage) => list.events.map((one) => one.id);

  it('adds newer events at the top, each once', () => {
    const list = withNewer(page([5, 4], 4), [event(5), event(6), event(7)]);
    expect(ids(list)).toEqual([7, 6, 5, 4]);
    expect(withNewer(list, [event(7)])).toBe(list);
  });

  it('adds older events at the end, each once', () => {
    expect(withOlder(page([5, 4], 4), page([4, 3, 1], null))).toEqual(page([5, 4, 3, 1], null));
  });

  it('adds events that happened without a connection', () => {
    expect(ids(withNewestPage(page([5, 4], 4), page([8, 7, 6, 5], 5)))).toEqual([8, 7, 6, 5, 4]);
    expect(ids(withNewestPage(page([], null), page([2, 1], null)))).toEqual([2, 1]);
  });

  it('starts over when more happened than one page holds, instead of hiding a gap', () => {
    const newest = page([200, 199, 150], 150);
    expect(withNewestPage(page([5, 4], 4), newest)).toBe(newest);
  });

  it('is bounded, and dropped events can be loaded again', () => {
    const many = Array.from({ length: MAX_EVENTS }, (_, i) => MAX_EVENTS - i);
    const list = withNewer(page(many, null), [event(MAX_EVENTS + 1), event(MAX_EVENTS + 2)]);
    expect(list.events).toHaveLength(MAX_EVENTS);
    expect(list.next).toBe(list.events.at(-1)?.id);
    expect(list.next).toBe(3);
  });
});

/** A reader of one CSV record, as RFC 4180 §2 describes it. */
function readCsvLine(line: string): string[] {
  const values: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    const plain = quoted ? null : /^([^",]*)(,|$)/.exec(rest);
    const match = quoted ?? plain;
    if (!match) throw new Error(`not CSV: ${JSON.stringify(rest)}`);
    values.push(quoted ? (match[1] ?? '').replaceAll('""', '"') : (match[1] ?? ''));
    if (match[2] !== ',') return values;
    rest = rest.slice(match[0].length);
  }
}
