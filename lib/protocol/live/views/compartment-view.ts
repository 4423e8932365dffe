import { z } from 'zod';
import { COMPARTMENT_STATUSES } from '../../compartment-names';
import { OPERATION_IDS } from '../../operation-ids';

export const compartmentViewSchema = z.object({
  status: z.enum(COMPARTMENT_STATUSES),
  /** What is known, as a sentence. */
  message: z.string(),
  /** When this was determined; null when nothing is known, and for the agent, which is as old as the host's `lastSeenAt`. */
  checkedAt: z.number().nullable(),
  /** The operation that would fix it; null when there is none. */
  next: z.enum(OPERATION_IDS).nullable(),
});
export type CompartmentView = z.infer<typeof compartmentViewSchema>;
