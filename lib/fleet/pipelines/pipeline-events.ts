/** Creates the events of pipelines. */
import { BY_DASHBOARD, byOperator, NOBODY } from '../events';
import { countHosts } from './pipeline-machine';
import type { PipelineRecord, PipelineRun } from '../records/pipeline-state';
import type { NewEvent } from '../records/event-record';
import type { Requester } from '../records/requests';

const factsOf = ({ id, kind, stages }: PipelineRecord) => ({ pipelineId: id, kind, stages: [...stages] });

export function pipelineStarted({ pipeline, hosts }: PipelineRun, at: number, by: Requester): NewEvent {
  const { waiting, running, skipped } = countHosts(hosts);
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    action: 'pipeline.started',
    params: { ...factsOf(pipeline), hosts: waiting + running, skipped },
  };
}

export function pipelineCancelled(pipeline: PipelineRecord, stopRunning: boolean, at: number, by: Requester): NewEvent {
  const params = { ...factsOf(pipeline), stopRunning };
  return { ...NOBODY, ...byOperator(by), at, action: 'pipeline.cancelled', params };
}

export function pipelineEnded(pipeline: PipelineRecord, at: number): NewEvent {
  const { outcome, reason } = pipeline;
  const params = { ...factsOf(pipeline), outcome: outcome ?? 'failed', reason };
  return { ...NOBODY, ...BY_DASHBOARD, at, action: 'pipeline.ended', params };
}
