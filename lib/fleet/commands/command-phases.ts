/** How a command answers each input, phase by phase: every input is answered in every phase. Pure. */
import {
  EVIDENCE_MS,
  QUIET_HEARTBEATS,
  MAX_EXTENSION_MS,
  type CommandInput,
  type CommandStep,
  type Phase,
  type Active,
  stay,
  end,
  ended,
  wired,
  progressOf,
  durationText,
  capped,
} from './command-step';
import {
  onResult,
  gone,
  withoutReturn,
  onReturn,
  quietHeartbeat,
  noEvidence,
  seen,
  backToRunning,
  stopMs,
  awayMs,
  stopping,
  endedByRestart,
  recovered,
  targetEnded,
  timedOut,
} from './command-transitions';
import { conclude } from './command-verdict';
import type { Operation } from '../operations/operation';

export function stepQueued(
  operation: Operation,
  state: Phase<'queued'>,
  input: CommandInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'sent':
      return stay({
        phase: 'sent',
        sentAt: now,
        before: input.before,
        deadline: now + operation.warnAfterMs,
        hardDeadline: now + operation.hardAfterMs,
        heard: false,
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
    case 'time-shifted':
      return stay(state);
  }
}

export function stepActive(operation: Operation, state: Active, input: CommandInput, now: number): CommandStep {
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
        why: `It takes longer than ${durationText(state.deadline - state.sentAt)}.`,
      });
    case 'sent':
    case 'not-sent':
    case 'stop-failed':
    case 'cancel':
    case 'probed':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}

export function stepStopping(
  operation: Operation,
  state: Phase<'stopping'>,
  input: CommandInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'activity':
      return stay({ ...state, heard: true, quiet: 0, progress: input.progress ?? state.progress });
    case 'result': {
      // A child that was killed gives its own status, an error, beside or instead of `stopped` (section 4, stop).
      const { result } = input;
      const byStop = result.status === 'stopped' || (result.status === 'error' && (result.exitCode ?? 0) < 0);
      return onResult(operation, state, byStop ? { ...result, status: 'stopped' } : result, now);
    }
    case 'heartbeat':
      if (input.shown === 'this') return stay({ ...state, heard: true, disconnected: false, quiet: 0 });
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
        why: `The ${state.how} had no effect within ${durationText(stopMs(state.how))}.`,
      });
    case 'sent':
    case 'not-sent':
    case 'extend':
    case 'cancel':
    case 'probed':
    case 'target-ended':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}

export function stepAwaiting(
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
      return stay({ ...backToRunning(state), progress: input.progress ?? state.progress });
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
        ? ended(now, 'timed-out', `The host did not come back within ${durationText(now - state.sentAt)}.`)
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
    case 'time-shifted':
      return stay(state);
  }
}

export function stepVerifying(
  operation: Operation,
  state: Phase<'verifying'>,
  input: CommandInput,
  now: number,
): CommandStep {
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
      if (state.need === 'announced')
        return stay({ ...state, heard: true, deadline: capped(operation, state, now + EVIDENCE_MS) });
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
    case 'time-shifted':
      return stay(state);
  }
}
