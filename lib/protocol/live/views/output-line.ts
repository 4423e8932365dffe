import { z } from 'zod';
import { OUTPUT_STREAMS } from '../../output-stream';

/** One line of a command's output. `text` keeps colours (SGR) and no other control sequence. */
export const outputLineSchema = z.object({
  seq: z.number(),
  at: z.number(),
  /** `note`: written by the dashboard, not by the host ("3 lines are missing here"). */
  stream: z.enum([...OUTPUT_STREAMS, 'note']),
  text: z.string(),
});
export type OutputLine = z.infer<typeof outputLineSchema>;
