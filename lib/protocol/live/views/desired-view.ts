import { z } from 'zod';

export const desiredViewSchema = z.object({
  source: z.enum(['none', 'feed', 'git']),
  branch: z.string(),
  commit: z.string(),
  message: z.string(),
  committedAt: z.number().nullable(),
  commitUrl: z.string().nullable(),
  fetchedAt: z.number().nullable(),
  error: z.object({ message: z.string(), since: z.number() }).nullable(),
  hint: z.string().nullable(),
});
export type DesiredView = z.infer<typeof desiredViewSchema>;
