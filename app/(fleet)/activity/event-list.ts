/** The events that the activity page holds: newest first, each once, bounded. */
import type { EventPage } from './event-pages';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/** Limit for a page that stays open for weeks; older events can be loaded again. */
export const MAX_EVENTS = 2_000;

/** Adds newer events. Events that are in the list already are not added again. */
export function withNewer(list: EventPage, events: readonly EventView[]): EventPage {
  const newest = list.events[0]?.id ?? 0;
  const added = events.filter((event) => event.id > newest).sort((a, b) => b.id - a.id);
  if (added.length === 0) return list;
  const all = [...added, ...list.events];
  if (all.length <= MAX_EVENTS) return { events: all, next: list.next };
  const kept = all.slice(0, MAX_EVENTS);
  return { events: kept, next: kept[MAX_EVENTS - 1]?.id ?? null };
}

/** Adds the next page of older events. */
export function withOlder(list: EventPage, page: EventPage): EventPage {
  const oldest = list.events.at(-1)?.id ?? Infinity;
  return { events: [...list.events, ...page.events.filter((event) => event.id < oldest)], next: page.next };
}

/**
 * Updates a list with the newest page, after a time without a connection. If more happened than that page holds, the
 * list starts over with it, so that there is never a hidden gap.
 */
export function withNewestPage(list: EventPage, page: EventPage): EventPage {
  const newest = list.events[0]?.id ?? 0;
  const oldestOfPage = page.events.at(-1)?.id ?? 0;
  const reaches = page.next === null || oldestOfPage <= newest;
  return reaches ? withNewer(list, page.events) : page;
}
