import { z } from 'zod';

/** A problem with the dashboard itself, shown on every page until it is fixed. */
export const serviceNoticeSchema = z.object({
  level: z.enum(['warning', 'error']),
  message: z.string(),
});
export type ServiceNotice = z.infer<typeof serviceNoticeSchema>;
