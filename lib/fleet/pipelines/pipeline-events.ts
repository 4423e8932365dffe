/** What the table of events says of pipelines. */
import type { EventLevel, PipelineOutcome } from '@/lib/protocol/live';
import { BY_DASHBOARD, byOperator, NOBODY } from '../events';
import { OPERATIONS } from '../operations/operations';
import { countHosts } from './pipeline-machine';
import type { PipelineRecord, PipelineRun } from '../records/pipeline-state';
import { PIPELINES } from './pipeline-kinds';
import type { NewEvent } from '../records/event-record';
import type { Requester } from '../records/requests';

const LEVELS: Record<PipelineOutcome, EventLevel> = {
  succeeded: 'success',
  partial: 'warning',
  failed: 'error',
  cancelled: 'warning',
};

const hostsText = (count: number) => (count === 1 ? '1 host' : `${count} hosts`);

function common({ id, kind, stages }: PipelineRecord, at: number) {
  return { ...NOBODY, at, category: 'command' as const, data: { pipelineId: id, kind, stages: [...stages] } };
}

export function pipelineStarted({ pipeline, hosts }: PipelineRun, at: number, by: Requester): NewEvent {
  const { label } = PIPELINES[pipeline.kind];
  const stages = pipeline.stages.map((id) => OPERATIONS[id].label).join(', ');
  const { waiting, running, skipped } = countHosts(hosts);
  const left = skipped === 0 ? '' : `; ${hostsText(skipped)} skipped`;
  return {
    ...common(pipeline, at),
    ...byOperator(by),
    level: 'info',
    action: 'pipeline.started',
    message: `${label} (${stages}) was started on ${hostsText(waiting + running)}${left}.`,
  };
}

export function pipelineCancelled(pipeline: PipelineRecord, stopRunning: boolean, at: number, by: Requester): NewEvent {
  const running = stopRunning ? 'What runs is told to stop.' : 'What runs goes on to its end.';
  return {
    ...common(pipeline, at),
    ...byOperator(by),
    level: 'warning',
    action: 'pipeline.cancelled',
    message: `${PIPELINES[pipeline.kind].label} was cancelled. ${running}`,
  };
}

export function pipelineEnded(pipeline: PipelineRecord, at: number): NewEvent {
  const outcome = pipeline.outcome ?? 'failed';
  return {
    ...common(pipeline, at),
    level: LEVELS[outcome],
    action: 'pipeline.ended',
    ...BY_DASHBOARD,
    outcome,
    message: `${PIPELINES[pipeline.kind].label}: ${outcome}. ${pipeline.reason}`,
  };
}
