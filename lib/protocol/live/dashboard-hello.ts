import { z } from 'zod';

/** The first message: the build that serves the page, and the dashboard's time. */
export const dashboardHelloSchema = z.object({
  t: z.literal('hello'),
  buildId: z.string(),
  serverTime: z.number(),
  demo: z.boolean(),
});
