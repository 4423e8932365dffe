/** Samples of the events in `pipeline-event-kinds.ts`. */
import type { PIPELINE_EVENT_KINDS } from '../../events/pipeline-event-kinds';
import type { EventSamples } from './event-sample';

const PIPELINE = { pipelineId: 'p1', kind: 'do-all' as const, stages: ['pull' as const, 'switch' as const] };

export const PIPELINE_EVENT_SAMPLES: EventSamples<keyof typeof PIPELINE_EVENT_KINDS> = {
  'pipeline.started': [
    {
      params: { ...PIPELINE, hosts: 1, skipped: 0 },
      sentence: 'The pipeline “Do all” (pull, switch) was started on 1 host.',
    },
    {
      params: { ...PIPELINE, kind: 'custom', hosts: 3, skipped: 2 },
      sentence: 'The pipeline “Custom” (pull, switch) was started on 3 hosts; 2 hosts skipped.',
    },
  ],
  'pipeline.cancelled': [
    {
      params: { ...PIPELINE, stopRunning: true },
      sentence: 'The pipeline “Do all” was cancelled. Running commands are being stopped.',
    },
    {
      params: { ...PIPELINE, stopRunning: false },
      sentence: 'The pipeline “Do all” was cancelled. Running commands continue until they end.',
    },
  ],
  'pipeline.ended': [
    {
      params: { ...PIPELINE, outcome: 'partial', reason: '1 of 2 hosts failed.' },
      sentence: 'The pipeline “Do all” was partly done. 1 of 2 hosts failed.',
    },
  ],
};
