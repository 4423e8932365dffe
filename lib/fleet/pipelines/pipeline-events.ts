/** The events of pipelines: one function per kind, with its sentence. */
import { BY_DASHBOARD, byOperator, NOBODY } from '../events';
import { nounPhrase } from '../operations/operation-words';
import { countHosts } from './pipeline-machine';
import type { PipelineRecord, PipelineRun } from '../records/pipeline-state';
import { PIPELINES } from './pipeline-definitions';
import type { NewEvent } from '../records/event-record';
import type { Requester } from '../records/requests';
import type { EventLevel } from '@/lib/protocol/event-categories';
import type { PipelineOutcome } from '@/lib/protocol/pipeline-kinds';

const LEVELS: Record<PipelineOutcome, EventLevel> = {
  succeeded: 'success',
  partial: 'warning',
  failed: 'error',
  cancelled: 'warning',
};

const OUTCOMES: Readonly<Record<PipelineOutcome, string>> = {
  succeeded: 'succeeded',
  partial: 'succeeded in part',
  failed: 'failed',
  cancelled: 'was cancelled',
};

const nameOf = ({ kind }: PipelineRecord) => `The pipeline “${PIPELINES[kind].label}”`;

const hostsText = (count: number) => (count === 1 ? '1 host' : `${count} hosts`);

function common({ id, kind, stages }: PipelineRecord, at: number) {
  return { ...NOBODY, at, category: 'command' as const, data: { pipelineId: id, kind, stages: [...stages] } };
}

export function pipelineStarted({ pipeline, hosts }: PipelineRun, at: number, by: Requester): NewEvent {
  const stages = pipeline.stages.map((id) => nounPhrase(id)).join(', ');
  const { waiting, running, skipped } = countHosts(hosts);
  const rest = skipped === 0 ? '' : `; ${hostsText(skipped)} skipped`;
  return {
    ...common(pipeline, at),
    ...byOperator(by),
    level: 'info',
    action: 'pipeline.started',
    message: `${nameOf(pipeline)} (${stages}) was started on ${hostsText(waiting + running)}${rest}.`,
  };
}

export function pipelineCancelled(pipeline: PipelineRecord, stopRunning: boolean, at: number, by: Requester): NewEvent {
  const running = stopRunning ? 'Running commands are being stopped.' : 'Running commands continue until they end.';
  return {
    ...common(pipeline, at),
    ...byOperator(by),
    level: 'warning',
    action: 'pipeline.cancelled',
    message: `${nameOf(pipeline)} was cancelled. ${running}`,
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
    message: `${nameOf(pipeline)} ${OUTCOMES[outcome]}. ${pipeline.reason}`,
  };
}
