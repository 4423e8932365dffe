/**
 * One step of the fleet: collects everything to store, so that it is stored in one transaction and only then takes effect,
 * is published and sent.
 */
import type { PipelineHostRecord, PipelineRecord, PipelineRun } from '../records/pipeline-state';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { NewEvent } from '../records/event-record';

export class Turn {
  /** Changed hosts; `durable` ones are stored now, the others with the next batch. */
  readonly hosts = new Map<string, HostRecord>();
  readonly durable = new Set<string>();
  /** Hosts to delete, with everything stored about them. */
  readonly removed: string[] = [];
  readonly commands = new Map<string, CommandRecord>();
  readonly events: NewEvent[] = [];
  /** Changed pipelines, in their state after this turn. */
  readonly pipelines = new Map<string, PipelineRun>();
  /** The changed rows of these pipelines. */
  readonly pipelineRecords = new Map<string, PipelineRecord>();
  readonly pipelineHosts = new Map<string, PipelineHostRecord>();
  /** Hosts whose view may have changed. */
  readonly touched = new Set<string>();
  /** Changes in memory, made after the commit and before anything is published. */
  readonly apply: (() => void)[] = [];
  /** Effects carried out after the changes were published. */
  readonly effects: (() => void)[] = [];
  /** Commands whose pending output is stored with this turn. */
  readonly withOutput = new Set<string>();

  constructor(readonly now: number) {}

  get needsCommit(): boolean {
    const pipelines = this.pipelineRecords.size + this.pipelineHosts.size;
    const rows = this.durable.size + this.commands.size + this.events.length + this.withOutput.size;
    return rows + pipelines + this.removed.length > 0;
  }
}
