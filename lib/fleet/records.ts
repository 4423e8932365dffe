/** What the fleet remembers across restarts: the durable side of hosts, commands, output and events. */
import type {
  CommandOutcome,
  CompartmentStatus,
  EventCategory,
  EventLevel,
  MetricsView,
  OperationId,
  OutputLine,
} from '@/lib/protocol/live';
import type { CommandState } from './command-state';

/** What a host said of one of its compartments, and for which generation it holds. */
export interface ReportedWord {
  status: CompartmentStatus;
  message: string;
  /**
   * The agent's own time of it: the same word said again proves nothing new. For the dashboard's own
   * judgement: a mark of the word that it replaces, which then does not come back by being said again, or empty.
   */
  saidAt: string;
  /** By the dashboard's clock: when it was first reported. */
  at: number;
  /** The host's generation when it was reported; a word for another generation proves nothing. */
  generation: string;
}

/** A host as it is stored. `id` is the only key; `name` is what its agent calls itself, lower-case. */
export interface HostRecord {
  id: string;
  name: string;
  type: string;
  location: string;
  deviceType: string;
  themeColor: string;
  /** Set by an operator: an agent's register no longer overwrites the colour. */
  themeColorPinned: boolean;
  criticality: 'low' | 'medium' | 'high';
  comment: string;
  agentVersion: string;
  protocol: number;
  osVersion: string;
  osName: string;
  nixpkgsVersion: string;
  generation: string;
  repoUrl: string;
  repoDir: string;
  sourceCommit: string;
  storePath: string;
  binaryHash: string;
  lockHash: string;
  heartbeatIntervalS: number;
  lock: ReportedWord | null;
  system: ReportedWord | null;
  tests: ReportedWord | null;
  metrics: MetricsView | null;
  metricsAt: number | null;
  createdAt: number;
  lastSeenAt: number | null;
}

/** One operation sent to one host. The record is the truth; what an agent says is evidence. */
export interface CommandRecord {
  id: string;
  hostId: string;
  operation: OperationId;
  state: CommandState;
  /** A repeated request with the same id makes no second command. */
  requestId: string;
  /** The command that this one acts upon (stop, kill). */
  targetId: string | null;
  forced: boolean;
  userId: string;
  userName: string;
  address: string;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  outcome: CommandOutcome | null;
  exitCode: number | null;
  reason: string;
  /** Number of the last stored output line. */
  lines: number;
  /** The agent's own number of the last line that is stored (protocol 3): what comes again is dropped. */
  agentSeq: number;
  /** Characters of stored output. */
  outputSize: number;
  /** The limit on output size was reached: later lines were counted but not stored. */
  outputTruncated: boolean;
  /** What the operation was given (a colour, a pull request); null for most. */
  args: Record<string, unknown> | null;
  /** The pipeline that sent it. */
  pipelineId: string | null;
}

export interface OutputBatch {
  commandId: string;
  /** Consecutive: `lines[i].seq === lines[0].seq + i`. */
  lines: OutputLine[];
}

export interface NewEvent {
  at: number;
  category: EventCategory;
  level: EventLevel;
  action: string;
  actorKind: 'operator' | 'agent' | 'dashboard';
  actor: string;
  userId: string | null;
  address: string;
  hostId: string | null;
  hostName: string;
  commandId: string | null;
  outcome: string;
  message: string;
  /** Further facts, JSON-serialisable. Never secrets. */
  data?: Record<string, unknown>;
}

/** A host's metrics at one moment, for charts. */
export interface MetricsSample {
  hostId: string;
  at: number;
  metrics: MetricsView;
}
