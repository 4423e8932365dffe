import { z } from 'zod';

/** The first message: what the page was painted with, if anything; the dashboard answers with what is missing. */
export const browserHelloSchema = z.object({
  t: z.literal('hello'),
  epoch: z.string().max(64).optional(),
  version: z.number().int().min(0).optional(),
});
