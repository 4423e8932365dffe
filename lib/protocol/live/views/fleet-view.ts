import { z } from 'zod';
import { desiredViewSchema } from './desired-view';
import { flakeUpdatesViewSchema } from './flake-update-view';
import { hostViewSchema } from './host-view';
import { pipelineViewSchema } from './pipeline-view';
import { serviceNoticeSchema } from './service-notice';

/** The whole fleet as a browser knows it, at one version. */
export const fleetViewSchema = z.object({
  /** Changes with each start of the dashboard; versions of different epochs do not compare. */
  epoch: z.string(),
  version: z.number(),
  hosts: z.array(hostViewSchema),
  desired: desiredViewSchema,
  updates: flakeUpdatesViewSchema,
  notices: z.array(serviceNoticeSchema),
  /** Those that have not ended, and the last ones that did. */
  pipelines: z.array(pipelineViewSchema),
});
export type FleetView = z.infer<typeof fleetViewSchema>;
