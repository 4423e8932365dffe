/** What commands are fed with, and what their steps are made of. Pure. */
import type { CommandOutcome, ProgressView } from '@/lib/protocol/live';
import type { Before, CommandResult, CommandState, LiveCommandState } from '../records/command-state';
import type { Ending, VerdictFacts } from './command-verdict';
import type { Operation } from '../operations/operation';

/** How long a command may wait to be sent. */
export const QUEUED_MS = 60_000;
/** How long a stop may take before the operator is asked again. The agent itself kills after 10 s. */
export const STOP_MS = 30_000;
/** How long a heartbeat may take that was asked for. */
export const HEARTBEAT_ANSWER_MS = 30_000;
/** How long the evidence of an agent that came back may take. */
export const EVIDENCE_MS = 90_000;
/** How long a host may stay away after a restart of the dashboard before its commands count as lost. */
export const RECOVERY_MS = 10 * 60_000;
/** So many heartbeats in a row without a trace of a command mean that it no longer runs (7.3). */
export const QUIET_HEARTBEATS = 2;
/** Longest time that an operator may add at once. */
export const MAX_EXTENSION_MS = 60 * 60_000;
/** A heartbeat may have been on its way when the command was sent: silence counts only after this long. */
export const QUIET_AFTER_MS = 3_000;

/** What an agent shows of a command: this one, nothing, another one; `unsaid`: it can't tell yet (protocol 2, register). */
export type Shown = 'this' | 'none' | 'other' | 'unsaid';

export type CommandInput =
  | { type: 'sent'; before: Before }
  /** It waited, and will not be sent. */
  | { type: 'not-sent'; outcome: 'rejected' | 'superseded' | 'skipped'; reason: string }
  /** It was taken up, printed something or made progress. */
  | { type: 'activity'; progress?: ProgressView }
  | { type: 'result'; result: CommandResult }
  /** The agent refused a command because `current` runs; `isThis`: which is this very command. */
  | { type: 'rejected'; isThis: boolean; reason: string }
  | { type: 'heartbeat'; shown: Shown; facts: VerdictFacts }
  /** The agent came (back). `hasResult`: it announced the result. `sameProcess`: it never restarted (null: not known). */
  | { type: 'registered'; shown: Shown; hasResult: boolean; sameProcess: boolean | null; facts: VerdictFacts }
  | { type: 'disconnected' }
  | { type: 'stop-requested'; how: 'stop' | 'kill' | 'restart' | 'reboot' }
  | { type: 'stop-failed'; reason: string }
  | { type: 'extend'; ms: number }
  | { type: 'cancel'; reason: string }
  /** The dashboard was restarted. */
  | { type: 'recovered' }
  /** The answer to `probe-system`: the word of the system compartment. */
  | { type: 'probed'; word: string }
  /** The command that this one acts upon has ended. */
  | { type: 'target-ended'; outcome: CommandOutcome }
  /** The dashboard has done it, or has failed to; or what a version-1 agent reported was judged. */
  | { type: 'done'; ending: Ending }
  /** The host is being removed: nothing more will be heard of it. */
  | { type: 'host-removed' }
  /**
   * The wall clock went `ms` further than the time in which the process could work (negative: it was put back): every
   * deadline moves along, so that nothing ends by it.
   */
  | { type: 'time-shifted'; ms: number }
  | { type: 'tick' };

export type CommandEffect =
  /** Send `registered` again, which every agent answers with a heartbeat. */
  | { type: 'ask-heartbeat' }
  /** Send `refresh-system` and give the word back as `probed`. */
  | { type: 'probe-system' }
  /** Put it on the wire once more, or do it once more: only for operations that say that they may be repeated. */
  | { type: 'send-again' }
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

export const wired = ({ sentAt, before, hardDeadline, heard }: LiveCommandState) => ({
  sentAt,
  before,
  hardDeadline,
  heard,
});
export const progressOf = (state: LiveCommandState): ProgressView | null =>
  'progress' in state ? state.progress : null;
export const resultIn = (state: LiveCommandState): CommandResult | null => ('result' in state ? state.result : null);
/** A duration as a person says it. */
export const durationText = (ms: number) =>
  ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
/** What becomes of a host's connection says nothing of what the dashboard does itself. */
export const isAboutAgent = ({ type }: CommandInput) =>
  type === 'heartbeat' || type === 'registered' || type === 'disconnected';

/**
 * No deadline that an agent's doings set goes beyond this: one that comes and goes for ever (a crash loop) must not keep
 * its host busy for ever.
 */
export function capped(operation: Operation, { hardDeadline }: LiveCommandState, at: number): number {
  return Math.min(at, hardDeadline + operation.reconnectWithinMs);
}

/** The same for what ends by a reconnect, where each lost connection moves the deadlines. */
export function returnDeadline(operation: Operation, { sentAt, hardDeadline }: LiveCommandState, now: number): number {
  const { hardAfterMs, reconnectWithinMs } = operation;
  return Math.min(now + reconnectWithinMs, Math.max(hardDeadline, sentAt + hardAfterMs + reconnectWithinMs));
}
