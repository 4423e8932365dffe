/** What the table says of an operation. */
import type { WireCommand } from '@/lib/protocol/agent';
import type { HostView, OperationId } from '@/lib/protocol/live';
import type { Blocked } from '../records/blocked';

/** What has to be seen before a command of this operation has ended (agent protocol 7.3). */
export type EndRule =
  /** A status frame, then a heartbeat that no longer shows it. */
  | 'status'
  /** As 7.5: status and reconnect, or facts where there was no status. */
  | 'switch'
  /** The agent comes back with a new connection; there never is a status. */
  | 'reconnect'
  /** The command that it acts upon has ended. */
  | 'target'
  /** The dashboard does it itself, at once. */
  | 'immediate';

/** The facts of a host that preconditions look at: a part of what pages show, so that both judge alike. */
export type HostFacts = Pick<
  HostView,
  'name' | 'online' | 'compartments' | 'command' | 'control' | 'dashboardCommand' | 'foreignCommand' | 'protocol'
>;

export type Precondition = (facts: HostFacts) => Blocked | null;

export interface Operation {
  id: OperationId;
  /** As on a button. */
  label: string;
  /** What it does, as a sentence. */
  description: string;
  runs: 'agent' | 'dashboard';
  /** What it is done to: one host, or the fleet as a whole (then it can't be sent to a host). */
  scope: 'host' | 'fleet';
  /** What goes on the wire to an agent; null for the dashboard's own. */
  wire: { kind: 'command'; command: WireCommand } | { kind: 'kill'; signal: 'SIGTERM' | 'SIGKILL' } | null;
  ends: EndRule;
  /** May be sent while another command runs. */
  bypassesBusy: boolean;
  preconditions: readonly Precondition[];
  /** After exit 0, the fact that has to hold for "succeeded"; otherwise the end is "partial". */
  postCheck: 'git-current' | 'system-current' | null;
  /** The operator is asked what to do after this long. */
  warnAfterMs: number;
  /** It ends as timed out after this long. */
  hardAfterMs: number;
  /** How long an agent may take to come back where the end needs a new connection. */
  reconnectWithinMs: number;
  /** May wait for a host that is offline, and be done when it is back. */
  queueable: boolean;
  /** Needs a fresh code (or the password where no second factor is set up): on each host, or on several at once. */
  needsStepUp: 'never' | 'always' | 'bulk';
  /** Asks for a second look before it is sent. */
  confirms: boolean;
  /** May be put on the wire (or done by the dashboard) again when nobody can know whether it was done. */
  mayRepeat: boolean;
}
