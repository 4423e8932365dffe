import { z } from 'zod';
import { COMMAND_OUTCOMES, COMMAND_PHASES } from '../../command-phases';
import { OPERATION_IDS } from '../../operation-ids';
import { CHECK_KINDS, CHECK_STATUSES, CONFIRMATION_STAGES } from '../../agent/confirmation';
import { MAX_CHECKS } from '../../agent/frame-limits';

export const progressViewSchema = z.object({
  /** The phase that the agent reports or that the output shows ("building"). */
  label: z.string(),
  current: z.number(),
  total: z.number(),
});
export type ProgressView = z.infer<typeof progressViewSchema>;

const checkViewSchema = z.object({
  name: z.string(),
  kind: z.enum(CHECK_KINDS),
  status: z.enum(CHECK_STATUSES),
  /** Before the switch. */
  before: z.enum(CHECK_STATUSES),
  /** A failure takes the switch back; else it is only shown. */
  enforced: z.boolean(),
  reason: z.string(),
  /** How long its last run took, in milliseconds. */
  tookMs: z.number().nullable(),
});
export type CheckView = z.infer<typeof checkViewSchema>;

/** A confirmed switch: what its agent reported last, and the answer. */
export const confirmationViewSchema = z.object({
  stage: z.enum(CONFIRMATION_STAGES),
  /** When the host goes back by itself; null without an armed timer. */
  endsAt: z.number().nullable(),
  /** An agent has connected after the activation. */
  reached: z.boolean(),
  checks: z.array(checkViewSchema).max(MAX_CHECKS),
  /** Why it goes back, as a clause; empty unless it does. */
  reason: z.string(),
  /** Store paths of the new system and of the previous one. */
  system: z.string(),
  previous: z.string(),
  /** `by`: the operator; empty when the dashboard answered by itself. */
  answer: z.object({ keep: z.boolean(), by: z.string() }).nullable(),
});
export type ConfirmationView = z.infer<typeof confirmationViewSchema>;

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
  /** Null for what is no confirmed switch, and before its agent reports on the confirmation. */
  confirmation: confirmationViewSchema.nullable(),
});
export type CommandView = z.infer<typeof commandViewSchema>;
