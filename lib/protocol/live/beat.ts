import { z } from 'zod';

/** Proves that the connection works while there is nothing else to send. */
export const beatSchema = z.object({ t: z.literal('beat') });
