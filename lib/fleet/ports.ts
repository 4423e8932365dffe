/** What the fleet service asks of the world. Everything comes in by argument: it owns no clock, file or socket. */
import type { ServerFrame } from '@/lib/protocol/agent';
import type {
  CommandView,
  DesiredView,
  EventView,
  FleetChanges,
  HostPatch,
  HostView,
  OperationId,
  OutputLine,
  PipelineKind,
  PipelineSummary,
  PipelineView,
  ServiceNotice,
} from '@/lib/protocol/live';
import type { V1Command, V1Register, V1Status, V1TestProgress } from '@/lib/protocol/v1-agent';
import type { Blocked } from './operations';
import type { PipelineCounts, PipelineHostRecord, PipelineRecord, PipelineRun } from './pipeline-state';
import type { CommandRecord, HostRecord, MetricsSample, NewEvent, OutputBatch } from './records';

/** Everything that one step must make durable, in one transaction: all of it or nothing. */
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
   * Deletes some of a host's samples, output and ended commands, at most `rows` rows. Gives how many went: fewer than
   * `rows` when no more is left.
   */
  forgetSome(hostId: string, rows: number): number;
  command(id: string): CommandRecord | null;
  commandByRequest(requestId: string, hostId: string): CommandRecord | null;
  /** Newest first. */
  commandsOf(hostId: string, limit: number): CommandRecord[];
  /**
   * Lines with a number above `after`, in order, at most `limit`. The line that brings their texts to `maxCharacters`
   * (UTF-16 units) is the last one.
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

/** Whom an agent proved to be, by its token, before anything of it was read. */
export type AgentIdentity =
  /** It has the token that all agents may share. */
  | { kind: 'shared' }
  /** It has a token that was made for one host, and may speak for that host alone. */
  | { kind: 'host'; hostId: string; tokenId: string };

/** What the fleet asks about tokens and admission. Answers are of now; what can't be read from the database throws. */
export interface AgentPolicy {
  /** Whether what an agent proved when it came is still good: its token was neither revoked nor replaced nor shut out. */
  holds(identity: AgentIdentity): boolean;
  /** Whether a host has a token of its own, so that the shared one may not speak for it. */
  hasOwnToken(hostId: string): boolean;
  /** Whether a host that nobody knows waits for the operator. */
  newHostsWait(): boolean;
  /** Whether the operator refused a host of this name. */
  isRefused(name: string): boolean;
}

/** Why an agent is held: connected, but neither let in nor sent away (a Go agent that is closed dials again at once). */
export type HeldReason =
  'bad-name' | 'duplicate' | 'own-token' | 'foreign-token' | 'approval' | 'refused' | 'fleet-full' | 'leaving';

/** An agent that is held, for the operator. Name and version are what the agent says. */
export interface HeldAgent {
  name: string;
  address: string;
  version: string;
  since: number;
  reason: HeldReason;
  /** What is wrong and what to do. */
  message: string;
}

/** An agent's connection as the fleet sees it. */
export interface AgentLink {
  readonly id: string;
  readonly address: string;
  /** Proven before the connection was accepted. */
  readonly identity: AgentIdentity;
  /** Queues a frame; false when the link is gone. The gateway closes a link whose queue grows too long. */
  send(frame: ServerFrame): boolean;
  /**
   * Asks the peer for a sign of life. Once `ms` of `LoopTime` have passed and what had arrived by then was read, calls back
   * with whether any byte came; not at all when the link has ended before.
   */
  probe(ms: number, done: (isAlive: boolean) => void): void;
  /**
   * Passes on, before it returns, what had arrived on a link whose socket is closed, and then its end. Does nothing to
   * an open link, nor while a frame of this link is being worked through.
   */
  finish(): void;
  close(code: number, reason: string): void;
}

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

/** The fleet as the agents' gateway sees it. */
export interface AgentInbox {
  /** A socket with a right token was opened. */
  connected(link: AgentLink): void;
  /**
   * One text frame, as received. False when it could not be read (`parseAgentFrame` calls it malformed; an unknown type
   * is none of that): the gateway ends a link that sends many of them.
   */
  frame(link: AgentLink, data: Buffer | string): boolean;
  /** Any sign of life: a ping, a pong, a frame. */
  alive(link: AgentLink): void;
  disconnected(link: AgentLink, code: number, reason: string): void;
  /** The gateway refused or cut something before it became a frame (too large, not text). */
  fault(link: AgentLink, problem: string): void;
  /** The gateway ends a link because of what it sent: always an event, however many faults there were before. */
  refused(link: AgentLink, problem: string): void;
}

/** One call of a version-1 agent, whose token was found right. */
export interface V1Call {
  /** The host's id as in the path, lower-case. */
  id: string;
  address: string;
  identity: AgentIdentity;
}

export type V1Answer =
  /** `command`: what it is given to do, once. */
  | { kind: 'ok'; hostId: string; command: V1Command | null }
  /** Its token may not speak for this host. */
  | { kind: 'wrong-token' }
  | { kind: 'too-often'; retryAfterMs: number }
  /** What it said could not be stored. */
  | { kind: 'unavailable'; reason: string };

/** The fleet as version-1 agents see it: they ask, nothing can be sent to them. */
export interface V1Inbox {
  /** First contact and heartbeat. */
  register(call: V1Call, body: V1Register): V1Answer;
  poll(call: V1Call): V1Answer;
  status(call: V1Call, body: V1Status): V1Answer;
  testProgress(call: V1Call, body: V1TestProgress): V1Answer;
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

export interface FleetLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Clock {
  /** Milliseconds since 1970, for people and for what is stored; may step either way. */
  now(): number;
  /** Calls back once after at least `ms`; returns the way to cancel. */
  after(ms: number, callback: () => void): () => void;
}

/**
 * Time in which the process could read what its peers sent: it stands still while the event loop is held, and no step of
 * the wall clock moves it. Whoever waits for a sign of life measures in it.
 */
export interface LoopTime {
  /** Milliseconds, from any beginning; never goes back. */
  now(): number;
  /** Calls back once when `ms` have passed and what had arrived by then was read; returns the way to cancel. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back once when what has arrived by now was read; returns the way to cancel. */
  afterRead(callback: () => void): () => void;
}

/** Who asks for something, as it is kept with commands and events. */
export interface Requester {
  userId: string;
  userName: string;
  address: string;
}

export interface DispatchRequest {
  operation: OperationId;
  hostIds: readonly string[];
  /** Made by the caller, once per click: a repeated request makes no second command. */
  requestId: string;
  /** Goes ahead where a precondition says that it may be forced. */
  force?: boolean;
  /** Where the host is offline and the operation can wait: it does, for so long at most (bounded). */
  queueForMs?: number;
  /** What the operation is given: `color` of set-color. */
  args?: Readonly<Record<string, unknown>>;
  /**
   * The operator proved afresh, for this very request, who they are. Said by the wrapper that checked the proof
   * (`stepUpAction`) and by nobody else; without it an operation that needs it is refused.
   */
  stepUp?: boolean;
  /** The pipeline of which it is a stage. */
  pipelineId?: string;
  by: Requester;
}

/** What became of a request on one host. */
export type DispatchResult =
  | { kind: 'accepted'; hostId: string; hostName: string; commandId: string }
  /** The host is offline: it is sent when it is back. */
  | { kind: 'queued'; hostId: string; hostName: string; commandId: string }
  | { kind: 'blocked'; hostId: string; hostName: string; blocked: Blocked }
  | { kind: 'unknown-host'; hostId: string; hostName: string }
  /** The database refused to store it: nothing was sent. */
  | { kind: 'not-stored'; hostId: string; hostName: string; reason: string };

/** A host that is made known before its agent connects. */
export interface AddHostRequest {
  /** One DNS label; made lower-case. */
  name: string;
  /** `nixos`, `macos`, or empty: the agent will say. */
  type: '' | 'nixos' | 'macos';
  location: string;
  deviceType: string;
  /** `#rrggbb`; null leaves it to the agent. */
  color: string | null;
  requestId: string;
  by: Requester;
}

/** A pull request as the operator looked at it. */
export interface AskedMerge {
  number: number;
  /** The head commit that was looked at: another one is not merged. */
  seen: string;
}

export interface PipelineRequest {
  kind: PipelineKind;
  /** What the operator picked; only looked at for `custom`. */
  stages?: readonly OperationId[];
  hostIds: readonly string[];
  /** Made by the caller, once per click: a repeated request makes no second pipeline. */
  requestId: string;
  /** Hosts that work at the same time: 1 is one after the other. */
  parallelism: number;
  /** No further stage begins once a host failed. */
  stopOnFailure: boolean;
  /** Goes ahead where a precondition says that it may be forced. */
  force?: boolean;
  /** What is merged first, where that is a stage. */
  pullRequest?: AskedMerge;
  /** The operator proved afresh who they are, as for a dispatch: once for all stages. */
  stepUp?: boolean;
  by: Requester;
}

export type PipelineStart =
  | { kind: 'started'; pipelineId: string }
  /** It can't be started so; `reason` says what to do. */
  | { kind: 'refused'; reason: string }
  /** The database refused to store it: nothing was sent. */
  | { kind: 'not-stored'; reason: string };

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
