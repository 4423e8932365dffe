/**
 * The table of pipelines: operations in order over hosts. Pages, actions, the pipeline's state machine and the tests
 * read it; nothing repeats it.
 */
import { OPERATION_IDS, type OperationId, type PipelineKind } from '@/lib/protocol/live';
import { OPERATIONS } from '../operations/operations';
import { requiresStepUp } from '../operations/operation-rules';

/** Hosts that work at the same time when the operator does not say. */
export const DEFAULT_PARALLELISM = 10;
export const MAX_PIPELINE_HOSTS = 4_096;
export const MAX_STAGES = 8;
/** Pipelines at the same time; one more is refused. */
export const MAX_RUNNING_PIPELINES = 16;

export interface Pipeline {
  kind: PipelineKind;
  /** As on a button. */
  label: string;
  /** What it does, as a sentence. */
  description: string;
  /** In order; empty where the operator picks them. */
  stages: readonly OperationId[];
}

export const PIPELINES: Readonly<Record<PipelineKind, Pipeline>> = {
  'do-all': {
    kind: 'do-all',
    label: 'Do all',
    description: 'Pulls, then switches, then tests.',
    stages: ['pull', 'switch', 'test'],
  },
  'merge-deploy': {
    kind: 'merge-deploy',
    label: 'Merge and deploy',
    description: 'Merges the open flake update, then pulls, switches and tests on each host.',
    stages: ['merge-pr', 'pull', 'switch', 'test'],
  },
  'update-agent': {
    kind: 'update-agent',
    label: 'Update agent',
    description: 'Pulls and switches, which brings each host the agent that the configuration names.',
    stages: ['pull', 'switch'],
  },
  'force-rebuild': {
    kind: 'force-rebuild',
    label: 'Force rebuild',
    description:
      'Updates the agent’s input on each host, rebuilds past the binary cache’s old answers, and restarts the agent.',
    stages: ['force-update', 'restart'],
  },
  custom: {
    kind: 'custom',
    label: 'Custom',
    description: 'The operations that you pick, in your order.',
    stages: [],
  },
};

/**
 * Whether an operation makes sense as one of several: what a host does by itself and what ends by itself. Not a stop or
 * a kill, which are about another command, and not what the dashboard does to its own records.
 */
export function isStage(id: OperationId): boolean {
  const { runs, ends } = OPERATIONS[id];
  return id === 'merge-pr' || (runs === 'agent' && ends !== 'target');
}

/** What an operator may pick from. */
export const STAGE_CHOICES: readonly OperationId[] = OPERATION_IDS.filter(isStage);

/** True for a stage that the dashboard does once, before any host begins. */
export function isPrelude(id: OperationId): boolean {
  return OPERATIONS[id].runs === 'dashboard';
}

/** The part of the stages that each host goes through. */
export function hostStages(stages: readonly OperationId[]): readonly OperationId[] {
  return stages.filter((id) => !isPrelude(id));
}

/** Why these stages can't be a pipeline, as a sentence, or null. */
export function stagesProblem(stages: readonly OperationId[]): string | null {
  if (stages.length > MAX_STAGES) return `A pipeline has at most ${MAX_STAGES} stages.`;
  const wrong = stages.find((id) => !isStage(id));
  if (wrong) return `${OPERATIONS[wrong].label} can’t be a stage of a pipeline.`;
  const late = stages.find((id, index) => index > 0 && isPrelude(id));
  if (late) return `${OPERATIONS[late].label} is done once, before the hosts begin: it can only be the first stage.`;
  return hostStages(stages).length === 0 ? 'Pick at least one operation for the hosts.' : null;
}

/** The first stage that needs a fresh proof of who asks, on this many hosts; null when none does. It is given once. */
export function stageToProve(stages: readonly OperationId[], hostCount: number): OperationId | null {
  return stages.find((id) => requiresStepUp(id, hostCount)) ?? null;
}
