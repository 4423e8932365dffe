export const PIPELINE_KINDS = ['do-all', 'merge-deploy', 'update-agent', 'force-rebuild', 'custom'] as const;
export type PipelineKind = (typeof PIPELINE_KINDS)[number];

/**
 * `succeeded`: every host completed all stages; `partial`: some did; `failed`: none did; `cancelled`: an operator
 * cancelled it.
 */
export const PIPELINE_OUTCOMES = ['succeeded', 'partial', 'failed', 'cancelled'] as const;
export type PipelineOutcome = (typeof PIPELINE_OUTCOMES)[number];

export const PIPELINE_HOST_STATUSES = [
  'waiting',
  'running',
  'done',
  'failed',
  'rolled-back',
  'refused',
  'skipped',
] as const;
export type PipelineHostStatus = (typeof PIPELINE_HOST_STATUSES)[number];
