/** The fields of an operation in the table. */
import type { Capability } from '@/lib/protocol/agent/capabilities';
import type { Blocked } from '../records/blocked';
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** What ends a command of this operation (see `docs/protocol.md`). */
export type EndRule =
  /** A status frame, then a heartbeat that no longer shows the command. */
  | 'status'
  /** A status frame and a reconnect, or the host's facts when no status arrived. */
  | 'switch'
  /** The agent comes back with a new connection; no status frame is sent. */
  | 'reconnect'
  /** The end of the command it acts on. */
  | 'target'
  /** The dashboard does the work itself. */
  | 'immediate';

/** The facts of a host's agent that say whether it supports an operation. */
export type AgentFacts = Pick<HostView, 'name' | 'protocol' | 'agentVersion' | 'missingCapabilities'>;

/** The facts of a host that decide whether an operation can be sent: part of what pages show, so that both agree. */
export type HostFacts = AgentFacts &
  Pick<HostView, 'policy' | 'online' | 'compartments' | 'command' | 'control' | 'dashboardCommand' | 'foreignCommand'>;

export type Precondition = (facts: HostFacts) => Blocked | null;

export interface Operation {
  id: OperationId;
  /** The text of its button. */
  label: string;
  /** What it does, as a sentence. */
  description: string;
  runs: 'agent' | 'dashboard';
  /** What it applies to: one host, or the whole fleet (then it can't be sent to a host). */
  scope: 'host' | 'fleet';
  /** The frame for the agent; null for dashboard operations. */
  wire: { kind: 'command'; command: WireCommand } | { kind: 'kill'; signal: 'SIGTERM' | 'SIGKILL' } | null;
  /** What the agent must be able to do; an agent that can't is never sent it. Empty for dashboard operations. */
  needs: readonly Capability[];
  ends: EndRule;
  /** May be sent while another command runs. */
  bypassesBusy: boolean;
  preconditions: readonly Precondition[];
  /** The fact that must hold after exit 0 for "succeeded"; otherwise the outcome is "partial". */
  postCheck: 'git-current' | 'system-current' | null;
  /** After this long the operator is warned and can extend, stop or kill. */
  warnAfterMs: number;
  /** After this long the command ends as timed out. */
  hardAfterMs: number;
  /** How long the agent may take to come back when the end needs a new connection. */
  reconnectWithinMs: number;
  /** Its argument holds for one host only, so it is refused for several at once and is no stage of a pipeline. */
  oneHost: boolean;
  /** May be queued for an offline host and sent when it is back. */
  queueable: boolean;
  /** Needs a fresh code (or the password if no second factor is set up): always, or for several hosts at once. */
  needsStepUp: 'never' | 'always' | 'bulk';
  /** The operator has to confirm it before it is sent. */
  confirms: boolean;
  /** May be sent as a confirmed switch: the host goes back to the previous system unless the dashboard confirms it. */
  confirmable: boolean;
  /** Its program may survive the agent and the agent's signals: it runs as root, or in a unit of its own. */
  mayOutliveAgent: boolean;
  /** May be sent (or done by the dashboard) again when it is unknown whether it was done. */
  mayRepeat: boolean;
}
