import { z } from 'zod';

/** The first message: which build the page must be of, and the dashboard's time. */
export const dashboardHelloSchema = z.object({
  t: z.literal('hello'),
  buildId: z.string(),
  serverTime: z.number(),
  demo: z.boolean(),
});
