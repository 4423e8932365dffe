/**
 * Removes the oldest events of each chain. The remaining ones can still be verified, because an event that names the last
 * removed one is stored before the first row is deleted (see `audit.ts`).
 */
import type Sqlite from 'better-sqlite3';
import { BY_DASHBOARD, NOBODY } from '@/lib/fleet/events';
import { EVENT_CHAINS, type EventChain } from '@/lib/fleet/events/event-kind';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { EVENTS_CUT, knownRestores, newestCut } from './audit';
import { prepareNewestLink } from './event-log';

const DAY_MS = 86_400_000;
/** Once a day: an hourly cut would record an event about a few deleted ones. */
const CUT_EVERY_MS = DAY_MS;
const MAX_ROWS_PER_STEP = 2_000;
/** The share of `eventRows` that the events of agents and visitors have, in addition to it. */
const PEERS_SHARE = 1 / 4;

/** Restores that an anchor repeats at most, the newest ones. */
const MAX_RESTORES = 1_000;

export interface EventLimits {
  /** Older events are removed. */
  eventDays: number;
  /**
   * Beyond this number, the oldest events of the chain `main` are removed; those of the chain `peers` beyond a quarter of
   * it.
   */
  eventRows: number;
}

interface Times {
  now: number;
  /** Events before this moment are older than `eventDays`. */
  tooOld: number;
}

interface Row {
  id: number;
  at: number;
  hash: string;
}

/**
 * One pass: each `next()` is one short transaction and yields the number of rows it deleted. `record` stores an anchor: at
 * most one for each chain.
 */
export function* eventSteps(
  client: Sqlite.Database,
  limits: EventLimits,
  times: Times,
  record: (event: NewEvent) => void,
): Generator<number, void> {
  for (const chain of EVENT_CHAINS) yield* chainSteps(client, chain, limits, times, record);
}

function* chainSteps(
  client: Sqlite.Database,
  chain: EventChain,
  limits: EventLimits,
  { now, tooOld }: Times,
  record: (event: NewEvent) => void,
): Generator<number, void> {
  const before = newestCut(client, chain);
  if (before) yield* deleteUpTo(client, chain, before.upTo);
  if (before && Math.abs(now - before.at) < CUT_EVERY_MS) return;
  const eventRows = chain === 'main' ? limits.eventRows : Math.ceil(limits.eventRows * PEERS_SHARE);
  const last = lastToCut(client, chain, eventRows, tooOld);
  if (last === null) return;
  record(cutEvent(client, chain, last, { ...limits, eventRows }, now));
  // Without a stored anchor, nothing is deleted.
  if (newestCut(client, chain)?.upTo === last.id) yield* deleteUpTo(client, chain, last.id);
}

function* deleteUpTo(client: Sqlite.Database, chain: EventChain, id: number): Generator<number, void> {
  const remove = client.prepare<[string, number, number]>(
    'delete from events where id in (select id from events where chain = ? and id <= ? order by id limit ?)',
  );
  for (;;) {
    const { changes } = remove.run(chain, id, MAX_ROWS_PER_STEP);
    if (changes > 0) yield changes;
    if (changes < MAX_ROWS_PER_STEP) return;
  }
}

/** The newest event of a chain to remove; null when there is none. The newest event of each chain always stays. */
function lastToCut(client: Sqlite.Database, chain: EventChain, eventRows: number, tooOld: number): Row | null {
  // Not `min(id), max(id)`: SQLite reads a whole index for both at once.
  const first = client
    .prepare<[string], number>('select id from events where chain = ? order by id limit 1')
    .pluck()
    .get(chain);
  const newest = client
    .prepare<[string], number>('select id from events where chain = ? order by id desc limit 1')
    .pluck()
    .get(chain);
  if (first === undefined || newest === undefined) return null;
  const next = client.prepare<[string, number], Row>(
    'select id, at, hash from events where chain = ? and id >= ? order by id limit 1',
  );
  // Ids increase with time (unless the clock was set back), so a binary search finds the first event to keep.
  let low = first;
  let high = newest;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = next.get(chain, middle);
    if (row !== undefined && row.at < tooOld) low = row.id + 1;
    else high = middle;
  }
  const newestToCut = Math.max(low - 1, newestBeyond(client, chain, eventRows, newest - first));
  const upTo = Math.min(newestToCut, newest - 1);
  const last = client.prepare<[string, number], Row>(
    'select id, at, hash from events where chain = ? and id <= ? order by id desc limit 1',
  );
  return last.get(chain, upTo) ?? null;
}

/** The id of the newest event that exceeds the number of events; 0 without one. `span`: the difference of their ids. */
function newestBeyond(client: Sqlite.Database, chain: EventChain, eventRows: number, span: number): number {
  // The ids of a chain have gaps, so it has at most as many events as its ids span.
  if (span < eventRows) return 0;
  // Counts entries of the index, not rows.
  const beyond = client.prepare<[string, number], number>(
    'select id from events where chain = ? order by id desc limit 1 offset ?',
  );
  return beyond.pluck().get(chain, eventRows) ?? 0;
}

function cutEvent(
  client: Sqlite.Database,
  chain: EventChain,
  { id, hash }: Row,
  { eventDays, eventRows }: EventLimits,
  now: number,
): NewEvent {
  const params = { upTo: id, hash, eventDays, eventRows };
  const head = { ...NOBODY, ...BY_DASHBOARD, at: now };
  if (chain !== 'main') return { ...head, action: EVENTS_CUT, params: { ...params, chain } };
  const newest = prepareNewestLink(client);
  const heads = EVENT_CHAINS.flatMap((other) => {
    const link = other === 'main' ? null : newest(other);
    return link === null ? [] : [{ chain: other, ...link }];
  });
  // Their anchors are among the events that are deleted now.
  const cuts = EVENT_CHAINS.flatMap((other) => {
    const cut = other === 'main' ? null : newestCut(client, other);
    return cut === null ? [] : [{ chain: other, upTo: cut.upTo, hash: cut.hash, at: cut.at }];
  });
  // So are the events of restores, and without them, what was noted of a replaced history would look like tampering.
  const restores = knownRestores(client).slice(-MAX_RESTORES);
  const others = {
    ...(heads.length > 0 ? { heads } : {}),
    ...(cuts.length > 0 ? { cuts } : {}),
    ...(restores.length > 0 ? { restores } : {}),
  };
  return { ...head, action: EVENTS_CUT, params: { ...params, ...others } };
}
