'use server';

import { z } from 'zod';
import { operatorAction, stepUpAction } from '@/lib/auth/next/action';
import { stagesOf } from '@/lib/fleet/pipelines/pipeline-plan';
import { MAX_PIPELINE_HOSTS, MAX_STAGES, PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { verbOf } from '@/lib/fleet/may';
import { runtime } from '@/lib/dashboard/runtime';
import { COMMIT_PREFIX } from '@/lib/git/commit-id';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import { PIPELINE_KINDS } from '@/lib/protocol/pipeline-kinds';

const id = z.string().min(1).max(64);

/**
 * Starts a pipeline on hosts. Progress arrives over the live socket. A repeated request id starts nothing twice. If a
 * stage needs step-up authentication, it is required once, here.
 */
export const startPipeline = stepUpAction(
  { verb: (request) => ['operate', ...stagesOf(request).map(verbOf)], hosts: ({ hostIds }) => hostIds },
  z.object({
    kind: z.enum(PIPELINE_KINDS),
    stages: z.array(z.enum(OPERATION_IDS)).max(MAX_STAGES),
    hostIds: z.array(id).min(1).max(MAX_PIPELINE_HOSTS),
    requestId: z.string().regex(/^[0-9a-f]{32}$/),
    parallelism: z.number().int().min(1).max(MAX_PIPELINE_HOSTS),
    stopOnFailure: z.boolean(),
    force: z.boolean(),
    confirm: z.boolean().optional(),
    pullRequest: z.object({ number: z.number().int().positive(), seen: z.string().regex(COMMIT_PREFIX) }).optional(),
  }),
  {
    purpose: ({ kind, hostIds }) =>
      `Start the “${PIPELINES[kind].label}” pipeline on ${hostIds.length === 1 ? '1 host' : `${hostIds.length} hosts`}`,
    needed: (request) => runtime().fleet.needsStepUp(stagesOf(request), request.hostIds),
  },
  (request, { by, stepUp }) => runtime().fleet.startPipeline({ ...request, stepUp, by }),
);

/** Cancels a pipeline. False when it has already ended. */
export const cancelPipeline = operatorAction(
  { verb: 'operate', hosts: ({ id }) => hostsOfPipeline(id) },
  z.object({ id, stopRunning: z.boolean() }),
  ({ id, stopRunning }, { by }) => runtime().fleet.cancelPipeline(id, { stopRunning }, by),
);

/** A pipeline with its hosts; null when it does not exist. */
export const readPipeline = operatorAction(
  { verb: 'view', hosts: ({ id }) => hostsOfPipeline(id) },
  z.object({ id }),
  ({ id }) => runtime().fleet.pipeline(id),
);

async function hostsOfPipeline(id: string): Promise<string[]> {
  const pipeline = await runtime().fleet.pipeline(id);
  return pipeline?.hosts.map(({ hostId }) => hostId) ?? [];
}
