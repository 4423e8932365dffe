/** The ports between the fleet and browsers: published changes and the first state a browser reads. */
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { FleetChanges, HostPatch } from '@/lib/protocol/live/changes';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import type { ServiceNotice } from '@/lib/protocol/live/views/service-notice';

/** Changes other than to hosts and output. */
export type OtherChanges = Pick<
  FleetChanges,
  'desired' | 'updates' | 'notices' | 'events' | 'pipelines' | 'removedPipelines'
>;

/** Receives committed changes. Called after the commit, never inside it. */
export interface Publisher {
  hosts(patches: readonly HostPatch[], removed: readonly string[]): void;
  other(change: OtherChanges): void;
  output(commandId: string, lines: readonly OutputLine[]): void;
  /** The command ended and all of its stored lines were published. */
  outputDone(commandId: string): void;
}

/** The fleet as the browsers' gateway sees it. */
export interface LiveSource {
  readonly epoch: string;
  hostViews(): HostView[];
  desiredView(): DesiredView;
  notices(): ServiceNotice[];
  /** Pipelines that have not ended, and the last few that have. */
  pipelineViews(): PipelineView[];
  /** Ids of the hosts of such a pipeline; null when it is none of them. */
  pipelineHosts(pipelineId: string): readonly string[] | null;
  /** Stored lines of a command after a number, bounded as in `FleetStore.output`; null when there is no such command. */
  outputAfter(
    commandId: string,
    after: number,
    limit: number,
    maxCharacters?: number,
  ): Promise<{ hostId: string; lines: OutputLine[]; ended: boolean } | null>;
}
