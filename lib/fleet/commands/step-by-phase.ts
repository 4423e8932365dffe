/** How a command answers each input, phase by phase; every phase handles every input. Pure. */
import {
  EVIDENCE_MS,
  QUIET_HEARTBEATS,
  MAX_EXTENSION_MS,
  type CommandStep,
  type OtherInput,
  type Phase,
  type Active,
  stay,
  end,
  ended,
  sentFields,
  progressOf,
  durationText,
  capped,
} from './command-step';
import {
  onResult,
  onDisconnect,
  onMissingReturn,
  onReturn,
  onQuietHeartbeat,
  onMissingEvidence,
  withActivity,
  backToRunning,
  noEffect,
  awayMs,
  lostOutput,
  lostWithProcess,
  stopping,
  endedByRestart,
  recovered,
  targetEnded,
  timedOut,
} from './command-transitions';
import { conclude, MAY_BE_RUNNING, provenStop } from './command-verdict';
import type { Operation } from '../operations/operation';

export function stepQueued(operation: Operation, state: Phase<'queued'>, input: OtherInput, now: number): CommandStep {
  switch (input.type) {
    case 'sent': {
      const sent: Phase<'sent'> = {
        phase: 'sent',
        sentAt: now,
        before: input.before,
        deadline: now + operation.warnAfterMs,
        hardDeadline: now + operation.hardAfterMs,
        heard: false,
        accepted: false,
        quiet: 0,
        ...(input.on === undefined ? {} : { sentOn: input.on }),
        ...(input.confirmS === undefined ? {} : { confirmS: input.confirmS }),
      };
      return input.unconfirmed === undefined
        ? stay(sent)
        : stay(sent, { type: 'note', text: `Not confirmed: ${input.unconfirmed}.` });
    }
    case 'not-sent':
      return ended(now, input.outcome, input.reason);
    case 'cancel':
      return ended(now, 'cancelled', input.reason);
    case 'stop-requested':
      return ended(now, 'cancelled', 'It had not been sent to the host.');
    case 'tick':
      return now >= state.deadline ? ended(now, 'expired', 'The host did not come online in time.') : stay(state);
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
    case 'answered':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}

export function stepActive(operation: Operation, state: Active, input: OtherInput, now: number): CommandStep {
  switch (input.type) {
    case 'activity':
      return stay(withActivity(state, input.progress ?? progressOf(state)));
    case 'result':
      return onResult(operation, state, input.result, now);
    case 'rejected':
      return input.isThis ? stay(withActivity(state, progressOf(state))) : ended(now, 'rejected', input.reason);
    case 'heartbeat':
      if (input.shown === 'this') return stay(withActivity(state, progressOf(state)));
      return onQuietHeartbeat(operation, state, input, now);
    case 'registered':
      return onReturn(operation, state, input, now);
    case 'disconnected':
      return onDisconnect(operation, state, input.losesOutput, now);
    case 'stop-requested':
      return stopping(operation, state, input.how, now);
    case 'extend': {
      if (state.phase !== 'warning') return stay(state);
      const deadline = now + Math.min(Math.max(input.ms, 0) || 0, MAX_EXTENSION_MS);
      return stay({
        ...sentFields(state),
        phase: 'running',
        deadline,
        hardDeadline: Math.max(state.hardDeadline, deadline + (operation.hardAfterMs - operation.warnAfterMs)),
        quiet: 0,
        progress: state.progress,
      });
    }
    case 'recovered':
      return recovered(operation, state, input.losesOutput, now);
    case 'target-ended':
      return operation.ends === 'target' ? targetEnded(input.outcome, now) : stay(state);
    case 'tick':
      if (now >= state.hardDeadline) return timedOut(operation, state, now);
      if (now < state.deadline || state.phase === 'warning') return stay(state);
      return stay({
        ...sentFields(state),
        phase: 'warning',
        deadline: state.hardDeadline,
        quiet: state.quiet,
        progress: progressOf(state),
        why: `It is taking longer than ${durationText(state.deadline - state.sentAt)}.`,
      });
    case 'sent':
    case 'not-sent':
    case 'stop-failed':
    case 'cancel':
    case 'probed':
    case 'answered':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}

const NO_LONGER_REPORTED = 'The agent no longer reports the command after the stop request; it sent no result.';

export function stepStopping(
  operation: Operation,
  state: Phase<'stopping'>,
  input: OtherInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'activity':
      return stay({ ...state, heard: true, quiet: 0, progress: input.progress ?? state.progress });
    case 'result': {
      // A killed child process sends its own error status beside or instead of `stopped`.
      const { result } = input;
      const isKilled = result.status === 'error' && (result.exitCode ?? 0) < 0 && result.rolledBack === undefined;
      const byStop = result.status === 'stopped' || isKilled;
      return onResult(operation, state, byStop ? { ...result, status: 'stopped' } : result, now);
    }
    case 'heartbeat':
      if (input.shown === 'this') return stay({ ...state, heard: true, disconnected: false, quiet: 0 });
      if (state.disconnected) {
        if (state.how === 'restart' || state.how === 'reboot') return endedByRestart(operation, now);
        return ended(
          now,
          'lost',
          'The agent disconnected after the stop request and came back without a result. The command may still be running.',
        );
      }
      if (state.quiet + 1 < QUIET_HEARTBEATS)
        return stay({ ...state, quiet: state.quiet + 1 }, { type: 'ask-heartbeat' });
      return operation.mayOutliveAgent
        ? ended(now, 'lost', `${NO_LONGER_REPORTED} ${MAY_BE_RUNNING}`)
        : ended(now, 'stopped', NO_LONGER_REPORTED);
    case 'registered':
      // The result follows, or the process is the same: then only the network failed, and the stop continues.
      if (input.hasResult || input.shown === 'this' || input.sameProcess === true)
        return stay({ ...state, disconnected: false, quiet: 0 });
      // Protocol 2 can't tell yet whether it still runs; its heartbeat will.
      if (input.shown !== 'unknown' && (state.how === 'restart' || state.how === 'reboot')) {
        const { state: next, effects } = endedByRestart(operation, now);
        return stay(next, ...lostWithProcess(input), ...effects);
      }
      return stay({ ...state, disconnected: true }, ...lostWithProcess(input));
    case 'disconnected':
      return stay(
        {
          ...state,
          disconnected: true,
          deadline: Math.max(state.deadline, capped(operation, state, now + awayMs(operation, state))),
        },
        ...(state.disconnected ? [] : lostOutput(operation, input.losesOutput)),
      );
    case 'rejected':
      return input.isThis ? stay(state) : ended(now, 'rejected', input.reason);
    case 'stop-requested':
      return stopping(operation, state, input.how, now);
    case 'stop-failed':
      return stay(
        { ...sentFields(state), phase: 'running', deadline: state.hardDeadline, quiet: 0, progress: state.progress },
        { type: 'note', text: `The stop failed: ${input.reason || 'no reason given'}.` },
      );
    case 'recovered':
      return recovered(operation, state, input.losesOutput, now);
    case 'tick':
      if (now < state.deadline) return stay(state);
      if (now >= state.hardDeadline || state.disconnected) return timedOut(operation, state, now);
      return stay({
        ...sentFields(state),
        phase: 'warning',
        deadline: state.hardDeadline,
        quiet: 0,
        progress: state.progress,
        why: noEffect(state),
      });
    case 'sent':
    case 'not-sent':
    case 'extend':
    case 'cancel':
    case 'probed':
    case 'target-ended':
    case 'answered':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}

export function stepAwaiting(
  operation: Operation,
  state: Phase<'awaiting-reconnect'>,
  input: OtherInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'registered':
      return onReturn(operation, state, input, now);
    case 'result':
      // A second status for one command changes nothing.
      return state.result ? stay(state) : onResult(operation, state, input.result, now);
    case 'activity':
      if (state.result) return stay(state);
      return stay({ ...backToRunning(state), progress: input.progress ?? state.progress });
    case 'disconnected':
      return stay({ ...state, disconnected: true });
    case 'recovered':
      return recovered(operation, state, input.losesOutput, now);
    case 'target-ended':
      return operation.ends === 'target' ? targetEnded(input.outcome, now) : stay(state);
    case 'tick':
      if (now < state.deadline) return stay(state);
      if (state.result) return onMissingReturn(operation, state, state.result, now);
      return operation.ends === 'reconnect'
        ? ended(now, 'timed-out', `The host did not come back within ${durationText(now - state.sentAt)}.`)
        : ended(
            now,
            'lost',
            state.disconnected
              ? 'The host disconnected while the command was running and has not come back. The result is not known.'
              : 'The agent came back and sent no result. The result is not known.',
          );
    case 'heartbeat':
    case 'rejected':
    case 'sent':
    case 'not-sent':
    case 'stop-requested':
    case 'stop-failed':
    case 'extend':
    case 'cancel':
    case 'probed':
    case 'answered':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}

export function stepVerifying(
  operation: Operation,
  state: Phase<'verifying'>,
  input: OtherInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'heartbeat':
      if (state.result) {
        return input.shown === 'this'
          ? stay(state)
          : end(now, conclude(operation, state.before, state.result, input.facts));
      }
      // An announced result follows all of its output, which can take longer than two heartbeats.
      if (state.need === 'probe' || state.need === 'announced') return stay(state);
      if (input.shown === 'this') return stay(backToRunning(state));
      return onMissingEvidence(operation, state, input.facts, now);
    case 'result':
      if (state.result) return stay({ ...state, result: provenStop(state.result, input.result) });
      // An agent that announces a restart has not restarted yet, even if its connection was lost in between.
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
      if (input.status === 'ok') {
        return ended(now, 'succeeded', 'No result arrived, but the host reports that its system is current.');
      }
      if (input.status === 'outdated') {
        return ended(now, 'failed', 'No result arrived, and the host reports that its system still needs a rebuild.');
      }
      return ended(now, 'lost', 'No result arrived, and the host can’t tell whether its system is current.');
    case 'recovered':
      return recovered(operation, state, input.losesOutput, now);
    case 'disconnected':
      // A known result stays; without one, the agent may come back with the command still running.
      return state.result ? stay(state) : onDisconnect(operation, state, false, now);
    case 'tick':
      if (now < state.deadline) return stay(state);
      return state.result
        ? end(now, conclude(operation, state.before, state.result, null))
        : ended(now, 'lost', 'The agent came back without a result. Whether the command succeeded is not known.');
    case 'rejected':
    case 'sent':
    case 'not-sent':
    case 'stop-requested':
    case 'stop-failed':
    case 'extend':
    case 'cancel':
    case 'target-ended':
    case 'answered':
    case 'done':
    case 'host-removed':
    case 'time-shifted':
      return stay(state);
  }
}
