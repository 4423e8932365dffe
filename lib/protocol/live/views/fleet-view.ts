import { z } from 'zod';
import { desiredViewSchema } from './desired-view';
import { flakeUpdatesViewSchema } from './flake-update-view';
import { hostViewSchema } from './host-view';
import { pipelineViewSchema } from './pipeline-view';
import { serviceNoticeSchema } from './service-notice';

/** The whole fleet at one version. */
export const fleetViewSchema = z.object({
  /** Changes at each start of the dashboard. Versions of different epochs can't be compared. */
  epoch: z.string(),
  version: z.number(),
  hosts: z.array(hostViewSchema),
  desired: desiredViewSchema,
  updates: flakeUpdatesViewSchema,
  notices: z.array(serviceNoticeSchema),
  /** Running pipelines, and the last ones that ended. */
  pipelines: z.array(pipelineViewSchema),
});
export type FleetView = z.infer<typeof fleetViewSchema>;
