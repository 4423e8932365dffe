import { z } from 'zod';
import { commandId, count } from './fields';

/** Protocol 3: output up to and with `output_seq`, and/or the result, of this command is stored; the agent may forget it. */
export const ackSchema = z.object({
  command_id: commandId,
  output_seq: count.optional(),
  result: z.literal(true).optional(),
});
