/**
 * The life of a command: a pure state machine. `stepCommand` answers every input in every state; every state but the
 * end has a deadline, so that every command ends. What an agent says is evidence; the rules are those of the agent
 * protocol, sections 4 and 7.
 */
import type { CommandOutcome, ProgressView } from '@/lib/protocol/live';
import type { Before, CommandResult, CommandState, LiveCommandState } from './command-state';
import { conclude, type Ending, type Facts } from './command-verdict';
import type { Operation } from './operations';

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
  | { type: 'heartbeat'; shown: Shown; facts: Facts }
  /** The agent came (back). `hasResult`: it announced the result. `sameProcess`: it never restarted (null: not known). */
  | { type: 'registered'; shown: Shown; hasResult: boolean; sameProcess: boolean | null; facts: Facts }
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
  /** The dashboard has done it, or has failed to. */
  | { type: 'done'; ending: Ending }
  /** The host is being removed: nothing more will be heard of it. */
  | { type: 'host-removed' }
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

/** Gives the next state of a command and what has to be done after it was stored. Pure; never throws. */
export function stepCommand(operation: Operation, state: CommandState, input: CommandInput, now: number): CommandStep {
  if (operation.runs === 'dashboard') {
    if (isAboutAgent(input)) return stay(state);
    if (input.type === 'done' && state.phase !== 'ended') return end(now, input.ending);
  }
  if (input.type === 'host-removed') return hostRemoved(operation, state, now);
  switch (state.phase) {
    case 'queued':
      return stepQueued(operation, state, input, now);
    case 'sent':
    case 'running':
    case 'warning':
      return stepActive(operation, state, input, now);
    case 'stopping':
      return stepStopping(operation, state, input, now);
    case 'awaiting-reconnect':
      return stepAwaiting(operation, state, input, now);
    case 'verifying':
      return stepVerifying(operation, state, input, now);
    case 'ended':
      return stay(state);
  }
}

function hostRemoved(operation: Operation, state: CommandState, now: number): CommandStep {
  if (state.phase === 'ended' || operation.id === 'remove-host') return stay(state);
  if (state.phase === 'queued') return ended(now, 'cancelled', 'Its host was removed before it was sent.');
  return ended(now, 'lost', 'Its host was removed before it had ended: it may still be running there.');
}

/** When `tick` has to come; null when the command has ended. */
export function deadlineOf(state: CommandState): number | null {
  return state.phase === 'ended' ? null : state.deadline;
}

type Phase<P extends CommandState['phase']> = Extract<CommandState, { phase: P }>;
type Active = Phase<'sent' | 'running' | 'warning'>;

const stay = (state: CommandState, ...effects: CommandEffect[]): CommandStep => ({ state, effects });

function end(now: number, ending: Ending): CommandStep {
  return { state: { phase: 'ended', at: now, ...ending }, effects: [] };
}

const ended = (now: number, outcome: CommandOutcome, reason: string, exitCode: number | null = null): CommandStep =>
  end(now, { outcome, reason, exitCode });

const wired = ({ sentAt, before, hardDeadline }: LiveCommandState) => ({ sentAt, before, hardDeadline });
const progressOf = (state: LiveCommandState): ProgressView | null => ('progress' in state ? state.progress : null);
const resultIn = (state: LiveCommandState): CommandResult | null => ('result' in state ? state.result : null);
/** A duration as a person says it. */
const duration = (ms: number) => (ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);
/** What becomes of a host's connection says nothing of what the dashboard does itself. */
const isAboutAgent = ({ type }: CommandInput) =>
  type === 'heartbeat' || type === 'registered' || type === 'disconnected';

/**
 * No deadline that an agent's doings set goes beyond this: one that comes and goes for ever (a crash loop) must not keep
 * its host busy for ever.
 */
function capped(operation: Operation, { hardDeadline }: LiveCommandState, at: number): number {
  return Math.min(at, hardDeadline + operation.reconnectWithinMs);
}

/** The same for what ends by a reconnect, where each lost connection moves the deadlines. */
function returnDeadline(operation: Operation, { sentAt, hardDeadline }: LiveCommandState, now: number): number {
  const { hardAfterMs, reconnectWithinMs } = operation;
  return Math.min(now + reconnectWithinMs, Math.max(hardDeadline, sentAt + hardAfterMs + reconnectWithinMs));
}

function stepQueued(operation: Operation, state: Phase<'queued'>, input: CommandInput, now: number): CommandStep {
  switch (input.type) {
    case 'sent':
      return stay({
        phase: 'sent',
        sentAt: now,
        before: input.before,
        deadline: now + operation.warnAfterMs,
        hardDeadline: now + operation.hardAfterMs,
        quiet: 0,
      });
    case 'not-sent':
      return ended(now, input.outcome, input.reason);
    case 'cancel':
      return ended(now, 'cancelled', input.reason);
    case 'stop-requested':
      return ended(now, 'cancelled', 'It was stopped before it was sent to the host.');
    case 'tick':
      return now >= state.deadline ? ended(now, 'expired', 'The host was not there to take it.') : stay(state);
    case 'activity':
    case 'result':
    case 'rejected':
    case 'heartbeat':
    case 'registered':
    case 'disconnected':
    case 'stop-failed':
    case 'extend':
    case 'recovered':
    case 'probed':
    case 'target-ended':
    case 'done':
    case 'host-removed':
      return stay(state);
  }
}

function stepActive(operation: Operation, state: Active, input: CommandInput, now: number): CommandStep {
  switch (input.type) {
    case 'activity':
      return stay(seen(state, input.progress ?? progressOf(state)));
    case 'result':
      return onResult(operation, state, input.result, now);
    case 'rejected':
      return input.isThis ? stay(seen(state, progressOf(state))) : ended(now, 'rejected', input.reason);
    case 'heartbeat':
      if (input.shown === 'this') return stay(seen(state, progressOf(state)));
      return quietHeartbeat(operation, state, input, now);
    case 'registered':
      return onReturn(operation, state, input, now);
    case 'disconnected':
      return gone(operation, state, now);
    case 'stop-requested':
      return stopping(operation, state, input.how, now);
    case 'extend': {
      if (state.phase !== 'warning') return stay(state);
      const deadline = now + Math.min(Math.max(input.ms, 0) || 0, MAX_EXTENSION_MS);
      return stay({
        ...wired(state),
        phase: 'running',
        deadline,
        hardDeadline: Math.max(state.hardDeadline, deadline + (operation.hardAfterMs - operation.warnAfterMs)),
        quiet: 0,
        progress: state.progress,
      });
    }
    case 'recovered':
      return recovered(operation, state, now);
    case 'target-ended':
      return operation.ends === 'target' ? targetEnded(input.outcome, now) : stay(state);
    case 'tick':
      if (now >= state.hardDeadline) return timedOut(operation, state, now);
      if (now < state.deadline || state.phase === 'warning') return stay(state);
      return stay({
        ...wired(state),
        phase: 'warning',
        deadline: state.hardDeadline,
        quiet: state.quiet,
        progress: progressOf(state),
        why: `It takes longer than ${duration(state.deadline - state.sentAt)}.`,
      });
    case 'sent':
    case 'not-sent':
    case 'stop-failed':
    case 'cancel':
    case 'probed':
    case 'done':
    case 'host-removed':
      return stay(state);
  }
}

function stepStopping(operation: Operation, state: Phase<'stopping'>, input: CommandInput, now: number): CommandStep {
  switch (input.type) {
    case 'activity':
      return stay({ ...state, quiet: 0, progress: input.progress ?? state.progress });
    case 'result': {
      // A child that was killed gives its own status, an error, beside or instead of `stopped` (section 4, stop).
      const { result } = input;
      const byStop = result.status === 'stopped' || (result.status === 'error' && (result.exitCode ?? 0) < 0);
      return onResult(operation, state, byStop ? { ...result, status: 'stopped' } : result, now);
    }
    case 'heartbeat':
      if (input.shown === 'this') return stay({ ...state, disconnected: false, quiet: 0 });
      if (state.disconnected) {
        if (state.how === 'restart' || state.how === 'reboot') return endedByRestart(state, now);
        return ended(
          now,
          'lost',
          'The agent went away when it was told to stop and came back without a result. What it ran may still be running.',
        );
      }
      if (state.quiet + 1 < QUIET_HEARTBEATS)
        return stay({ ...state, quiet: state.quiet + 1 }, { type: 'ask-heartbeat' });
      return ended(now, 'stopped', 'The agent no longer shows it after the stop; it gave no result.');
    case 'registered':
      // The result follows, or the process is the same: then only the network dropped, and the stop goes on.
      if (input.hasResult || input.shown === 'this' || input.sameProcess === true)
        return stay({ ...state, disconnected: false, quiet: 0 });
      // Protocol 2 can't tell yet whether it still runs: its heartbeat will (7.5).
      if (input.shown !== 'unsaid' && (state.how === 'restart' || state.how === 'reboot'))
        return endedByRestart(state, now);
      return stay({ ...state, disconnected: true });
    case 'disconnected':
      return stay({
        ...state,
        disconnected: true,
        deadline: Math.max(state.deadline, capped(operation, state, now + awayMs(operation, state))),
      });
    case 'rejected':
      return input.isThis ? stay(state) : ended(now, 'rejected', input.reason);
    case 'stop-requested':
      return stopping(operation, state, input.how, now);
    case 'stop-failed':
      return stay(
        { ...wired(state), phase: 'running', deadline: state.hardDeadline, quiet: 0, progress: state.progress },
        { type: 'note', text: `The stop failed: ${input.reason}` },
      );
    case 'recovered':
      return recovered(operation, state, now);
    case 'tick':
      if (now < state.deadline) return stay(state);
      if (now >= state.hardDeadline || state.disconnected) return timedOut(operation, state, now);
      return stay({
        ...wired(state),
        phase: 'warning',
        deadline: state.hardDeadline,
        quiet: 0,
        progress: state.progress,
        why: `The ${state.how} had no effect within ${duration(stopMs(state.how))}.`,
      });
    case 'sent':
    case 'not-sent':
    case 'extend':
    case 'cancel':
    case 'probed':
    case 'target-ended':
    case 'done':
    case 'host-removed':
      return stay(state);
  }
}

function stepAwaiting(
  operation: Operation,
  state: Phase<'awaiting-reconnect'>,
  input: CommandInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'registered':
      return onReturn(operation, state, input, now);
    case 'result':
      // A second status for one command changes nothing (section 4).
      return state.result ? stay(state) : onResult(operation, state, input.result, now);
    case 'activity':
      if (state.result) return stay(state);
      return stay({
        ...wired(state),
        phase: 'running',
        deadline: state.hardDeadline,
        quiet: 0,
        progress: input.progress ?? state.progress,
      });
    case 'disconnected':
      return stay({ ...state, disconnected: true });
    case 'recovered':
      return recovered(operation, state, now);
    case 'target-ended':
      return operation.ends === 'target' ? targetEnded(input.outcome, now) : stay(state);
    case 'tick':
      if (now < state.deadline) return stay(state);
      if (state.result) return withoutReturn(operation, state, state.result, now);
      return operation.ends === 'reconnect'
        ? ended(now, 'timed-out', `The host did not come back within ${duration(now - state.sentAt)}.`)
        : ended(now, 'lost', 'The host went away while it ran and has not come back; what became of it is not known.');
    case 'heartbeat':
    case 'rejected':
    case 'sent':
    case 'not-sent':
    case 'stop-requested':
    case 'stop-failed':
    case 'extend':
    case 'cancel':
    case 'probed':
    case 'done':
    case 'host-removed':
      return stay(state);
  }
}

function stepVerifying(operation: Operation, state: Phase<'verifying'>, input: CommandInput, now: number): CommandStep {
  switch (input.type) {
    case 'heartbeat':
      if (state.result) {
        return input.shown === 'this'
          ? stay(state)
          : end(now, conclude(operation, state.before, state.result, input.facts));
      }
      // A result that was announced comes after all of its output, which can take longer than two heartbeats.
      if (state.need === 'probe' || state.need === 'announced') return stay(state);
      if (input.shown === 'this') return stay(backToRunning(state));
      return noEvidence(operation, state, input.facts, now);
    case 'result':
      if (state.result) return stay(state);
      // An agent that says that it will restart has not done so yet, even if its link was away in between.
      return onResult(operation, state, input.result, now);
    case 'activity':
      if (state.result) return stay(state);
      if (state.need === 'announced') return stay({ ...state, deadline: capped(operation, state, now + EVIDENCE_MS) });
      return stay({ ...backToRunning(state), progress: input.progress ?? state.progress });
    case 'registered':
      if (state.result) return stay(state, { type: 'ask-heartbeat' });
      return onReturn(operation, state, input, now);
    case 'probed':
      if (state.need !== 'probe') return stay(state);
      if (input.word === 'ok') {
        return ended(now, 'succeeded', 'No result arrived, but the host says that its system is current.');
      }
      if (input.word === 'outdated') {
        return ended(now, 'failed', 'No result arrived, and the host says that its system still needs a rebuild.');
      }
      return ended(now, 'lost', 'No result arrived, and the host can’t say whether its system is current.');
    case 'recovered':
      return recovered(operation, state, now);
    case 'disconnected':
      // What is known stays known; without a result, the agent may well be back with the command still running.
      return state.result ? stay(state) : gone(operation, state, now);
    case 'tick':
      if (now < state.deadline) return stay(state);
      return state.result
        ? end(now, conclude(operation, state.before, state.result, null))
        : ended(now, 'lost', 'The agent came back without a result; what became of it is not known.');
    case 'rejected':
    case 'sent':
    case 'not-sent':
    case 'stop-requested':
    case 'stop-failed':
    case 'extend':
    case 'cancel':
    case 'target-ended':
    case 'done':
    case 'host-removed':
      return stay(state);
  }
}

/** A status frame. */
function onResult(operation: Operation, state: LiveCommandState, result: CommandResult, now: number): CommandStep {
  if (operation.ends === 'target' || operation.ends === 'immediate')
    return end(now, conclude(operation, state.before, result, null));
  if (operation.ends === 'reconnect' && result.status === 'ok') return stay(state);
  if (comesBack(operation, result)) {
    return stay({
      phase: 'awaiting-reconnect',
      ...wired(state),
      deadline: capped(operation, state, now + operation.reconnectWithinMs),
      result,
      disconnected: false,
      progress: null,
    });
  }
  return verifying(operation, state, result, now);
}

/** Whether the agent ends after this result and comes back as a new process: only then is the end complete. */
function comesBack(operation: Operation, result: CommandResult): boolean {
  return operation.ends === 'switch' && result.status === 'ok' && result.restarting !== false;
}

function verifying(operation: Operation, state: LiveCommandState, result: CommandResult, now: number): CommandStep {
  // The host stays busy until a heartbeat no longer shows the command: a new one would be refused until then (7.7).
  return stay(
    {
      phase: 'verifying',
      ...wired(state),
      deadline: capped(operation, state, now + HEARTBEAT_ANSWER_MS),
      result,
      need: 'heartbeat',
      quiet: 0,
      progress: null,
    },
    { type: 'ask-heartbeat' },
  );
}

/** The link closed while nothing is known of the end. */
function gone(operation: Operation, state: Active | Phase<'verifying'>, now: number): CommandStep {
  const ends = operation.ends === 'reconnect' ? returnDeadline(operation, state, now) : state.hardDeadline;
  return stay({
    phase: 'awaiting-reconnect',
    ...wired(state),
    deadline: ends,
    hardDeadline: ends,
    result: null,
    disconnected: true,
    progress: progressOf(state),
  });
}

/** A result is there, but the host has not come back in time. */
function withoutReturn(
  operation: Operation,
  state: Phase<'awaiting-reconnect'>,
  result: CommandResult,
  now: number,
): CommandStep {
  if (!comesBack(operation, result)) return end(now, conclude(operation, state.before, result, null));
  return state.disconnected
    ? ended(now, 'timed-out', 'It reported success, but the agent did not come back in time.', result.exitCode)
    : ended(now, 'succeeded', 'It reported success; the agent did not restart.', result.exitCode);
}

/** The agent opened a new connection while the command had not ended. */
function onReturn(
  operation: Operation,
  state: LiveCommandState,
  input: Extract<CommandInput, { type: 'registered' }>,
  now: number,
): CommandStep {
  if (operation.ends === 'reconnect') {
    if (input.sameProcess !== true) return ended(now, 'succeeded', 'The agent came back.');
    // The same process with a new socket has not restarted (yet): only the network dropped.
    const deadline = Math.min(state.hardDeadline, now + EVIDENCE_MS);
    return stay({ ...wired(state), phase: 'running', deadline, hardDeadline: deadline, quiet: 0, progress: null });
  }
  if (operation.ends === 'target') return stay(state);
  const result = resultIn(state);
  if (result) {
    return operation.postCheck
      ? verifying(operation, state, result, now)
      : end(now, conclude(operation, state.before, result, null));
  }
  if (input.shown === 'this') return stay(backToRunning(state));
  const waiting = {
    phase: 'verifying',
    ...wired(state),
    deadline: capped(operation, state, now + EVIDENCE_MS),
    result: null,
    need: input.hasResult ? 'announced' : 'evidence',
    quiet: 0,
    progress: progressOf(state),
  } as const;
  if (input.hasResult || input.shown === 'unsaid') return stay(waiting);
  return noEvidence(operation, { ...waiting, quiet: QUIET_HEARTBEATS }, input.facts, now);
}

function quietHeartbeat(
  operation: Operation,
  state: Active,
  { shown, facts }: Extract<CommandInput, { type: 'heartbeat' }>,
  now: number,
): CommandStep {
  // Looks may never show up as pending; what ends by a reconnect shows nothing before.
  if (operation.mayRepeat || operation.ends === 'reconnect') return stay(state);
  // A stop or kill never shows itself, but its end is to be seen: nothing runs any more.
  if (operation.ends === 'target' && shown !== 'none') return stay({ ...state, quiet: 0 });
  if (now - state.sentAt < QUIET_AFTER_MS) return stay(state);
  const quiet = state.quiet + 1;
  if (quiet < QUIET_HEARTBEATS) return stay({ ...state, quiet });
  if (operation.ends === 'target') return ended(now, 'succeeded', 'The agent says that nothing is running any more.');
  return noEvidence(
    operation,
    {
      phase: 'verifying',
      ...wired(state),
      deadline: capped(operation, state, now + EVIDENCE_MS),
      result: null,
      need: 'evidence',
      quiet,
      progress: progressOf(state),
    },
    facts,
    now,
  );
}

/** A heartbeat (or a register that can tell) without a trace of a command whose result is not known. */
function noEvidence(operation: Operation, state: Phase<'verifying'>, facts: Facts, now: number): CommandStep {
  if (operation.ends === 'switch') {
    const { before } = state;
    const replaced =
      (before.storePath !== '' && facts.storePath !== '' && before.storePath !== facts.storePath) ||
      (before.binaryHash !== '' && facts.binaryHash !== '' && before.binaryHash !== facts.binaryHash);
    if (replaced) return ended(now, 'succeeded', 'No result arrived, but the agent was replaced by the switch.');
    const deadline = capped(operation, state, now + EVIDENCE_MS);
    return stay({ ...state, need: 'probe', deadline }, { type: 'probe-system' });
  }
  const quiet = state.quiet + 1;
  if (quiet < QUIET_HEARTBEATS) return stay({ ...state, quiet }, { type: 'ask-heartbeat' });
  if (operation.mayRepeat) {
    return stay({ ...wired(state), phase: 'sent', deadline: state.hardDeadline, quiet: 0 }, { type: 'send-again' });
  }
  return ended(
    now,
    'lost',
    'The agent says that nothing is running, and no result arrived: it may have been done, in part or not at all.',
  );
}

function seen(state: Active, progress: ProgressView | null): CommandState {
  return state.phase === 'warning'
    ? { ...state, quiet: 0, progress }
    : { ...wired(state), phase: 'running', deadline: state.deadline, quiet: 0, progress };
}

function backToRunning(state: LiveCommandState): Phase<'running'> {
  return {
    ...wired(state),
    phase: 'running',
    deadline: state.hardDeadline,
    quiet: 0,
    progress: progressOf(state),
  };
}

type How = Phase<'stopping'>['how'];

/** How long a stop may take before the operator is asked again. */
const stopMs = (how: How) => (how === 'reboot' || how === 'restart' ? EVIDENCE_MS : STOP_MS);

/** How long the agent may be away after a stop: a reboot takes as long as the operation of that name says. */
const awayMs = (operation: Operation, { how }: Phase<'stopping'>) =>
  how === 'reboot' ? operation.reconnectWithinMs : EVIDENCE_MS;

function stopping(operation: Operation, state: Active | Phase<'stopping'>, how: How, now: number): CommandStep {
  return stay({
    phase: 'stopping',
    ...wired(state),
    deadline: capped(operation, state, now + stopMs(how)),
    how,
    quiet: 0,
    disconnected: state.phase === 'stopping' && state.disconnected,
    progress: progressOf(state),
  });
}

function endedByRestart(state: Phase<'stopping'>, now: number): CommandStep {
  return ended(
    now,
    'stopped',
    state.how === 'reboot' ? 'It ended with the reboot of the host.' : 'It ended with the restart of the agent.',
  );
}

/** The dashboard was restarted: the host has to come back and tell. */
function recovered(operation: Operation, state: LiveCommandState, now: number): CommandStep {
  if (operation.runs === 'dashboard') {
    if (!operation.mayRepeat)
      return ended(now, 'lost', 'The dashboard was restarted while it did this; whether it was done is not known.');
    return stay(
      {
        ...wired(state),
        phase: 'sent',
        deadline: now + operation.warnAfterMs,
        hardDeadline: now + operation.hardAfterMs,
        quiet: 0,
      },
      { type: 'send-again' },
    );
  }
  const deadline = Math.max(state.hardDeadline, now + RECOVERY_MS);
  return stay(
    {
      phase: 'awaiting-reconnect',
      ...wired(state),
      deadline,
      hardDeadline: deadline,
      result: resultIn(state),
      disconnected: true,
      progress: progressOf(state),
    },
    { type: 'note', text: 'The dashboard was restarted here.' },
  );
}

function targetEnded(outcome: CommandOutcome, now: number): CommandStep {
  switch (outcome) {
    case 'stopped':
      return ended(now, 'succeeded', 'It was stopped.');
    case 'lost':
    case 'timed-out':
      return ended(now, 'lost', 'What was to be stopped has no known end: it may still be running on the host.');
    case 'succeeded':
    case 'unchanged':
    case 'partial':
    case 'failed':
    case 'rejected':
    case 'cancelled':
    case 'expired':
    case 'superseded':
    case 'skipped':
      return ended(now, 'unchanged', `What was to be stopped ended by itself: ${outcome}.`);
  }
}

function timedOut(operation: Operation, state: LiveCommandState, now: number): CommandStep {
  const after = duration(now - state.sentAt);
  if (operation.runs === 'dashboard') return ended(now, 'timed-out', `It did not end within ${after}.`);
  return operation.ends === 'reconnect'
    ? ended(now, 'timed-out', `No restart was seen within ${after}.`)
    : ended(now, 'timed-out', `No end was seen within ${after}. It may still be running on the host.`);
}
