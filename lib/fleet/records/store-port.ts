/** The port to the fleet's store. */
import type { PipelineCounts, PipelineHostRecord, PipelineRecord, PipelineRun } from './pipeline-state';
import type { CommandRecord, OutputBatch } from './command-record';
import type { HostRecord, MetricsSample } from './host-record';
import type { NewEvent } from './event-record';
import type { SystemGenerations } from './generations-record';
import type { OperationId } from '@/lib/protocol/operation-ids';
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
  /** Replaced by host. */
  systemGenerations?: readonly { hostId: string; list: SystemGenerations }[];
  /** Inserted, or replaced by id. */
  pipelines?: readonly PipelineRecord[];
  /** Inserted, or replaced by pipeline and host. */
  pipelineHosts?: readonly PipelineHostRecord[];
  events?: readonly NewEvent[];
}

/** The last request of an operation on a host. `at`: epoch milliseconds. */
export interface RecentRequest {
  operation: OperationId;
  hostId: string;
  at: number;
}

export interface EventFilter {
  /** Only events before this id. */
  before?: number;
  hostId?: string;
  category?: EventView['category'];
  /** 1 to 500. */
  limit: number;
}

/**
 * The fleet's records on disk. Commits are made and answered in the order of the calls; a call rejects with an error that
 * says what to do, and arguments may change afterwards. A read sees every commit that was answered before it was asked, and
 * may be answered before a commit that was asked for earlier. In text, UTF-8 has no half of a surrogate pair: it becomes
 * U+FFFD, but stays in lines of output, states, steps, reports and arguments.
 */
export interface FleetStore {
  /**
   * At start: all hosts; all commands that have not ended, the oldest first (in the order of storing within one moment);
   * and the last command that each host ran, if it has ended.
   */
  load(): Promise<{ hosts: HostRecord[]; commands: CommandRecord[]; lastEnded: CommandRecord[] }>;
  /**
   * Durable when it is answered: the events as stored. Rejects when the database refuses (disk full, read-only); then
   * nothing was written.
   */
  commit(writes: FleetWrites): Promise<EventView[]>;
  /**
   * Deletes some of a host's samples, output and ended commands, at most `rows` rows. Answers how many were deleted: fewer
   * than `rows` when none are left.
   */
  forgetSome(hostId: string, rows: number): Promise<number>;
  /** The generations that a host's agent reported last; null when it never did. */
  systemGenerations(hostId: string): Promise<SystemGenerations | null>;
  command(id: string): Promise<CommandRecord | null>;
  /** The commands that one request caused, for those of these hosts that have one. */
  commandsByRequest(requestId: string, hostIds: readonly string[]): Promise<CommandRecord[]>;
  /**
   * When each of these operations was last requested on each host at or after `since` (epoch milliseconds), in any order;
   * hosts without such a request are left out. A command counts however it ended.
   */
  requestsSince(operations: readonly OperationId[], since: number): Promise<RecentRequest[]>;
  /** Newest first. */
  commandsOf(hostId: string, limit: number): Promise<CommandRecord[]>;
  /**
   * Lines with a number above `after`, in order, at most `limit`. The line that makes their texts reach
   * `maxCharacters` (UTF-16 units) is the last one.
   */
  output(commandId: string, after: number, limit: number, maxCharacters?: number): Promise<OutputLine[]>;
  /** Newest first. */
  events(filter: EventFilter): Promise<EventView[]>;
  /** Events with an id above `id`, oldest first, at most `limit` (1 to 500). Ids that retention has deleted are passed over. */
  eventsAfter(id: number, limit: number): Promise<EventView[]>;
  /** All pipelines that have not ended, at start: the oldest first (in the order of storing within one moment). */
  unendedPipelines(): Promise<PipelineRun[]>;
  pipeline(id: string): Promise<PipelineRun | null>;
  pipelineByRequest(requestId: string): Promise<PipelineRun | null>;
  /** Newest first. */
  pipelines(limit: number): Promise<{ pipeline: PipelineRecord; counts: PipelineCounts }[]>;
}
