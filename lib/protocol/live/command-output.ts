import { z } from 'zod';
import { outputLineSchema } from './views/output-line';

/** Lines of a command that this browser watches. */
export const commandOutputSchema = z.object({
  t: z.literal('output'),
  commandId: z.string(),
  lines: z.array(outputLineSchema),
  /** After the last line of an ended command. */
  done: z.literal(true).optional(),
});
