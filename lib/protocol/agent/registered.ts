import { z } from 'zod';
import { nameList } from './fields';
import { MAX_NAMES } from './frame-limits';
import type { PROTOCOL_WITH_IDS } from './generations';
import { sentAs } from './sent-as';

/** The host is admitted. Sent again, it asks for a fresh heartbeat. */
export const registeredSchema = z.object({
  host_id: sentAs<string>()(z.string().optional()),
  /** Only sent to an agent that registered with it. */
  protocol: sentAs<typeof PROTOCOL_WITH_IDS>()(z.number()).optional(),
  /**
   * The types of frames, and later other additions, that this dashboard reads beyond those of 4.0.0 (`accepts.ts`). Only
   * sent with `protocol`. Absent: none.
   */
  accepts: nameList({ pattern: /^[a-z0-9_-]{1,40}$/, max: MAX_NAMES }).optional(),
});
