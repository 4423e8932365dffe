import { z } from 'zod';

/** Asks for a `pong`. */
export const pingSchema = z.object({ t: z.literal('ping') });
