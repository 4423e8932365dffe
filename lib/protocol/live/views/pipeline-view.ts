import type { OperationId } from '../../operation-ids';
import type { CommandOutcome } from '../../command-phases';
import type { PipelineHostStatus, PipelineKind, PipelineOutcome } from '../../pipeline-kinds';

/** One stage of a pipeline on one host, or the one that the dashboard does before all hosts. */
export interface PipelineStepView {
  /** `waiting`: the host can't take it yet; `reason` says why. */
  status: 'waiting' | 'running' | 'done' | 'failed';
  /** Its output; null where no command was sent. */
  commandId: string | null;
  outcome: CommandOutcome | null;
  startedAt: number;
  endedAt: number | null;
  reason: string;
}

export interface PipelineHostView {
  hostId: string;
  name: string;
  status: PipelineHostStatus;
  /** One for each stage that was begun, in order. */
  steps: PipelineStepView[];
  /** Why it dropped out or was skipped; empty otherwise. */
  reason: string;
}

/** A pipeline without its hosts, as lists show it. */
export interface PipelineSummary {
  id: string;
  kind: PipelineKind;
  /** All stages in order, also the one that the dashboard does. */
  stages: OperationId[];
  parallelism: number;
  stopOnFailure: boolean;
  phase: 'running' | 'cancelling' | 'ended';
  outcome: PipelineOutcome | null;
  /** How it ended, or why it begins nothing more. A sentence; may be empty while it runs. */
  reason: string;
  /** The stage that the dashboard does once, before the hosts; null when there is none. */
  prelude: PipelineStepView | null;
  counts: Record<PipelineHostStatus, number>;
  /** Who asked for it. */
  by: string;
  createdAt: number;
  endedAt: number | null;
}

export interface PipelineView extends PipelineSummary {
  hosts: PipelineHostView[];
}
