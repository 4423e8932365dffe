import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

/** The name of each pipeline, on its button and in sentences. */
export const PIPELINE_LABELS: Readonly<Record<PipelineKind, string>> = {
  'do-all': 'Do all',
  'merge-deploy': 'Merge and deploy',
  'update-agent': 'Update agent',
  'force-rebuild': 'Force rebuild',
  custom: 'Custom',
};
