import { z } from 'zod';

/** Something that is wrong with the dashboard itself, shown on every page until it is mended. */
export const serviceNoticeSchema = z.object({
  level: z.enum(['warning', 'error']),
  message: z.string(),
});
export type ServiceNotice = z.infer<typeof serviceNoticeSchema>;
