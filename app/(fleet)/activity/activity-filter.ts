/** The filter of the activity page, as encoded in its address. */
import { z } from 'zod';
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import type { EventCategory } from '@/lib/protocol/event-categories';
import type { EventView } from '@/lib/protocol/live/views/event-view';

export const CATEGORIES = ['fleet', 'command', 'agent', 'auth', 'system'] as const satisfies readonly EventCategory[];

export const CATEGORY_WORDS: Record<EventCategory, string> = {
  fleet: 'Fleet',
  command: 'Commands',
  agent: 'Agents',
  auth: 'Sign-in',
  system: 'Dashboard',
};

export interface ActivityFilter {
  category: EventCategory | null;
  hostId: string | null;
  /** Free text; empty for all. */
  text: string;
}

export const NO_FILTER: ActivityFilter = { category: null, hostId: null, text: '' };
const MAX_QUERY = 200;

/** Validates a filter sent by a browser. */
export const activityFilterSchema = z.object({
  category: z.enum(CATEGORIES).nullable(),
  hostId: z.string().min(1).max(64).nullable(),
  text: z.string().max(MAX_QUERY),
});

/** Parses the filter from an address; invalid values count as not set. */
export function filterFrom(parameters: { get(name: string): string | null }): ActivityFilter {
  const hostId = parameters.get('host') ?? '';
  return {
    category: CATEGORIES.find((category) => category === parameters.get('category')) ?? null,
    hostId: hostId !== '' && hostId.length <= 64 ? hostId : null,
    text: (parameters.get('q') ?? '').slice(0, MAX_QUERY),
  };
}

/** The query string of a filter, with its question mark; empty for no filter. */
export function filterQuery(filter: ActivityFilter, more: Record<string, string> = {}): string {
  const parameters = new URLSearchParams();
  if (filter.category) parameters.set('category', filter.category);
  if (filter.hostId) parameters.set('host', filter.hostId);
  if (filter.text !== '') parameters.set('q', filter.text);
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  const query = parameters.toString();
  return query === '' ? '' : `?${query}`;
}

/** True when an event matches the filter: every word of its text occurs somewhere in the event. */
export function matchesFilter(event: EventView, filter: ActivityFilter): boolean {
  if (filter.category && event.category !== filter.category) return false;
  if (filter.hostId && event.hostId !== filter.hostId) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { action, actor, address, hostName, outcome, level } = event;
  const text = [eventSentence(event), action, actor, address, hostName, outcome, level].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}
