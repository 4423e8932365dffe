import { z } from 'zod';

/** Answers a `ping`. */
export const pongSchema = z.object({ t: z.literal('pong'), serverTime: z.number() });
