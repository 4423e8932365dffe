import { z } from 'zod';

/**
 * The first message: the version that the page was rendered with, if any. The dashboard answers with what is missing. Sent
 * again by a page that ignored changes in the background.
 */
export const browserHelloSchema = z.object({
  t: z.literal('hello'),
  epoch: z.string().max(64).optional(),
  version: z.number().int().min(0).optional(),
});
