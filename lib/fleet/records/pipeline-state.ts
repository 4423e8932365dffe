/** The states of a pipeline and of its hosts' stages, as they are stored. */
import { z } from 'zod';
import { COMMAND_OUTCOMES, OPERATION_IDS, PIPELINE_KINDS, PIPELINE_OUTCOMES } from '@/lib/protocol/live';
import type { OperationId, PipelineKind, PipelineOutcome } from '@/lib/protocol/live';

const time = z.number();

/** One stage on one host. A stage that waits has a deadline; one that runs has a command, which has its own. */
export const pipelineStepSchema = z.discriminatedUnion('status', [
  /** The host can't take it yet (busy, not back): tried again until then. `reason`: what it waits for. */
  z.object({ status: z.literal('waiting'), since: time, until: time, reason: z.string() }),
  z.object({ status: z.literal('running'), startedAt: time, commandId: z.string() }),
  z.object({
    status: z.literal('done'),
    startedAt: time,
    endedAt: time,
    /** Null where there was nothing to do, so that no command was sent. */
    commandId: z.string().nullable(),
    outcome: z.enum(COMMAND_OUTCOMES),
    reason: z.string(),
  }),
  z.object({
    status: z.literal('failed'),
    startedAt: time,
    endedAt: time,
    /** Null when the host never took it. */
    commandId: z.string().nullable(),
    outcome: z.enum(COMMAND_OUTCOMES).nullable(),
    reason: z.string(),
  }),
]);
export type PipelineStep = z.infer<typeof pipelineStepSchema>;

export const pipelineStepsSchema = z.array(pipelineStepSchema);

/** The stage that the dashboard does once, before any host begins. */
const prelude = z.discriminatedUnion('status', [
  /** Also after a restart in its middle: it is asked for again, which does nothing twice. */
  z.object({ status: z.literal('running'), startedAt: time }),
  z.object({ status: z.literal('done'), startedAt: time, endedAt: time, reason: z.string() }),
  z.object({ status: z.literal('failed'), startedAt: time, endedAt: time, reason: z.string() }),
]);
export type PipelinePrelude = z.infer<typeof prelude>;

export const pipelineStateSchema = z.object({
  prelude: prelude.nullable(),
  /** Why no further stage is begun, on any host; null while the pipeline goes on. */
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
  /** What the stages were given: the number of a pull request; null for most. */
  args: Record<string, unknown> | null;
  /** A repeated request with the same id makes no second pipeline. */
  requestId: string;
  /** Hosts that work at the same time. */
  parallelism: number;
  /** No further stage begins once a host failed. */
  stopOnFailure: boolean;
  /** Goes ahead where a precondition says that it may be forced. */
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

/** How far a pipeline has come on one host. */
export interface PipelineHostRecord {
  pipelineId: string;
  hostId: string;
  /** Kept beside the id: the host may be removed later. */
  hostName: string;
  position: number;
  /** Index, among the stages of hosts, of the one that it is at or ended with. */
  stage: number;
  /** `waiting`: not begun; `skipped`: told not to go on, without a fault of its own. */
  status: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  /** The command of the stage that it is at or ended with. */
  commandId: string | null;
  /** One for each stage that was begun. */
  steps: readonly PipelineStep[];
  /** Why it dropped out or was skipped; empty otherwise. */
  reason: string;
}

/** A pipeline with all of its hosts, in their order. */
export interface PipelineRun {
  pipeline: PipelineRecord;
  hosts: readonly PipelineHostRecord[];
}

export type PipelineCounts = Record<PipelineHostRecord['status'], number>;
