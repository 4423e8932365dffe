/** The port to the fleet's store. */
import type { PipelineCounts, PipelineHostRecord, PipelineRecord, PipelineRun } from './pipeline-state';
import type { CommandRecord, OutputBatch } from './command-record';
import type { HostRecord, MetricsSample } from './host-record';
import type { NewEvent } from './event-record';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** Everything that one step stores, in one transaction. */
export interface FleetWrites {
  /** Inserted, or replaced by id. */
  hosts?: readonly HostRecord[];
  removedHosts?: readonly string[];
  /** Inserted, or replaced by id. */
  commands?: readonly CommandRecord[];
  output?: readonly OutputBatch[];
  metrics?: readonly MetricsSample[];
  /** Inserted, or replaced by id. */
  pipelines?: readonly PipelineRecord[];
  /** Inserted, or replaced by pipeline and host. */
  pipelineHosts?: readonly PipelineHostRecord[];
  events?: readonly NewEvent[];
}

export interface EventFilter {
  /** Only events before this id. */
  before?: number;
  hostId?: string;
  category?: EventView['category'];
  /** 1 to 500. */
  limit: number;
}

export interface FleetStore {
  /** All hosts and all commands that have not ended, at start. */
  load(): { hosts: HostRecord[]; commands: CommandRecord[]; lastEnded: CommandRecord[] };
  /** Durable when it returns. Throws when the database refuses (disk full, read-only); then nothing was written. */
  commit(writes: FleetWrites): EventView[];
  /**
   * Deletes some of a host's samples, output and ended commands, at most `rows` rows. Returns how many were deleted: fewer
   * than `rows` when none are left.
   */
  forgetSome(hostId: string, rows: number): number;
  command(id: string): CommandRecord | null;
  commandByRequest(requestId: string, hostId: string): CommandRecord | null;
  /** Newest first. */
  commandsOf(hostId: string, limit: number): CommandRecord[];
  /**
   * Lines with a number above `after`, in order, at most `limit`. The line that makes their texts reach
   * `maxCharacters` (UTF-16 units) is the last one.
   */
  output(commandId: string, after: number, limit: number, maxCharacters?: number): OutputLine[];
  /** Newest first. */
  events(filter: EventFilter): EventView[];
  /** All pipelines that have not ended, at start. */
  unendedPipelines(): PipelineRun[];
  pipeline(id: string): PipelineRun | null;
  pipelineByRequest(requestId: string): PipelineRun | null;
  /** Newest first. */
  pipelines(limit: number): { pipeline: PipelineRecord; counts: PipelineCounts }[];
}
