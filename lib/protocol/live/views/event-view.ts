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
  /** A sentence for a person. */
  message: z.string(),
});
export type EventView = z.infer<typeof eventViewSchema>;
