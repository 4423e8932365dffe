import { z } from 'zod';

/** End the running command by a signal. */
export const killCommandSchema = z.object({ signal: z.string().max(16), pid: z.number().int().min(0).optional() });
