import { z } from 'zod';
import { desiredViewSchema } from './views/desired-view';
import { eventViewSchema } from './views/event-view';
import { flakeUpdatesViewSchema } from './views/flake-update-view';
import { hostViewSchema } from './views/host-view';
import { pipelineViewSchema } from './views/pipeline-view';
import { serviceNoticeSchema } from './views/service-notice';

/** The fields of a host that changed. */
export const hostPatchSchema = hostViewSchema.partial().required({ id: true });
export type HostPatch = z.infer<typeof hostPatchSchema>;

/** The fields of a pipeline that changed. `hosts`: those that changed. */
export const pipelinePatchSchema = pipelineViewSchema.partial().required({ id: true });
export type PipelinePatch = z.infer<typeof pipelinePatchSchema>;

/** Everything that changed from one version to another. */
export const fleetChangesSchema = z.object({
  /** Applies to a view of this version only. */
  from: z.number(),
  version: z.number(),
  /** A host that the view does not have yet comes whole. */
  hosts: z.array(hostPatchSchema).optional(),
  /** Ids of hosts. */
  removed: z.array(z.string()).optional(),
  desired: desiredViewSchema.optional(),
  updates: flakeUpdatesViewSchema.optional(),
  notices: z.array(serviceNoticeSchema).optional(),
  events: z.array(eventViewSchema).optional(),
  /** A pipeline that the view does not have yet comes whole. */
  pipelines: z.array(pipelinePatchSchema).optional(),
  removedPipelines: z.array(z.string()).optional(),
});
export type FleetChanges = z.infer<typeof fleetChangesSchema>;

export const changesSchema = fleetChangesSchema.extend({ t: z.literal('changes') });
