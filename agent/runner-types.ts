/** The types of the runner of commands: what a frame gives it, what it keeps of a running command, and its options. */
import type { Outbox, OutboxEntry } from '@/lib/outbox/outbox';
import type { HostType } from './config';
import type { AgentLog } from './log';
import type { AgentOperation, HeldOperation, OperationContext } from './operation';
import type { PolicyState } from './policy/policy-file';
import type { Child } from './process';
import type { Shell } from './shell';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';

export type CommandPayload = Extract<ReceivedServerFrame, { type: 'command' }>['payload'];
/** What a command names besides its operation. */
export type Given = Pick<OperationContext, 'generation' | 'confirm'>;
/** With the policy by which it was judged: it is read once for a command. */
export type Accepted = Given & Pick<OperationContext, 'policy'>;
export type KillPayload = Extract<ReceivedServerFrame, { type: 'kill_command' }>['payload'];
export type StopSignal = 'SIGTERM' | 'SIGKILL';

export const NOTHING_GIVEN: Given = { generation: null, confirm: null };
export const givenBy = ({ generation, confirm }: CommandPayload): Given => ({
  generation: generation ?? null,
  confirm: confirm === undefined ? null : { windowS: confirm.window_s },
});

export interface RunningCommand {
  readonly entry: OutboxEntry;
  readonly shell: Shell;
  child: Child | null;
  /** The child survives the agent (a switch on macOS). */
  outlives: boolean;
  /** A part that can't be stopped is under way. */
  held: HeldOperation | null;
  /** Set once it is being stopped: its result. */
  stop: { exitCode: number; message: string } | null;
  /** The program that was asked to end. */
  stopped: Child | null;
  /** What goes on although it was stopped. */
  rest: string | null;
  escalation: NodeJS.Timeout | null;
  progress: Map<string, AgentFrameInput>;
  done: Promise<void>;
}

export interface CommandRunnerOptions {
  operations: ReadonlyMap<string, AgentOperation>;
  hostType: HostType;
  outbox: Outbox;
  log: AgentLog;
  /** Sends a frame that needs no acknowledgement; it is dropped without a connection. */
  send: (frame: AgentFrameInput) => void;
  /** Whether this connection uses ids (protocol 3). */
  withIds: () => boolean;
  generation: () => Promise<string>;
  /** Reads what this host accepts. */
  policy: () => PolicyState;
  redact: (text: string) => string;
  env: NodeJS.ProcessEnv;
  cwd: () => string;
  /** Ends the process once the result of `entry` is acknowledged; null: at once. */
  exit: (code: number, entry: OutboxEntry | null) => void;
  /** Gives why it was not possible; null when the host goes down. */
  rebootHost: (shell: Shell) => Promise<string | null>;
  stopGraceMs?: number;
  rebootDelayMs?: number;
}
