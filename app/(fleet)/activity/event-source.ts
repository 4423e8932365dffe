import type { EventSource } from './event-pages';
import { runtime } from '@/lib/dashboard/runtime';
import type { Sees } from '@/lib/fleet/visible';

/** The fleet's events for an operator who sees these hosts. */
export function eventSource(sees: Sees): EventSource {
  return { read: (asked) => runtime().fleet.events(asked), sees };
}
