/** Events of pipelines. */
import { z } from 'zod';
import { nounPhrase, OUTCOME_PHRASES } from '../operations/operation-words';
import { PIPELINE_LABELS } from '../pipelines/pipeline-labels';
import { eventKind } from './event-kind';
import { counted } from '@/lib/text/counted';
import type { EventLevel } from '@/lib/protocol/event-categories';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import {
  PIPELINE_KINDS,
  PIPELINE_OUTCOMES,
  type PipelineKind,
  type PipelineOutcome,
} from '@/lib/protocol/pipeline-kinds';

const LEVELS: Readonly<Record<PipelineOutcome, EventLevel>> = {
  succeeded: 'success',
  partial: 'warning',
  failed: 'error',
  cancelled: 'warning',
};

const pipeline = z.object({
  pipelineId: z.string(),
  kind: z.enum(PIPELINE_KINDS),
  stages: z.array(z.enum(OPERATION_IDS)),
});
const nameOf = ({ kind }: { kind: PipelineKind }) => `The pipeline “${PIPELINE_LABELS[kind]}”`;

export const PIPELINE_EVENT_KINDS = {
  /** `hosts`: those that it runs on; `skipped`: those that it does not. */
  'pipeline.started': eventKind({
    params: pipeline.extend({ hosts: z.number(), skipped: z.number() }),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: (params) => {
      const stages = params.stages.map((id) => nounPhrase(id)).join(', ');
      const rest = params.skipped === 0 ? '' : `; ${counted(params.skipped, 'host')} skipped`;
      return `${nameOf(params)} (${stages}) was started on ${counted(params.hosts, 'host')}${rest}.`;
    },
  }),
  'pipeline.cancelled': eventKind({
    params: pipeline.extend({ stopRunning: z.boolean() }),
    chain: 'main',
    category: 'command',
    level: 'warning',
    sentence: (params) => {
      const running = params.stopRunning
        ? 'Running commands are being stopped.'
        : 'Running commands continue until they end.';
      return `${nameOf(params)} was cancelled. ${running}`;
    },
  }),
  /** `reason`: that of the pipeline. */
  'pipeline.ended': eventKind({
    params: pipeline.extend({ outcome: z.enum(PIPELINE_OUTCOMES), reason: z.string() }),
    chain: 'main',
    category: 'command',
    level: ({ outcome }) => LEVELS[outcome],
    outcome: ({ outcome }) => outcome,
    sentence: (params) => `${nameOf(params)} ${OUTCOME_PHRASES[params.outcome]}. ${params.reason}`,
  }),
};
