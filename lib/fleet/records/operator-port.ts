/** The fleet as pages, server actions, health checks and metrics see it. */
import type { NewEvent } from './event-record';
import type { EventFilter } from './store-port';
import type { SystemGenerations } from './generations-record';
import type { AgentIdentity, HeldAgent } from './agent-port';
import type {
  AddHostRequest,
  AnswerResult,
  DispatchRequest,
  DispatchResult,
  PipelineRequest,
  PipelineStart,
  Requester,
} from './requests';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { ConfirmSetting } from '@/lib/protocol/confirm-setting';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { PipelineSummary, PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** The state of the fleet for health checks and metrics. */
export interface FleetVitals {
  /** Time since the last tick (ms of `LoopTime`), which comes every second while the fleet works. */
  tickAgeMs: number;
  /** Why the database refuses writes; null while it accepts them. */
  storageFault: string | null;
  agents: { connected: number; held: number };
  /** The last sign of life of each connected agent. */
  lastSeenAt: readonly number[];
  queues: {
    /** Inputs that wait to be stored. */
    waiting: number;
    /** Inputs kept while the database refuses writes. */
    unstored: number;
    /** Events waiting for their batch. */
    deferred: number;
    /** Commands with output that is not stored yet. */
    output: number;
  };
}

/**
 * The fleet as pages and actions see it. What a method changes is stored when its promise resolves; what is in memory is
 * answered at once.
 */
export interface FleetOperator {
  hostViews(): HostView[];
  host(id: string): HostView | null;
  dispatch(request: DispatchRequest): Promise<DispatchResult[]>;
  /** Adds a host. A repeated request adds nothing. */
  addHost(request: AddHostRequest): Promise<DispatchResult>;
  /** Whether one of these operations on these hosts needs a step-up proof now (`StepUpRule`). */
  needsStepUp(operations: readonly OperationId[], hostIds: readonly string[]): boolean;
  /** Sets whether switches of these hosts are confirmed. Null, or why nothing was stored. */
  setConfirm(hostIds: readonly string[], setting: ConfirmSetting, by: Requester): Promise<string | null>;
  /** Cancels a queued command. False when it was already sent or is unknown. */
  cancel(commandId: string, by: Requester): Promise<boolean>;
  /** Extends the deadline of a command in its warning phase (milliseconds, at most an hour). False in any other phase. */
  extend(commandId: string, ms: number, by: Requester): Promise<boolean>;
  /** The generations that a host's agent reported last; null when it never did. */
  systemGenerations(hostId: string): Promise<SystemGenerations | null>;
  /**
   * Keeps the new system of a confirmed switch, or goes back to the previous one. The answer is stored, and repeated until
   * the host acts on it. The first operator's answer counts.
   */
  answerConfirmation(commandId: string, keep: boolean, by: Requester): Promise<AnswerResult>;
  command(id: string): Promise<CommandView | null>;
  /** Newest first. */
  commandsOf(hostId: string, limit: number): Promise<CommandView[]>;
  /** As `FleetStore.output`. */
  output(commandId: string, after: number, limit: number, maxCharacters?: number): Promise<OutputLine[]>;
  events(filter: EventFilter): Promise<EventView[]>;
  /** Agents that are held or wait for approval. */
  heldAgents(): HeldAgent[];
  /** Approves a host whose agent waits for approval. */
  approveHost(name: string, by: Requester): Promise<{ ok: true; hostId: string } | { ok: false; reason: string }>;
  /** Adds the host that an enrolment code was used for, unless it exists; returns its id. */
  enrolHost(name: string, address: string): Promise<{ ok: true; hostId: string } | { ok: false; reason: string }>;
  /** The identity of the agent that is connected for a host; null while none is. */
  connectedAs(hostId: string): AgentIdentity | null;
  /** Checks all agents again after tokens or settings changed: some are closed, some may be admitted. */
  reconsiderAgents(): void;
  startPipeline(request: PipelineRequest): Promise<PipelineStart>;
  /**
   * Starts no further stage of a pipeline. Running commands continue, or are stopped. False when it has already ended or
   * the change can't be stored.
   */
  cancelPipeline(id: string, how: { stopRunning: boolean }, by: Requester): Promise<boolean>;
  pipeline(id: string): Promise<PipelineView | null>;
  /** Newest first, without their hosts. */
  pipelines(limit: number): Promise<PipelineSummary[]>;
  /** Stores and publishes an event of another part of the dashboard (sign-ins, settings). */
  record(event: NewEvent): Promise<void>;
}
