/** The serializer of pipelines, used by pages and the live socket. */
import { countHosts } from './pipeline-machine';
import type {
  PipelineCounts,
  PipelineHostRecord,
  PipelinePrelude,
  PipelineRecord,
  PipelineRun,
  PipelineStep,
} from '../records/pipeline-state';
import type {
  PipelineHostView,
  PipelineStepView,
  PipelineSummary,
  PipelineView,
} from '@/lib/protocol/live/views/pipeline-view';
import type { PipelinePatch } from '@/lib/protocol/live/changes';

export function pipelineSummary(pipeline: PipelineRecord, counts: PipelineCounts): PipelineSummary {
  const { id, kind, stages, parallelism, stopOnFailure, phase, outcome, state, createdAt, endedAt } = pipeline;
  return {
    id,
    kind,
    stages: [...stages],
    parallelism,
    stopOnFailure,
    phase,
    outcome,
    reason: phase === 'ended' ? pipeline.reason : (state.halt?.reason ?? ''),
    prelude: state.prelude && preludeView(state.prelude),
    counts,
    by: pipeline.userName,
    createdAt,
    endedAt,
  };
}

export function pipelineView({ pipeline, hosts }: PipelineRun): PipelineView {
  return { ...pipelineSummary(pipeline, countHosts(hosts)), hosts: hosts.map(pipelineHostView) };
}

/** The change between two states: the whole summary, which is short, and the changed hosts. The whole view if `before` is null. */
export function pipelinePatch(before: PipelineRun | null, after: PipelineRun): PipelinePatch {
  if (!before) return pipelineView(after);
  const changed = after.hosts.filter((host, index) => host !== before.hosts[index]);
  return { ...pipelineSummary(after.pipeline, countHosts(after.hosts)), hosts: changed.map(pipelineHostView) };
}

function pipelineHostView({ hostId, hostName, status, steps, reason }: PipelineHostRecord): PipelineHostView {
  return { hostId, name: hostName, status, steps: steps.map(stepView), reason };
}

function stepView(step: PipelineStep): PipelineStepView {
  const { status } = step;
  return {
    status,
    commandId: 'commandId' in step ? step.commandId : null,
    outcome: 'outcome' in step ? step.outcome : null,
    startedAt: 'since' in step ? step.since : step.startedAt,
    endedAt: 'endedAt' in step ? step.endedAt : null,
    reason: 'reason' in step ? step.reason : '',
  };
}

function preludeView(prelude: PipelinePrelude): PipelineStepView {
  const { status, startedAt } = prelude;
  const over = status === 'running' ? { endedAt: null, reason: '' } : prelude;
  const outcome = status === 'running' ? null : status === 'done' ? 'succeeded' : 'failed';
  return { status, commandId: null, outcome, startedAt, endedAt: over.endedAt, reason: over.reason };
}
