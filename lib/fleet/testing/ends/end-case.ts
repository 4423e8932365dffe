/**
 * Cases of how commands end, as data: what is requested, what the agent sends and when, and the expected end. The files
 * beside this one hold the cases by subject; `play-end-case.ts` plays one in memory or over sockets.
 */
import type { DesiredState, HostRelation } from '../../hosts/desired';
import type { CommandOutcome, CommandPhase } from '@/lib/protocol/command-phases';
import type { CompartmentName, CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { OperationId } from '@/lib/protocol/operation-ids';

export type Step =
  /** The operator requests another operation on the host. */
  | { do: 'request'; operation: OperationId }
  | { do: 'extend'; operation: OperationId; ms: number }
  /** The agent receives a command of this name, the next on its connection. */
  | { do: 'receive'; name: string }
  /** The agent sends a frame; `about`: with the id of the command, as protocol 3 does. */
  | { do: 'send'; type: string; payload: Record<string, unknown>; about?: OperationId }
  /** The agent is asked for a heartbeat, and answers with this one. */
  | { do: 'answer'; payload: Record<string, unknown> }
  | { do: 'close'; code: number }
  /** The agent connects and registers; `runs`, `kept`: the command it runs, or whose result it has kept (protocol 3). */
  | { do: 'dial'; register: Record<string, unknown>; runs?: OperationId; kept?: OperationId }
  /** Another process connects with the same name. */
  | { do: 'intrude'; frames: readonly (readonly [string, Record<string, unknown>])[] }
  | { do: 'later'; ms: number }
  /** Somebody sets the wall clock of the dashboard ahead. */
  | { do: 'set-clock'; ms: number }
  /** The command reaches this phase. */
  | { do: 'phase'; operation: OperationId; phase: CommandPhase }
  /** Nothing has ended the command so far. */
  | { do: 'still'; operation: OperationId }
  | { do: 'ended'; operation: OperationId }
  /** The dashboard is killed and starts again; the agent connects later. */
  | { do: 'restart-dashboard' };

export type Steps = readonly (Step | Steps)[];

export interface ExpectedEnd {
  outcome: CommandOutcome;
  /** A part of the sentence. */
  reason?: string;
  exitCode?: number;
}

export interface EndCase {
  name: string;
  operation: OperationId;
  /** Before the operation is requested. */
  before?: Steps;
  steps: Steps;
  ends: ExpectedEnd;
  /** How the other requested operations end. */
  others?: Partial<Record<OperationId, ExpectedEnd>>;
  /** What the agent registers with, beside its name. */
  register?: Record<string, unknown>;
  /** The desired state, and how commits relate to it; without it, none is configured. */
  desired?: { state: Partial<DesiredState>; relations: Readonly<Record<string, HostRelation>> };
  /** Compartments of the host afterwards: status, and a part of the message. */
  after?: Partial<Record<CompartmentName, [CompartmentStatus | 'working', string]>>;
  /** The dashboard's lines in the output of the first command: a part of each, in order. */
  notes?: readonly string[];
  /** Why only one player can play it. */
  only?: { player: 'memory' | 'sockets'; because: string };
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

export const QUIET_BEAT = { generation: '3c9a808', pending_command: null, command_pid: null, metrics: null };
const PHASES: Readonly<Record<string, number>> = { pull: 4, system: 3, tests: 8 };

export const request = (operation: OperationId): Step => ({ do: 'request', operation });
export const extend = (operation: OperationId, ms: number): Step => ({ do: 'extend', operation, ms });
export const receive = (name: string): Step => ({ do: 'receive', name });
export const send = (type: string, payload: Record<string, unknown>): Step => ({ do: 'send', type, payload });
export const op = (phase: string, status: 'in_progress' | 'complete' | 'error'): Step =>
  send('operation_progress', {
    progress: { [phase]: { current: status === 'complete' ? PHASES[phase] : 0, total: PHASES[phase], status } },
  });
export const out = (line: string, stream: 'stdout' | 'stderr' = 'stdout'): Step =>
  send('output', { line, stream, command: '', is_error: false });
export const st = (status: string, command: string, exitCode: number, message?: string): Step =>
  send('status', { status, command, exit_code: exitCode, ...(message === undefined ? {} : { message }) });
/** A heartbeat; `pending`: the wire name of the command it shows. */
export const beat = (pending: string | null = null, more: Record<string, unknown> = {}): Step =>
  send('heartbeat', { ...QUIET_BEAT, pending_command: pending, ...more });
/** Every agent answers a `registered` with a heartbeat at once. */
export const answer = (more: Record<string, unknown> = {}): Step => ({
  do: 'answer',
  payload: { ...QUIET_BEAT, ...more },
});
/** After an idle command's status the agent is asked for a heartbeat, and gives it. */
export const quiet = answer();
export const close = (code: number): Step => ({ do: 'close', code });
/** The connection breaks without a close frame. */
export const drop = close(1006);
export const dial = (register: Record<string, unknown> = {}): Step => ({ do: 'dial', register });
export const back: Steps = [close(1000), dial()];
export const intrude = (...frames: (readonly [string, Record<string, unknown>])[]): Step => ({ do: 'intrude', frames });
export const later = (ms: number): Step => ({ do: 'later', ms });
export const setClock = (ms: number): Step => ({ do: 'set-clock', ms });
export const phase = (operation: OperationId, name: CommandPhase): Step => ({ do: 'phase', operation, phase: name });
export const still = (operation: OperationId): Step => ({ do: 'still', operation });
export const ended = (operation: OperationId): Step => ({ do: 'ended', operation });
export const restartDashboard: Step = { do: 'restart-dashboard' };

/** What this project's agent registers with. */
export const PROTOCOL_3 = { protocol: 3, instance: 'before', running: null, finished: [] };
export const st3 = (operation: OperationId, more: Record<string, unknown>): Step => ({
  do: 'send',
  type: 'status',
  payload: { command: operation, last_seq: 0, ...more },
  about: operation,
});
/** The agent of protocol 3 has begun it. */
export const started3 = (operation: OperationId): Step => ({
  do: 'send',
  type: 'started',
  payload: {},
  about: operation,
});
export const lines3 = (operation: OperationId, ...lines: (readonly [seq: number, line: string])[]): Step => ({
  do: 'send',
  type: 'output_batch',
  payload: { lines: lines.map(([seq, line]) => ({ seq, stream: 'stdout', line })) },
  about: operation,
});
export const dial3 = (
  { instance = 'before', ...rest }: { instance?: string; runs?: OperationId; kept?: OperationId } = {},
  more: Record<string, unknown> = {},
): Step => ({ do: 'dial', register: { ...PROTOCOL_3, instance, ...more }, ...rest });
