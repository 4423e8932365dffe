/** Reads events page by page, also where the store can't look for a text itself. */
import type { EventView } from '@/lib/protocol/live';
import { matchesFilter, type ActivityFilter } from './activity-filter';
import type { EventFilter } from '@/lib/fleet/records/store-port';

/** What a person sees at once. */
export const PAGE_EVENTS = 100;
/** The most that the store gives at once. */
const STORE_PAGE = 500;
/** Events that one request looks at: the store is synchronous, and everybody else waits for it. */
const MAX_LOOKED_AT = 10_000;

export type ReadEvents = (filter: EventFilter) => EventView[];

export interface EventPage {
  /** Newest first. */
  events: EventView[];
  /** Go on with the events before this id; null at the oldest one. */
  next: number | null;
}

/** The events before an id (or the newest ones) that a filter asks for. May give fewer than `limit` and a `next`. */
export function readEventPage(
  read: ReadEvents,
  filter: ActivityFilter,
  before: number | null,
  limit = PAGE_EVENTS,
): EventPage {
  const events: EventView[] = [];
  let next = before;
  for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT;) {
    // Without a text the store's own answer is the page.
    const size = filter.text === '' ? limit - events.length : STORE_PAGE;
    const page = read({
      limit: Math.min(STORE_PAGE, size),
      ...(next === null ? {} : { before: next }),
      ...(filter.category ? { category: filter.category } : {}),
      ...(filter.hostId ? { hostId: filter.hostId } : {}),
    });
    for (const event of page) {
      next = event.id;
      if (matchesFilter(event, filter)) events.push(event);
      if (events.length >= limit) return { events, next };
    }
    if (page.length < Math.min(STORE_PAGE, size)) return { events, next: null };
    lookedAt += page.length;
  }
  return { events, next };
}
