import { z } from 'zod';
import { COMMAND_OUTCOMES } from '../../command-phases';
import { OPERATION_IDS } from '../../operation-ids';
import { PIPELINE_HOST_STATUSES, PIPELINE_KINDS, PIPELINE_OUTCOMES } from '../../pipeline-kinds';

/** One stage of a pipeline on one host, or the stage that the dashboard does before all hosts. */
export const pipelineStepViewSchema = z.object({
  /** `waiting`: the host can't take it yet; `reason` says why. */
  status: z.enum(['waiting', 'running', 'done', 'failed']),
  /** Its output; null where no command was sent. */
  commandId: z.string().nullable(),
  outcome: z.enum(COMMAND_OUTCOMES).nullable(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  reason: z.string(),
});
export type PipelineStepView = z.infer<typeof pipelineStepViewSchema>;

export const pipelineHostViewSchema = z.object({
  hostId: z.string(),
  name: z.string(),
  status: z.enum(PIPELINE_HOST_STATUSES),
  /** One for each stage that has started, in order. */
  steps: z.array(pipelineStepViewSchema),
  /** Why the host failed or was skipped; empty otherwise. */
  reason: z.string(),
});
export type PipelineHostView = z.infer<typeof pipelineHostViewSchema>;

/** A pipeline without its hosts, as lists show it. */
export const pipelineSummarySchema = z.object({
  id: z.string(),
  kind: z.enum(PIPELINE_KINDS),
  /** All stages in order, including the one that the dashboard does. */
  stages: z.array(z.enum(OPERATION_IDS)),
  parallelism: z.number(),
  stopOnFailure: z.boolean(),
  phase: z.enum(['running', 'cancelling', 'ended']),
  outcome: z.enum(PIPELINE_OUTCOMES).nullable(),
  /** How it ended, or why it starts no further stage. A sentence; may be empty while it runs. */
  reason: z.string(),
  /** The stage that the dashboard does once, before the hosts; null when there is none. */
  prelude: pipelineStepViewSchema.nullable(),
  counts: z.record(z.enum(PIPELINE_HOST_STATUSES), z.number()),
  /** Who requested it. */
  by: z.string(),
  createdAt: z.number(),
  endedAt: z.number().nullable(),
});
export type PipelineSummary = z.infer<typeof pipelineSummarySchema>;

export const pipelineViewSchema = pipelineSummarySchema.extend({
  hosts: z.array(pipelineHostViewSchema),
});
export type PipelineView = z.infer<typeof pipelineViewSchema>;
