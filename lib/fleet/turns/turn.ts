/**
 * One step of the fleet: collects everything to store, so that it is stored in one transaction and only then takes effect,
 * is published and sent.
 */
import type { PipelineHostRecord, PipelineRecord, PipelineRun } from '../records/pipeline-state';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord, MetricsSample } from '../records/host-record';
import type { SystemGenerations } from '../records/generations-record';
import type { NewEvent } from '../records/event-record';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** A line that the dashboard adds to the output of a command. */
export interface NewLine {
  command: CommandRecord;
  at: number;
  stream: OutputLine['stream'];
  text: string;
}

/** What inputs about a host have in common: `TurnRunner`. */
export const hostKey = (hostId: string): string => `host ${hostId}`;

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
  /** Lines of output that the dashboard adds; they are stored with this turn as well. */
  readonly lines: NewLine[] = [];
  /** Hosts as they are, for the facts that change too often to be stored with each change. */
  readonly facts: HostRecord[] = [];
  readonly metrics: MetricsSample[] = [];
  /** What agents reported, by host. */
  readonly systemGenerations = new Map<string, SystemGenerations>();

  constructor(readonly now: number) {}

  get needsCommit(): boolean {
    const pipelines = this.pipelineRecords.size + this.pipelineHosts.size;
    const output = this.withOutput.size + this.lines.length;
    const hosts = this.durable.size + this.removed.length + this.facts.length + this.metrics.length;
    const reports = this.systemGenerations.size;
    return hosts + reports + output + pipelines + this.commands.size + this.events.length > 0;
  }

  /** The keys of the hosts that it changes: `TurnRunner`. */
  keys(): string[] {
    const ids = new Set([...this.hosts.keys(), ...this.touched, ...this.removed, ...this.systemGenerations.keys()]);
    for (const { hostId } of this.commands.values()) ids.add(hostId);
    for (const { command } of this.lines) ids.add(command.hostId);
    return [...ids].map(hostKey);
  }
}
