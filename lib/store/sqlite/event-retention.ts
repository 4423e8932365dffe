/**
 * Removes the oldest events. The remaining ones can still be verified, because an event that names the last removed one
 * is stored before the first row is deleted (see `audit.ts`).
 */
import type Sqlite from 'better-sqlite3';
import { BY_DASHBOARD, NOBODY } from '@/lib/fleet/events';
import { EVENTS_CUT, newestCut } from './audit';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const DAY_MS = 86_400_000;
/** Not more often, or every hour would record an event about a few removed ones. */
const CUT_EVERY_MS = DAY_MS;
const MAX_ROWS_PER_STEP = 2_000;

export interface EventLimits {
  /** Older events are removed. */
  eventDays: number;
  /** Beyond this number, the oldest events are removed. */
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

/** One pass: each `next()` is one short transaction and yields the number of rows it deleted. `record` stores the anchor. */
export function* eventSteps(
  client: Sqlite.Database,
  limits: EventLimits,
  { now, tooOld }: Times,
  record: (event: NewEvent) => void,
): Generator<number, void> {
  yield* deleteUpTo(client, newestCut(client)?.upTo ?? 0);
  const before = newestCut(client);
  if (before && Math.abs(now - before.at) < CUT_EVERY_MS) return;
  const last = lastToCut(client, limits.eventRows, tooOld);
  if (last === null) return;
  record(cutEvent(last, limits, now));
  // Without a stored anchor, nothing is deleted.
  if (newestCut(client)?.upTo === last.id) yield* deleteUpTo(client, last.id);
}

function* deleteUpTo(client: Sqlite.Database, id: number): Generator<number, void> {
  const oldest = client.prepare<[], number | null>('select min(id) from events').pluck();
  const remove = client.prepare<[number]>('delete from events where id <= ?');
  for (;;) {
    const from = oldest.get();
    if (from == null || from > id) return;
    yield remove.run(Math.min(id, from + MAX_ROWS_PER_STEP - 1)).changes;
  }
}

/** The newest event to remove; null when there is none. The newest event of all always stays. */
function lastToCut(client: Sqlite.Database, eventRows: number, tooOld: number): Row | null {
  const ends = client
    .prepare<[], { first: number | null; last: number | null }>('select min(id) as first, max(id) as last from events')
    .get();
  if (ends?.first == null || ends.last == null) return null;
  const row = client.prepare<[number], Row>('select id, at, hash from events where id >= ? order by id limit 1');
  // Ids increase with time (unless the clock was set back), so a binary search finds the first event to keep.
  let low = ends.first;
  let high = ends.last;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((row.get(middle)?.at ?? tooOld) < tooOld) low = middle + 1;
    else high = middle;
  }
  const upTo = Math.min(Math.max(low - 1, ends.last - eventRows), ends.last - 1);
  return upTo < ends.first ? null : (row.get(upTo) ?? null);
}

function cutEvent({ id, hash }: Row, { eventDays, eventRows }: EventLimits, now: number): NewEvent {
  return { ...NOBODY, ...BY_DASHBOARD, at: now, action: EVENTS_CUT, params: { upTo: id, hash, eventDays, eventRows } };
}
