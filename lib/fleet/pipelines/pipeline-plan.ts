/** Turns a request into a pipeline, or into the reason for refusing it. Pure. */
import { nounPhrase } from '../operations/operation-words';
import type { PipelineHostRecord, PipelineRun } from '../records/pipeline-state';
import { isPrelude, MAX_PIPELINE_HOSTS, PIPELINES, stagesProblem } from './pipeline-definitions';
import type { PipelineRequest } from '../records/requests';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** A host as a candidate for a new pipeline. */
export interface Candidate {
  hostId: string;
  /** Null for an unknown host. */
  host: Pick<HostView, 'name' | 'online'> | null;
  /** Another pipeline that the host has not finished, as "Do all by ada"; null if there is none. */
  elsewhere: string | null;
}

export type PipelinePlan = { kind: 'planned'; run: PipelineRun } | { kind: 'refused'; reason: string };

/** The stages of a request. */
export function stagesOf(request: Pick<PipelineRequest, 'kind' | 'stages'>): readonly OperationId[] {
  return request.kind === 'custom' ? (request.stages ?? []) : PIPELINES[request.kind].stages;
}

export function planPipeline(
  request: PipelineRequest,
  candidates: readonly Candidate[],
  id: string,
  now: number,
): PipelinePlan {
  const stages = stagesOf(request);
  const problem = stagesProblem(stages);
  if (problem !== null) return { kind: 'refused', reason: problem };
  if (candidates.length > MAX_PIPELINE_HOSTS) {
    return { kind: 'refused', reason: `A pipeline has at most ${MAX_PIPELINE_HOSTS} hosts.` };
  }
  const [first] = stages;
  const prelude = first && isPrelude(first);
  if (prelude && request.pullRequest === undefined) {
    return { kind: 'refused', reason: `The ${nounPhrase(first)} needs the number of a pull request.` };
  }
  const hosts = candidates.map((candidate, position) => asHost(candidate, id, position));
  if (!hosts.some((host) => host.status === 'waiting')) {
    const [one] = hosts;
    return {
      kind: 'refused',
      reason:
        hosts.length === 1 && one
          ? one.reason
          : 'None of these hosts is available: they are offline or in another pipeline.',
    };
  }
  const { kind, requestId, parallelism, stopOnFailure, by } = request;
  return {
    kind: 'planned',
    run: {
      hosts,
      pipeline: {
        id,
        kind,
        stages: [...stages],
        args: argsOf(request, prelude === true),
        requestId,
        parallelism: Math.min(Math.max(1, Math.floor(parallelism)), MAX_PIPELINE_HOSTS),
        stopOnFailure,
        forced: request.force ?? false,
        phase: 'running',
        state: { prelude: prelude ? { status: 'running', startedAt: now } : null, halt: null },
        outcome: null,
        reason: '',
        userId: by.userId,
        userName: by.userName,
        address: by.address,
        createdAt: now,
        endedAt: null,
      },
    },
  };
}

/** The arguments of the stages: the pull request to merge, and the operator's choice to confirm switches. */
function argsOf({ pullRequest, confirm }: PipelineRequest, merges: boolean): Record<string, unknown> | null {
  const merge = merges && pullRequest ? { pullRequest: pullRequest.number, seen: pullRequest.seen } : {};
  const args = { ...merge, ...(confirm === undefined ? {} : { confirm }) };
  return Object.keys(args).length === 0 ? null : args;
}

/**
 * A host that is offline at the start is skipped; one that goes offline later is waited for. A host is in one pipeline at
 * a time, because interleaved stages of two pipelines would match neither sequence.
 */
function asHost({ hostId, host, elsewhere }: Candidate, pipelineId: string, position: number): PipelineHostRecord {
  const reason = !host
    ? 'The host is no longer known.'
    : elsewhere !== null
      ? `${host.name} is in another pipeline: ${elsewhere}.`
      : host.online
        ? ''
        : `${host.name} is offline.`;
  return {
    pipelineId,
    hostId,
    hostName: host?.name ?? hostId,
    position,
    stage: 0,
    status: reason === '' ? 'waiting' : 'skipped',
    commandId: null,
    steps: [],
    reason,
  };
}
