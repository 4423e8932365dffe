import { z } from 'zod';
import { outputLine } from '@/lib/text/plain-text';
import { boundedArray } from '../bounded';
import { commandId, count, outputStream } from './fields';
import { MAX_BATCH_LINES } from './frame-limits';

/** Protocol 3: numbered lines of one command, first number 1, no gaps, at most 500 a frame. */
export const outputBatchSchema = z.object({
  command_id: commandId,
  lines: boundedArray(
    z.object({
      seq: count.min(1),
      stream: outputStream,
      line: z.string().transform((value) => outputLine(value)),
    }),
    { min: 1, max: MAX_BATCH_LINES },
  ),
});
