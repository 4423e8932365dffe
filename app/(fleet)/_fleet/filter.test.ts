import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import {
  countStatuses,
  facetValues,
  fieldsOf,
  filterSearch,
  isFiltering,
  NO_FILTER,
  parseFilter,
  selectHosts,
  SORT_KEYS,
  STATUS_FILTERS,
  type FleetFilter,
} from './filter';

const FLEET = [
  withCompartments('web-10', { git: 'outdated', lock: 'outdated' }, { location: 'cloud' }),
  withCompartments('web-9', { tests: 'error' }, { location: 'cloud' }),
  aHost('mac', { type: 'macos', location: 'work', deviceType: 'laptop', command: aCommand() }),
  aHost('old', { online: false, lastSeenAt: 5, location: '', agentVersion: '3.1.5' }),
];
const names = (filter: Partial<FleetFilter>) => selectHosts(FLEET, { ...NO_FILTER, ...filter }).map(({ name }) => name);

const filters: fc.Arbitrary<FleetFilter> = fc.record({
  text: fc.string().map((text) => text.trim()),
  os: fc.option(fc.string({ minLength: 1 }), { nil: null }),
  location: fc.option(fc.string({ minLength: 1 }), { nil: null }),
  status: fc.option(fc.constantFrom(...STATUS_FILTERS), { nil: null }),
  sort: fc.constantFrom(...SORT_KEYS),
  descending: fc.boolean(),
});

describe('the filter in the address', () => {
  it('survives a round trip', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(parseFilter(new URLSearchParams(filterSearch(filter)))).toEqual(filter);
      }),
    );
  });

  it('is empty for all hosts sorted by name', () => {
    expect(filterSearch(NO_FILTER)).toBe('');
    expect(isFiltering({ ...NO_FILTER, sort: 'cpu' })).toBe(false);
    expect(isFiltering({ ...NO_FILTER, text: ' a' })).toBe(true);
  });

  it('ignores unknown values', () => {
    expect(parseFilter(new URLSearchParams('status=purple&sort=-shoe&q='))).toEqual({ ...NO_FILTER, descending: true });
  });
});

describe('selectHosts', () => {
  it('sorts names naturally, with numbers by value', () => {
    expect(names({})).toEqual(['mac', 'old', 'web-9', 'web-10']);
    expect(names({ descending: true })).toEqual(['web-10', 'web-9', 'old', 'mac']);
  });

  it.each([
    [{ text: 'WEB cloud' }, ['web-9', 'web-10']],
    [{ text: '3.1' }, ['old']],
    [{ text: 'web work' }, []],
    [{ os: 'macos' }, ['mac']],
    [{ location: 'cloud' }, ['web-9', 'web-10']],
    [{ status: 'online' }, ['mac', 'web-9', 'web-10']],
    [{ status: 'offline' }, ['old']],
    [{ status: 'behind' }, ['web-10']],
    [{ status: 'failing' }, ['web-9']],
    [{ status: 'running' }, ['mac']],
    [{ status: 'behind', os: 'macos' }, []],
  ] satisfies [Partial<FleetFilter>, string[]][])('%j', (filter, expected) => {
    expect(names(filter)).toEqual(expected);
  });

  it('sorts by compartment status, by running operation and by last seen', () => {
    expect(names({ sort: 'git', descending: true })[0]).toBe('web-10');
    expect(names({ sort: 'tests', descending: true })[0]).toBe('web-9');
    expect(names({ sort: 'operation', descending: true })[0]).toBe('mac');
    expect(names({ sort: 'seen' })).toEqual(['old', 'mac', 'web-9', 'web-10']);
  });

  it('does not reorder rows for small changes of measured values', () => {
    const of = (cpu: number) => ({ cpu, ram: null, swap: null, load: null });
    const order = (a: number, b: number) =>
      selectHosts([aHost('a', { metrics: of(a) }), aHost('b', { metrics: of(b) })], { ...NO_FILTER, sort: 'cpu' }).map(
        ({ id }) => id,
      );
    expect(order(13, 11)).toEqual(['a', 'b']);
    expect(order(18, 11)).toEqual(['b', 'a']);
  });

  it('keeps every host exactly once and does not change the given list', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SORT_KEYS), fc.boolean(), (sort, descending) => {
        const before = FLEET.map(({ id }) => id);
        expect(names({ sort, descending }).sort()).toEqual([...before].sort());
        expect(FLEET.map(({ id }) => id)).toEqual(before);
      }),
    );
  });
});

describe('the fields of a filter', () => {
  it('are all that it reads, so that a change of another field needs no new order', () => {
    const read = new Set<string>();
    const hosts = FLEET.map(
      (host) =>
        new Proxy(host, {
          get(target, field, receiver): unknown {
            read.add(String(field));
            return Reflect.get(target, field, receiver);
          },
        }),
    );
    const filters = fc.record({
      text: fc.constantFrom('', ' ', 'web', 'web cloud'),
      os: fc.constantFrom(null, 'nixos'),
      location: fc.constantFrom(null, 'cloud'),
      status: fc.constantFrom(null, ...STATUS_FILTERS),
      sort: fc.constantFrom(...SORT_KEYS),
      descending: fc.boolean(),
    });
    fc.assert(
      fc.property(filters, (filter) => {
        read.clear();
        selectHosts(hosts, filter);
        expect(fieldsOf(filter)).toEqual(expect.arrayContaining([...read]));
        expect(fieldsOf(filter).includes('metrics')).toBe(['cpu', 'ram', 'load'].includes(filter.sort));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the summary of the fleet', () => {
  it('counts each status with the predicate of its filter', () => {
    const counts = countStatuses(FLEET);
    expect(counts.all).toBe(4);
    for (const status of STATUS_FILTERS) expect(counts[status]).toBe(names({ status }).length);
  });

  it('lists each value of a facet once, without empty ones', () => {
    expect(facetValues(FLEET, 'location')).toEqual(['cloud', 'work']);
    expect(facetValues(FLEET, 'type')).toEqual(['macos', 'nixos']);
  });
});
