import { z } from 'zod';
import { EVENT_CATEGORIES, EVENT_LEVELS } from '../../event-categories';

export const eventViewSchema = z.object({
  id: z.number(),
  at: z.number(),
  category: z.enum(EVENT_CATEGORIES),
  level: z.enum(EVENT_LEVELS),
  /** The code of the event: `command.ended`. */
  action: z.string(),
  /** Who: an operator's name, `agent <name>` or `dashboard`. */
  actor: z.string(),
  address: z.string(),
  hostId: z.string().nullable(),
  hostName: z.string(),
  commandId: z.string().nullable(),
  outcome: z.string(),
  /** The facts of the event, by its code; empty in an event with a message. */
  params: z.record(z.string(), z.unknown()),
  /** The sentence that was stored with an event from before 4.1.0 or from another dashboard. Others have none. */
  message: z.string().optional(),
});
export type EventView = z.infer<typeof eventViewSchema>;
