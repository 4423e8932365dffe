/** The ports between the fleet and browsers: what is published, and what a browser reads first. */
import type {
  DesiredView,
  FleetChanges,
  HostPatch,
  HostView,
  OutputLine,
  PipelineView,
  ServiceNotice,
} from '@/lib/protocol/live';

/** What changes beside hosts and output. */
export type OtherChanges = Pick<
  FleetChanges,
  'desired' | 'updates' | 'notices' | 'events' | 'pipelines' | 'removedPipelines'
>;

/** Where committed changes go. Called after the commit, never inside it. */
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
  /** Pipelines that have not ended, and the last ones that did. */
  pipelineViews(): PipelineView[];
  /** Stored lines of a command after a number, bounded as in `FleetStore.output`; null when there is no such command. */
  outputAfter(
    commandId: string,
    after: number,
    limit: number,
    maxCharacters?: number,
  ): { lines: OutputLine[]; ended: boolean } | null;
}
