import { z } from 'zod';

/** The first message: the build that serves the page, and the dashboard's time. */
export const dashboardHelloSchema = z.object({
  t: z.literal('hello'),
  buildId: z.string(),
  serverTime: z.number(),
  demo: z.boolean(),
  /** Something is sent at least this often, in milliseconds. Absent: the dashboard sends no beats. */
  beatMs: z.number().optional(),
});
