/** The states of a pipeline and of its hosts' stages, as they are stored. */
import { z } from 'zod';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import {
  PIPELINE_KINDS,
  PIPELINE_OUTCOMES,
  type PipelineKind,
  type PipelineHostStatus,
  type PipelineOutcome,
} from '@/lib/protocol/pipeline-kinds';

const time = z.number();

/** One stage on one host. A stage that waits has a deadline; one that runs has a command, which has its own. */
export const pipelineStepSchema = z.discriminatedUnion('status', [
  /** The host can't run it yet (busy, offline): retried until `until`. `reason`: what it waits for. */
  z.object({ status: z.literal('waiting'), since: time, until: time, reason: z.string() }),
  z.object({ status: z.literal('running'), startedAt: time, commandId: z.string() }),
  z.object({
    status: z.literal('done'),
    startedAt: time,
    endedAt: time,
    /** Null if there was nothing to do and no command was sent. */
    commandId: z.string().nullable(),
    outcome: z.enum(COMMAND_OUTCOMES),
    reason: z.string(),
  }),
  z.object({
    status: z.literal('failed'),
    startedAt: time,
    endedAt: time,
    /** Null if the command was never sent. */
    commandId: z.string().nullable(),
    outcome: z.enum(COMMAND_OUTCOMES).nullable(),
    reason: z.string(),
  }),
]);
export type PipelineStep = z.infer<typeof pipelineStepSchema>;

export const pipelineStepsSchema = z.array(pipelineStepSchema);

/** The stage that the dashboard runs once, before any host starts. */
const prelude = z.discriminatedUnion('status', [
  /** Also after a restart: it is requested again, which is safe to repeat. */
  z.object({ status: z.literal('running'), startedAt: time }),
  z.object({ status: z.literal('done'), startedAt: time, endedAt: time, reason: z.string() }),
  z.object({ status: z.literal('failed'), startedAt: time, endedAt: time, reason: z.string() }),
]);
export type PipelinePrelude = z.infer<typeof prelude>;

export const pipelineStateSchema = z.object({
  prelude: prelude.nullable(),
  /** Why no further stage is started on any host; null while the pipeline continues. */
  halt: z.object({ cause: z.enum(['operator', 'failure']), reason: z.string() }).nullable(),
});
export type PipelineState = z.infer<typeof pipelineStateSchema>;

export const pipelineKindSchema = z.enum(PIPELINE_KINDS);
export const pipelineStagesSchema = z.array(z.enum(OPERATION_IDS)).min(1);
export const pipelineOutcomeSchema = z.enum(PIPELINE_OUTCOMES).nullable();

export interface PipelineRecord {
  id: string;
  kind: PipelineKind;
  stages: readonly OperationId[];
  /** Arguments of the stages: the number of a pull request; null for most. */
  args: Record<string, unknown> | null;
  /** A repeated request with the same id makes no second pipeline. */
  requestId: string;
  /** Hosts that run at the same time. */
  parallelism: number;
  /** No further stage starts once a host has failed. */
  stopOnFailure: boolean;
  /** Overrides preconditions that can be forced. */
  forced: boolean;
  phase: 'running' | 'cancelling' | 'ended';
  state: PipelineState;
  outcome: PipelineOutcome | null;
  /** How it ended, as a sentence; empty before. */
  reason: string;
  userId: string;
  userName: string;
  address: string;
  createdAt: number;
  endedAt: number | null;
}

/** The progress of a pipeline on one host. */
export interface PipelineHostRecord {
  pipelineId: string;
  hostId: string;
  /** Stored as well as the id, because the host may be removed later. */
  hostName: string;
  position: number;
  /** Index among the host stages: the current or last one. */
  stage: number;
  /**
   * `waiting`: not started; `rolled-back`: a switch failed there, and the host went back to the previous system;
   * `skipped`: did not run, without a failure on the host.
   */
  status: PipelineHostStatus;
  /** The command of the current or last stage. */
  commandId: string | null;
  /** One for each stage that was started. */
  steps: readonly PipelineStep[];
  /** Why it failed or was skipped; empty otherwise. */
  reason: string;
}

/** A pipeline with all of its hosts, in their order. */
export interface PipelineRun {
  pipeline: PipelineRecord;
  hosts: readonly PipelineHostRecord[];
}

export type PipelineCounts = Record<PipelineHostRecord['status'], number>;
