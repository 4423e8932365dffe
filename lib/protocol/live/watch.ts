import { z } from 'zod';

/** Follow the output of a command, from the line after `after`. */
export const watchSchema = z.object({
  t: z.literal('watch'),
  commandId: z.string().max(64),
  after: z.number().int().min(0),
});
