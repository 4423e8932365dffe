/** The stored record of an event. */
import type { EventCategory, EventLevel } from '@/lib/protocol/event-categories';

export interface NewEvent {
  at: number;
  category: EventCategory;
  level: EventLevel;
  action: string;
  actorKind: 'operator' | 'agent' | 'dashboard';
  actor: string;
  userId: string | null;
  address: string;
  hostId: string | null;
  hostName: string;
  commandId: string | null;
  outcome: string;
  message: string;
  /** Further facts, JSON-serialisable. Never secrets. */
  data?: Record<string, unknown>;
}
