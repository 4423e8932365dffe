import { z } from 'zod';
import type { PROTOCOL_WITH_IDS } from './generations';
import { sentAs } from './sent-as';

/** The host is admitted. Sent again, it asks for a fresh heartbeat. */
export const registeredSchema = z.object({
  host_id: sentAs<string>()(z.string().optional()),
  /** Only sent to an agent that registered with it. */
  protocol: sentAs<typeof PROTOCOL_WITH_IDS>()(z.number()).optional(),
});
