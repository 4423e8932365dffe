/**
 * The state machine of a command. `stepCommand` handles every input in every state; every state but `ended` has a
 * deadline, so every command ends. What an agent reports is evidence; the rules follow `docs/protocol.md`.
 */
import { stepQueued, stepActive, stepStopping, stepAwaiting, stepVerifying } from './step-by-phase';
import { onConfirmation, stepConfirming } from './step-confirming';
import { onLateResult } from './command-transitions';
import type { CommandState } from '../records/command-state';
import { type CommandInput, type CommandStep, stay, end, ended, isAboutAgent } from './command-step';
import type { Operation } from '../operations/operation';

/** The next state of a command, and the effects to carry out after it is stored. Pure; never throws. */
export function stepCommand(operation: Operation, state: CommandState, input: CommandInput, now: number): CommandStep {
  if (input.type === 'time-shifted') return stay(shifted(state, input.ms));
  const next = stepIn(operation, state, input, now);
  const confirmation = 'confirmation' in state ? state.confirmation : undefined;
  if (confirmation === undefined || next.state.phase !== 'ended' || state.phase === 'ended') return next;
  return { ...next, state: { ...next.state, confirmation } };
}

function stepIn(operation: Operation, state: CommandState, input: CommandInput, now: number): CommandStep {
  if (operation.runs === 'dashboard') {
    if (isAboutAgent(input)) return stay(state);
    if (input.type === 'done' && state.phase !== 'ended') return end(now, input.ending);
  } else if (input.type === 'done' && state.phase !== 'ended' && state.phase !== 'queued') {
    return end(now, input.ending);
  }
  if (input.type === 'host-removed') return hostRemoved(operation, state, now);
  if (input.type === 'confirmation') return onConfirmation(operation, state, input, now);
  switch (state.phase) {
    case 'queued':
      return stepQueued(operation, state, input, now);
    case 'sent':
    case 'running':
    case 'warning':
      return stepActive(operation, state, input, now);
    case 'stopping':
      return stepStopping(operation, state, input, now);
    case 'confirming':
      return stepConfirming(operation, state, input, now);
    case 'awaiting-reconnect':
      return stepAwaiting(operation, state, input, now);
    case 'verifying':
      return stepVerifying(operation, state, input, now);
    case 'ended':
      return input.type === 'result' ? onLateResult(operation, state, input.result) : stay(state);
  }
}

function hostRemoved(operation: Operation, state: CommandState, now: number): CommandStep {
  if (state.phase === 'ended' || operation.id === 'remove-host') return stay(state);
  if (state.phase === 'queued') return ended(now, 'cancelled', 'Its host was removed before it was sent.');
  return ended(now, 'lost', 'Its host was removed before it ended: it may still be running there.');
}

/** Moves a command's times by `ms`, so that every duration stays as it was. An ended command is left alone. */
function shifted(state: CommandState, ms: number): CommandState {
  if (state.phase === 'ended') return state;
  const deadline = state.deadline + ms;
  if (state.phase === 'queued') return { ...state, deadline };
  const times = { deadline, sentAt: state.sentAt + ms, hardDeadline: state.hardDeadline + ms };
  const { confirmation } = state;
  if (confirmation === undefined || confirmation.endsAt === null) return { ...state, ...times };
  return { ...state, ...times, confirmation: { ...confirmation, endsAt: confirmation.endsAt + ms } };
}

/** When the next `tick` is due; null when the command has ended. */
export function deadlineOf(state: CommandState): number | null {
  return state.phase === 'ended' ? null : state.deadline;
}
