import { z } from 'zod';
import { COMPARTMENT_STATUSES } from '../../compartment-names';
import { OPERATION_IDS } from '../../operation-ids';

export const compartmentViewSchema = z.object({
  status: z.enum(COMPARTMENT_STATUSES),
  /** The fact, as a sentence. */
  message: z.string(),
  /** When the fact was learnt; null when there is none. */
  checkedAt: z.number().nullable(),
  /** The operation that would mend it, when there is one. */
  next: z.enum(OPERATION_IDS).nullable(),
});
export type CompartmentView = z.infer<typeof compartmentViewSchema>;
