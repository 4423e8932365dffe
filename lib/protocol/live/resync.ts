import { z } from 'zod';

/** After a gap: send everything again. */
export const resyncSchema = z.object({ t: z.literal('resync') });
