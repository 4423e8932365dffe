import { z } from 'zod';

/** The dashboard is about to restart: reconnect soon. */
export const goodbyeSchema = z.object({ t: z.literal('goodbye'), reason: z.string() });
