import { z } from 'zod';
import { outputLine } from '@/lib/text/plain-text';
import { outputStream } from './fields';

/** Protocol 2: one line of the command that runs. */
export const outputSchema = z.object({
  line: z
    .string()
    .nullish()
    .transform((value) => outputLine(value ?? '')),
  stream: outputStream,
});
