import type { EventCategory, EventLevel } from '../../event-categories';

export interface EventView {
  id: number;
  at: number;
  category: EventCategory;
  level: EventLevel;
  /** What happened, in dotted form: `command.ended`. */
  action: string;
  /** Who: an operator's name, `agent <name>` or `dashboard`. */
  actor: string;
  address: string;
  hostId: string | null;
  hostName: string;
  commandId: string | null;
  outcome: string;
  /** A sentence for a person. */
  message: string;
}
