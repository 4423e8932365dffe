import { z } from 'zod';

/** The command does not exist (any more), or its output can't be read. */
export const noOutputSchema = z.object({ t: z.literal('no-output'), commandId: z.string(), reason: z.string() });
