import type { FlakeUpdatesView } from './flake-update-view';
import type { HostView } from './host-view';
import type { DesiredView } from './desired-view';
import type { PipelineView } from './pipeline-view';
import type { ServiceNotice } from './service-notice';

/** The whole fleet as a browser knows it, at one version. */
export interface FleetView {
  /** Changes with each start of the dashboard; versions of different epochs do not compare. */
  epoch: string;
  version: number;
  hosts: HostView[];
  desired: DesiredView;
  updates: FlakeUpdatesView;
  notices: ServiceNotice[];
  /** Those that have not ended, and the last ones that did. */
  pipelines: PipelineView[];
}
