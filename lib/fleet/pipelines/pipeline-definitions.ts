/**
 * The table of pipelines: operations in order over hosts. Pages, actions, the pipeline's state machine and the tests
 * read it; nothing repeats it.
 */
import { nounPhrase } from '../operations/operation-words';
import { OPERATIONS } from '../operations/operations';
import { PIPELINE_LABELS } from './pipeline-labels';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

/** Hosts that run at the same time unless the operator chooses otherwise. */
export const DEFAULT_PARALLELISM = 10;
export const MAX_PIPELINE_HOSTS = 4_096;
export const MAX_STAGES = 8;
/** Pipelines that may run at the same time; further ones are refused. */
export const MAX_RUNNING_PIPELINES = 16;

export interface PipelineDefinition {
  kind: PipelineKind;
  /** The text of its button. */
  label: string;
  /** What it does, as a sentence. */
  description: string;
  /** In order; empty for `custom`, where the operator picks them. */
  stages: readonly OperationId[];
}

export const PIPELINES: Readonly<Record<PipelineKind, PipelineDefinition>> = {
  'do-all': {
    kind: 'do-all',
    label: PIPELINE_LABELS['do-all'],
    description: 'Pulls, then switches, then tests.',
    stages: ['pull', 'switch', 'test'],
  },
  'merge-deploy': {
    kind: 'merge-deploy',
    label: PIPELINE_LABELS['merge-deploy'],
    description: 'Merges the open flake update, then pulls, switches and tests on each host.',
    stages: ['merge-pr', 'pull', 'switch', 'test'],
  },
  'update-agent': {
    kind: 'update-agent',
    label: PIPELINE_LABELS['update-agent'],
    description: 'Pulls and switches, which installs the agent version that the configuration names on each host.',
    stages: ['pull', 'switch'],
  },
  'force-rebuild': {
    kind: 'force-rebuild',
    label: PIPELINE_LABELS['force-rebuild'],
    description:
      'Updates the agent’s input on each host, rebuilds with fresh lookups in the binary cache, and restarts the agent.',
    stages: ['force-update', 'restart'],
  },
  custom: {
    kind: 'custom',
    label: PIPELINE_LABELS.custom,
    description: 'Runs the operations you pick, in your order.',
    stages: [],
  },
};

/**
 * Whether an operation can be a stage: the agent runs it, it ends by itself, and it can be sent to any number of hosts.
 * Stop and kill act on another command, and dashboard operations change the dashboard's records only, except for the merge.
 */
export function isStage(id: OperationId): boolean {
  const { runs, ends, oneHost } = OPERATIONS[id];
  return id === 'merge-pr' || (runs === 'agent' && ends !== 'target' && !oneHost);
}

/** The operations an operator may pick for a custom pipeline. */
export const STAGE_CHOICES: readonly OperationId[] = OPERATION_IDS.filter(isStage);

/** True for a stage that the dashboard runs once, before any host starts. */
export function isPrelude(id: OperationId): boolean {
  return OPERATIONS[id].runs === 'dashboard';
}

/** The stages that run on each host. */
export function hostStages(stages: readonly OperationId[]): readonly OperationId[] {
  return stages.filter((id) => !isPrelude(id));
}

/** Why these stages can't be a pipeline, as a sentence, or null. */
export function stagesProblem(stages: readonly OperationId[]): string | null {
  if (stages.length > MAX_STAGES) return `A pipeline has at most ${MAX_STAGES} stages.`;
  const wrong = stages.find((id) => !isStage(id));
  if (wrong) return `The ${nounPhrase(wrong)} can’t be a stage of a pipeline.`;
  const late = stages.find((id, index) => index > 0 && isPrelude(id));
  if (late) return `The ${nounPhrase(late)} runs once, before the hosts start: it can only be the first stage.`;
  return hostStages(stages).length === 0 ? 'Pick at least one operation for the hosts.' : null;
}
