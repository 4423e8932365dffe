import { z } from 'zod';

/** The host is admitted; sent again, it asks for a fresh heartbeat. */
export const registeredSchema = z.object({
  host_id: z.string().optional(),
  protocol: z.number().optional(),
  server_time: z.string().optional(),
});
