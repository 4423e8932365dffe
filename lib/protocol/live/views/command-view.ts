import { z } from 'zod';
import { COMMAND_OUTCOMES, COMMAND_PHASES } from '../../command-phases';
import { OPERATION_IDS } from '../../operation-ids';

export const progressViewSchema = z.object({
  /** The phase that the agent reports or that the output shows ("building"). */
  label: z.string(),
  current: z.number(),
  total: z.number(),
});
export type ProgressView = z.infer<typeof progressViewSchema>;

export const commandViewSchema = z.object({
  id: z.string(),
  hostId: z.string(),
  operation: z.enum(OPERATION_IDS),
  phase: z.enum(COMMAND_PHASES),
  outcome: z.enum(COMMAND_OUTCOMES).nullable(),
  /** Why it ended this way, or what it waits for. A sentence; may be empty while it runs. */
  reason: z.string(),
  progress: progressViewSchema.nullable(),
  createdAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  exitCode: z.number().nullable(),
  /** The generation that it switches to; null for every other operation. */
  generation: z.number().nullable(),
  /** Who requested it. */
  by: z.string(),
  /** Number of the last stored output line. */
  lines: z.number(),
  /** While it waits for its host to reconnect: when it expires. */
  expiresAt: z.number().nullable(),
});
export type CommandView = z.infer<typeof commandViewSchema>;
