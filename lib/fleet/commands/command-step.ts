/** The inputs and effects of a command, and the parts its steps are made of. Pure. */
import type { Before, CommandResult, CommandState, Confirmation, LiveCommandState } from '../records/command-state';
import type { Ending, VerdictFacts } from './command-verdict';
import type { Operation } from '../operations/operation';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { ProgressView } from '@/lib/protocol/live/views/command-view';

/** How long a command may wait to be sent. */
export const QUEUED_MS = 60_000;
/** How long a stop may take before the operator is warned. The agent itself kills after 10 s. */
export const STOP_MS = 30_000;
/** How long the agent may take to answer a request for a heartbeat. */
export const HEARTBEAT_ANSWER_MS = 30_000;
/** How long an agent that came back may take to send evidence of the result. */
export const EVIDENCE_MS = 90_000;
/** How long a host may stay away after a restart of the dashboard before its commands count as lost. */
export const RECOVERY_MS = 10 * 60_000;
/** How long a host may take to go back, or to make the system the boot default, and to report it. */
export const CONFIRM_GRACE_MS = 10 * 60_000;
/** This many heartbeats in a row that do not show a command mean that it no longer runs. */
export const QUIET_HEARTBEATS = 2;
/** The longest extension that an operator can give at once. */
export const MAX_EXTENSION_MS = 60 * 60_000;
/** A heartbeat may have been in transit when the command was sent: one without it counts only after this long. */
export const QUIET_AFTER_MS = 3_000;

/** What an agent shows as running: this command, none, another one; `unknown`: protocol 2 can't tell in `register`. */
export type Shown = 'this' | 'none' | 'other' | 'unknown';

export type CommandInput =
  /**
   * `on`: the connection. `confirmS`: it is sent as a confirmed switch, with this window in seconds. `unconfirmed`: it is a
   * switch, but not sent as one, and why.
   */
  | { type: 'sent'; before: Before; on?: string; confirmS?: number; unconfirmed?: string }
  /** It was queued and will not be sent. */
  | { type: 'not-sent'; outcome: 'rejected' | 'superseded' | 'skipped'; reason: string }
  /** The agent started it, or it printed something or made progress. */
  | { type: 'activity'; progress?: ProgressView }
  | { type: 'result'; result: CommandResult }
  /** The agent reports on a confirmed switch. `on`: its connection. `endsAt`: when its timer fires; null: none is armed. */
  | { type: 'confirmation'; report: ConfirmationReport; endsAt: number | null; on: string }
  /** An operator keeps the new system, or goes back to the previous one. */
  | { type: 'answered'; keep: boolean; by: string }
  /** The agent refused a command because another one runs; `isThis`: the running one is this command. */
  | { type: 'rejected'; isThis: boolean; reason: string }
  | { type: 'heartbeat'; shown: Shown; facts: VerdictFacts }
  /** The agent (re)connected. `hasResult`: it announced the result. `sameProcess`: it did not restart (null: not known). */
  | { type: 'registered'; shown: Shown; hasResult: boolean; sameProcess: boolean | null; facts: VerdictFacts }
  /** `losesOutput`: the agent drops what the command prints meanwhile (protocol 2). */
  | { type: 'disconnected'; losesOutput: boolean }
  | { type: 'stop-requested'; how: 'stop' | 'kill' | 'restart' | 'reboot' }
  | { type: 'stop-failed'; reason: string }
  | { type: 'extend'; ms: number }
  | { type: 'cancel'; reason: string }
  /** The dashboard was restarted. `losesOutput` as above. */
  | { type: 'recovered'; losesOutput: boolean }
  /** The answer to `probe-system`: the status of the system compartment. */
  | { type: 'probed'; status: string }
  /** The command that this one acts on has ended. */
  | { type: 'target-ended'; outcome: CommandOutcome }
  /** A dashboard operation finished or failed, or a version-1 agent's report was judged. */
  | { type: 'done'; ending: Ending }
  /** The host is being removed. */
  | { type: 'host-removed' }
  /**
   * The wall clock moved `ms` further than the time in which the process could work (negative: it was set back). Every
   * deadline moves by the same amount, so that nothing ends because of it.
   */
  | { type: 'time-shifted'; ms: number }
  | { type: 'tick' };

/** The inputs that phases answer differently; the others mean the same in each of them. */
export type OtherInput = Exclude<CommandInput, { type: 'confirmation' }>;

/** A `confirmation` frame, with the names of the record. */
export type ConfirmationReport = Pick<Confirmation, 'stage' | 'system' | 'previous' | 'checks' | 'reason'>;

export type CommandEffect =
  /** Send `registered` again, which every agent answers with a heartbeat. */
  | { type: 'ask-heartbeat' }
  /** Send `refresh-system`; its answer comes back as `probed`. */
  | { type: 'probe-system' }
  /** Send it, or do it, once more: only for operations with `mayRepeat`. */
  | { type: 'send-again' }
  /** Send the answer to a confirmed switch; nothing if this connection has ended. */
  | { type: 'confirm'; keep: boolean; byOperator: boolean; on: string }
  /** A line for the command's output. */
  | { type: 'note'; text: string };

export interface CommandStep {
  state: CommandState;
  effects: CommandEffect[];
}

export type Phase<P extends CommandState['phase']> = Extract<CommandState, { phase: P }>;
export type Active = Phase<'sent' | 'running' | 'warning'>;

export const stay = (state: CommandState, ...effects: CommandEffect[]): CommandStep => ({ state, effects });

export function end(now: number, ending: Ending): CommandStep {
  return { state: { phase: 'ended', at: now, ...ending }, effects: [] };
}

export const ended = (
  now: number,
  outcome: CommandOutcome,
  reason: string,
  exitCode: number | null = null,
): CommandStep => end(now, { outcome, reason, exitCode });

export const sentFields = (state: LiveCommandState) => {
  const { sentAt, before, hardDeadline, heard, accepted, sentOn, confirmS, confirmation } = state;
  return {
    sentAt,
    before,
    hardDeadline,
    heard,
    accepted,
    ...(sentOn === undefined ? {} : { sentOn }),
    ...(confirmS === undefined ? {} : { confirmS }),
    ...(confirmation === undefined ? {} : { confirmation }),
  };
};
export const progressOf = (state: LiveCommandState): ProgressView | null =>
  'progress' in state ? state.progress : null;
export const resultIn = (state: LiveCommandState): CommandResult | null => ('result' in state ? state.result : null);
/** A duration for people: "45 s", "10 min". */
export const durationText = (ms: number) =>
  ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
/** Inputs about the host's connection, which mean nothing to a dashboard operation. */
export const isAboutAgent = ({ type }: CommandInput) =>
  type === 'heartbeat' || type === 'registered' || type === 'disconnected';

/**
 * The latest deadline that an agent's behaviour can set: an agent that reconnects in a loop must not keep its host busy
 * for ever.
 */
export function capped(operation: Operation, { hardDeadline }: LiveCommandState, at: number): number {
  return Math.min(at, hardDeadline + operation.reconnectWithinMs);
}

/** The same for operations that end with a reconnect, where each lost connection moves the deadlines. */
export function returnDeadline(operation: Operation, { sentAt, hardDeadline }: LiveCommandState, now: number): number {
  const { hardAfterMs, reconnectWithinMs } = operation;
  return Math.min(now + reconnectWithinMs, Math.max(hardDeadline, sentAt + hardAfterMs + reconnectWithinMs));
}
