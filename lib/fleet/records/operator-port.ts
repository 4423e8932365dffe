/** The fleet as pages, server actions, health checks and metrics see it. */
import type {
  CommandView,
  EventView,
  HostView,
  OperationId,
  OutputLine,
  PipelineSummary,
  PipelineView,
} from '@/lib/protocol/live';
import type { NewEvent } from './event-record';
import type { EventFilter } from './store-port';
import type { AgentIdentity, HeldAgent } from './agent-port';
import type { AddHostRequest, DispatchRequest, DispatchResult, PipelineRequest, PipelineStart, Requester } from './requests';

/** What health checks and metrics ask of the fleet. */
export interface FleetVitals {
  /** How long ago its clock ticked (ms of `LoopTime`): every second while it does its work. */
  tickAgeMs: number;
  /** Why the database refuses to store; null when it stores. */
  storageFault: string | null;
  agents: { connected: number; held: number };
  /** For each connected agent, when it was heard last. */
  heardAt: readonly number[];
  queues: {
    /** Inputs that wait for a database that refuses. */
    unstored: number;
    /** Events that wait for their batch. */
    deferred: number;
    /** Commands with output that is not stored yet. */
    output: number;
  };
}

/** The fleet as pages and actions see it. Every method is synchronous: what it says is stored when it returns. */
export interface FleetOperator {
  hostViews(): HostView[];
  host(id: string): HostView | null;
  dispatch(request: DispatchRequest): DispatchResult[];
  /** Makes a host known. A repeated request adds nothing. */
  addHost(request: AddHostRequest): DispatchResult;
  /**
   * Whether an operation on these hosts, asked for now, needs a fresh proof of who asks. What is under way on other
   * hosts counts as well: many hosts one by one are still many.
   */
  needsStepUp(operation: OperationId, hostIds: readonly string[]): boolean;
  /** Takes a command back that waits for its host. False when it was sent already, or is not there. */
  cancel(commandId: string, by: Requester): boolean;
  /** Gives a command that takes too long more time (milliseconds, at most an hour). False when it is not in that state. */
  extend(commandId: string, ms: number, by: Requester): boolean;
  command(id: string): CommandView | null;
  /** Newest first. */
  commandsOf(hostId: string, limit: number): CommandView[];
  /** As `FleetStore.output`. */
  output(commandId: string, after: number, limit: number, maxCharacters?: number): OutputLine[];
  events(filter: EventFilter): EventView[];
  /** Agents that are connected and held. */
  heldAgents(): HeldAgent[];
  /** Takes in a host whose agent waits for approval. */
  approveHost(name: string, by: Requester): { ok: true; hostId: string } | { ok: false; reason: string };
  /** Makes sure of a host that an enrolment code was used for; gives its id. */
  enrolHost(name: string, address: string): { ok: true; hostId: string } | { ok: false; reason: string };
  /** How the agent that speaks for a host proved itself; null while none does. */
  connectedAs(hostId: string): AgentIdentity | null;
  /** Looks at all agents again after tokens or settings changed: some have to go, some may come in. */
  reconsiderAgents(): void;
  startPipeline(request: PipelineRequest): PipelineStart;
  /**
   * Begins nothing more of a pipeline. Commands that run go on to their end, or are told to stop. False when it has
   * ended already or can't be stored.
   */
  cancelPipeline(id: string, how: { stopRunning: boolean }, by: Requester): boolean;
  pipeline(id: string): PipelineView | null;
  /** Newest first, without their hosts. */
  pipelines(limit: number): PipelineSummary[];
  /** Writes an event of another part (sign-ins, settings) into the same table, and publishes it. */
  record(event: NewEvent): void;
}
