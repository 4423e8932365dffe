import type { FlakeUpdatesView } from './views/flake-update-view';
import type { HostView } from './views/host-view';
import type { DesiredView } from './views/desired-view';
import type { EventView } from './views/event-view';
import type { PipelineView } from './views/pipeline-view';
import type { ServiceNotice } from './views/service-notice';

/** `hosts`: those that changed. */
export type PipelinePatch = { id: string } & Partial<Omit<PipelineView, 'id'>>;

export type HostPatch = { id: string } & Partial<Omit<HostView, 'id'>>;

/** Everything that changed from one version to another. A host that is not known yet comes whole. */
export interface FleetChanges {
  /** Applies to a view of this version only. */
  from: number;
  version: number;
  hosts?: HostPatch[];
  removed?: string[];
  desired?: DesiredView;
  updates?: FlakeUpdatesView;
  notices?: ServiceNotice[];
  events?: EventView[];
  /** A pipeline that is not known yet comes whole. */
  pipelines?: PipelinePatch[];
  removedPipelines?: string[];
}
