/** Which hosts the fleet page shows and in which order, as encoded in its address. Pure. */
import { isBehind, isFailing, isRunning, SEVERITY } from './facts';
import { COMPARTMENT_NAMES, type CompartmentName } from '@/lib/protocol/compartment-names';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export const STATUS_FILTERS = ['online', 'offline', 'behind', 'failing', 'running'] as const;
export type StatusFilter = (typeof STATUS_FILTERS)[number];

export const SORT_KEYS = [
  'name',
  ...COMPARTMENT_NAMES,
  'operation',
  'cpu',
  'ram',
  'load',
  'version',
  'generation',
  'seen',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface FleetFilter {
  /** Free text: every word has to match. */
  text: string;
  os: string | null;
  location: string | null;
  status: StatusFilter | null;
  sort: SortKey;
  descending: boolean;
}

export const NO_FILTER: FleetFilter = {
  text: '',
  os: null,
  location: null,
  status: null,
  sort: 'name',
  descending: false,
};

/** Parses the filter from an address; unknown values count as not set. */
export function parseFilter(params: Pick<URLSearchParams, 'get'>): FleetFilter {
  const sort = params.get('sort') ?? '';
  const key = sort.replace(/^-/, '');
  return {
    text: params.get('q') ?? '',
    os: params.get('os') || null,
    location: params.get('location') || null,
    status: STATUS_FILTERS.find((status) => status === params.get('status')) ?? null,
    sort: SORT_KEYS.find((known) => known === key) ?? NO_FILTER.sort,
    descending: sort.startsWith('-'),
  };
}

/** The address of a filter: "?q=web&status=behind", or nothing for all hosts. */
export function filterSearch(filter: FleetFilter): string {
  const params = new URLSearchParams();
  if (filter.text.trim() !== '') params.set('q', filter.text.trim());
  if (filter.os !== null) params.set('os', filter.os);
  if (filter.location !== null) params.set('location', filter.location);
  if (filter.status !== null) params.set('status', filter.status);
  if (filter.sort !== NO_FILTER.sort || filter.descending) {
    params.set('sort', `${filter.descending ? '-' : ''}${filter.sort}`);
  }
  const search = params.toString();
  return search === '' ? '' : `?${search}`;
}

/** True when the filter hides hosts. The sort order does not count. */
export function isFiltering(filter: FleetFilter): boolean {
  return filter.text.trim() !== '' || filter.os !== null || filter.location !== null || filter.status !== null;
}

/** The fields that decide about the status of a host. */
export const STATUS_FIELDS = ['online', 'compartments', 'command', 'control', 'lastCommand', 'foreignCommand'] as const;
type StatusFacts = Pick<HostView, (typeof STATUS_FIELDS)[number]>;

const STATUS_TESTS: Record<StatusFilter, (host: StatusFacts) => boolean> = {
  online: (host) => host.online,
  offline: (host) => !host.online,
  behind: isBehind,
  failing: isFailing,
  running: isRunning,
};

export type StatusCounts = Record<StatusFilter | 'all', number>;

/** The number of hosts for each part of the summary line. */
export function countStatuses(hosts: readonly StatusFacts[]): StatusCounts {
  const counts: StatusCounts = { all: hosts.length, online: 0, offline: 0, behind: 0, failing: 0, running: 0 };
  for (const host of hosts) {
    for (const status of STATUS_FILTERS) if (STATUS_TESTS[status](host)) counts[status] += 1;
  }
  return counts;
}

/** The distinct values of a facet, sorted. */
export function facetValues<F extends 'type' | 'location'>(hosts: readonly Pick<HostView, F>[], facet: F): string[] {
  return [...new Set(hosts.map((host) => host[facet]))].filter((value) => value !== '').sort(compareText);
}

const TEXT_FIELDS = [
  'name',
  'type',
  'location',
  'deviceType',
  'agentVersion',
  'osVersion',
  'generation',
] as const satisfies (keyof HostView)[];

/** The fields by which hosts are sorted; by name where they are equal. */
const SORT_FIELDS: Record<SortKey, readonly (keyof HostView)[]> = {
  name: [],
  agent: ['compartments'],
  git: ['compartments'],
  lock: ['compartments'],
  system: ['compartments'],
  tests: ['compartments'],
  operation: ['command', 'control', 'foreignCommand', 'lastCommand'],
  cpu: ['metrics'],
  ram: ['metrics'],
  load: ['metrics'],
  version: ['agentVersion'],
  generation: ['generation'],
  seen: ['online', 'lastSeenAt'],
};

/** The fields that decide which hosts a filter shows and in which order. */
export function fieldsOf({ text, os, location, status, sort }: FleetFilter): readonly (keyof HostView)[] {
  return [
    'name',
    ...(os === null ? [] : (['type'] as const)),
    ...(location === null ? [] : (['location'] as const)),
    ...(status === null ? [] : STATUS_FIELDS),
    ...(text.trim() === '' ? [] : TEXT_FIELDS),
    ...SORT_FIELDS[sort],
  ];
}

/** The hosts that a filter shows, in its order. */
export function selectHosts(hosts: readonly HostView[], filter: FleetFilter): HostView[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const status = filter.status === null ? null : STATUS_TESTS[filter.status];
  const shown = hosts.filter(
    (host) =>
      (filter.os === null || host.type === filter.os) &&
      (filter.location === null || host.location === filter.location) &&
      (status === null || status(host)) &&
      (words.length === 0 || matches(host, words)),
  );
  const compare = COMPARE[filter.sort];
  const sign = filter.descending ? -1 : 1;
  // Ties are broken by name, always ascending, so that the order is stable.
  return shown.sort((a, b) => sign * compare(a, b) || compareText(a.name, b.name));
}

function matches(host: HostView, words: readonly string[]): boolean {
  const text = TEXT_FIELDS.map((field) => host[field])
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function compareText(a: string, b: string): number {
  return collator.compare(a, b);
}

/** Measured values change all the time: only steps of this many percent change the order, so that rows stay put. */
const STEP = 5;

function step(value: number | null | undefined): number {
  return value === null || value === undefined ? -1 : Math.floor(value / STEP);
}

const COMPARE: Record<SortKey, (a: HostView, b: HostView) => number> = {
  name: (a, b) => compareText(a.name, b.name),
  agent: byCompartment('agent'),
  git: byCompartment('git'),
  lock: byCompartment('lock'),
  system: byCompartment('system'),
  tests: byCompartment('tests'),
  operation: (a, b) => lastActiveAt(a) - lastActiveAt(b),
  cpu: (a, b) => step(a.metrics?.cpu) - step(b.metrics?.cpu),
  ram: (a, b) => step(a.metrics?.ram) - step(b.metrics?.ram),
  load: (a, b) => Math.floor(a.metrics?.load ?? -1) - Math.floor(b.metrics?.load ?? -1),
  version: (a, b) => compareText(a.agentVersion, b.agentVersion),
  generation: (a, b) => compareText(a.generation, b.generation),
  // Online hosts count as seen now, so that heartbeats do not reorder them.
  seen: (a, b) => seenAt(a) - seenAt(b),
};

function seenAt(host: HostView): number {
  return host.online ? Number.MAX_SAFE_INTEGER : (host.lastSeenAt ?? 0);
}

function byCompartment(name: CompartmentName): (a: HostView, b: HostView) => number {
  return (a, b) => SEVERITY[a.compartments[name].status] - SEVERITY[b.compartments[name].status];
}

/** When the host's last command ended; hosts with a running one sort last. */
function lastActiveAt(host: HostView): number {
  return isRunning(host) ? Number.MAX_SAFE_INTEGER : (host.lastCommand?.endedAt ?? 0);
}
