import { z } from 'zod';

/** No longer follow the output of a command. */
export const unwatchSchema = z.object({ t: z.literal('unwatch'), commandId: z.string().max(64) });
