/**
 * One step of the fleet: collects what has to become durable, so that it can be stored in one transaction and only
 * then take effect, be shown and be sent.
 */
import type { PipelineHostRecord, PipelineRecord, PipelineRun } from '../records/pipeline-state';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { NewEvent } from '../records/event-record';

export class Turn {
  /** Hosts with something new; `durable` ones are stored now, the others in the next batch. */
  readonly hosts = new Map<string, HostRecord>();
  readonly durable = new Set<string>();
  /** Hosts that go, with everything that is stored of them. */
  readonly removed: string[] = [];
  readonly commands = new Map<string, CommandRecord>();
  readonly events: NewEvent[] = [];
  /** Pipelines with something new, as they are after this turn. */
  readonly pipelines = new Map<string, PipelineRun>();
  /** The rows of these pipelines that changed. */
  readonly pipelineRecords = new Map<string, PipelineRecord>();
  readonly pipelineHosts = new Map<string, PipelineHostRecord>();
  /** Hosts whose view may have changed. */
  readonly touched = new Set<string>();
  /** In-memory changes, carried out after the commit and before anything is shown. */
  readonly apply: (() => void)[] = [];
  /** What goes out after the changes were shown. */
  readonly effects: (() => void)[] = [];
  /** Commands whose waiting output is stored with this turn. */
  readonly withOutput = new Set<string>();

  constructor(readonly now: number) {}

  get needsCommit(): boolean {
    const pipelines = this.pipelineRecords.size + this.pipelineHosts.size;
    const rows = this.durable.size + this.commands.size + this.events.length + this.withOutput.size;
    return rows + pipelines + this.removed.length > 0;
  }
}
