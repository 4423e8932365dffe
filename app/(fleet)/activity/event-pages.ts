/** Reads events page by page, and searches their text, which the store cannot do. */
import { matchesFilter, type ActivityFilter } from './activity-filter';
import type { EventFilter } from '@/lib/fleet/records/store-port';
import { shownEvent } from '@/lib/fleet/events/shown-event';
import { isVisibleEvent, type Sees } from '@/lib/fleet/visible';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/** Events per page. */
export const PAGE_EVENTS = 100;
/** Maximum that the store returns per read. */
const STORE_PAGE = 500;
/** Events that one request searches; the page asks for the rest. */
const MAX_SEARCHED = 10_000;

/** The stored events, and which of them the operator may see. */
export interface EventSource {
  read: (filter: EventFilter) => Promise<EventView[]>;
  sees: Sees;
}

export interface EventPage {
  /** Newest first. */
  events: EventView[];
  /** Continue with the events before this id; null at the oldest one. */
  next: number | null;
}

/** The matching events before an id, or the newest. May give fewer than `limit` together with a `next`. */
export async function readEventPage(
  { read, sees }: EventSource,
  filter: ActivityFilter,
  before: number | null,
  limit = PAGE_EVENTS,
): Promise<EventPage> {
  const events: EventView[] = [];
  let next = before;
  for (let searched = 0; searched < MAX_SEARCHED;) {
    // Without a search text, the store's page is the result.
    const size = filter.text === '' ? limit - events.length : STORE_PAGE;
    const page = await read({
      limit: Math.min(STORE_PAGE, size),
      ...(next === null ? {} : { before: next }),
      ...(filter.category ? { category: filter.category } : {}),
      ...(filter.hostId ? { hostId: filter.hostId } : {}),
    });
    for (const event of page) {
      next = event.id;
      if (isVisibleEvent(event, sees) && matchesFilter(event, filter)) events.push(event);
      if (events.length >= limit) return { events, next };
    }
    if (page.length < Math.min(STORE_PAGE, size)) return { events, next: null };
    searched += page.length;
  }
  return { events, next };
}

/** As `readEventPage`, for a page: without the parameters that only an audit needs. */
export async function readShownPage(
  source: EventSource,
  filter: ActivityFilter,
  before: number | null,
): Promise<EventPage> {
  const { events, next } = await readEventPage(source, filter, before);
  return { events: events.map(shownEvent), next };
}
