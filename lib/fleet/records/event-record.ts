/** The record of an event before it is stored: the store adds its id, and its place in the chain. */
import type { CodedEvent, EventCode } from '../events/event-table';

/** Who, when, from where, and about what. */
export interface EventHead {
  at: number;
  actorKind: 'operator' | 'agent' | 'dashboard';
  actor: string;
  userId: string | null;
  address: string;
  hostId: string | null;
  hostName: string;
  commandId: string | null;
}

/** An event by its code, with the parameters of that code; a union over all codes. */
export type NewEvent<Code extends EventCode = EventCode> = EventHead & CodedEvent<Code>;
