/** How an agent gets its host token: `POST /api/agents/enrol`, once, with a code that the operator created. */
import { z } from 'zod';

export const ENROL_PATH = '/api/agents/enrol';
export const MAX_ENROL_BODY_BYTES = 4 * 1024;

export const enrolRequestSchema = z.object({
  code: z.string().min(1).max(256),
  hostname: z.string().min(1).max(256),
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

/** The answer with 200. Any other status comes with `{"error": "<a sentence>"}`. */
export const enrolledSchema = z.object({ token: z.string().regex(/^[\x21-\x7e]{16,512}$/), host_id: z.string() });
export const enrolErrorSchema = z.object({ error: z.string() });
