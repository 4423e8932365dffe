/**
 * A confirmed switch between its first report and its result. The agent's timer goes back by itself, so that only the
 * result says which system the host has kept: neither a new agent nor the facts of the host prove anything. Pure.
 */
import {
  CONFIRM_GRACE_MS,
  QUIET_AFTER_MS,
  QUIET_HEARTBEATS,
  RECOVERY_MS,
  ended,
  sentFields,
  stay,
  type CommandEffect,
  type CommandInput,
  type CommandStep,
  type OtherInput,
  type Phase,
} from './command-step';
import { awaitAnnounced, onResult } from './command-transitions';
import type { CommandState, Confirmation, LiveCommandState } from '../records/command-state';
import type { Operation } from '../operations/operation';

type Answer = NonNullable<Confirmation['answer']>;

/** A `confirmation` frame. It means nothing for a command whose result is known, or whose end is. */
export function onConfirmation(
  operation: Operation,
  state: CommandState,
  input: Extract<CommandInput, { type: 'confirmation' }>,
  now: number,
): CommandStep {
  if (state.phase === 'queued' || state.phase === 'ended') return stay(state);
  if (!operation.confirmable || ('result' in state && state.result !== null)) return stay(state);
  const before = state.confirmation ?? null;
  const { report, endsAt, on } = input;
  const isActivating = report.stage === 'activating';
  // The agent acts on no answer that comes on a connection from before the end of the activation.
  const activatedOn = isActivating ? on : (before?.activatedOn ?? '');
  const isNew = !isActivating && on !== activatedOn && on !== state.sentOn;
  // An empty value never overwrites a known one: what checks found stays.
  const checks = report.checks.length === 0 ? (before?.checks ?? []) : report.checks;
  const answer = before?.answer ?? (isNew && isConfirmable(state, { ...report, checks }) ? BY_DASHBOARD : null);
  const confirmation: Confirmation = {
    ...report,
    checks,
    endsAt,
    reached: isNew || (before?.reached ?? false),
    activatedOn,
    reportedOn: on,
    answer,
  };
  const next: Phase<'confirming'> = {
    phase: 'confirming',
    ...sentFields(state),
    heard: true,
    deadline: deadlineFor(state, endsAt ?? now),
    confirmation,
    quiet: 0,
    disconnected: false,
  };
  const note: CommandEffect[] =
    answer !== null && before?.answer == null
      ? [{ type: 'note', text: 'The host was reached and its checks passed: the dashboard keeps the new system.' }]
      : [];
  return stay(next, ...note, ...sent(next));
}

const BY_DASHBOARD: Answer = { keep: true, byOperator: false, by: '' };

/**
 * Whether the dashboard keeps the new system by itself: it asked for the confirmation, and each enforced check passed. A
 * report without checks proves nothing: every agent that confirms has one, that of units.
 */
function isConfirmable(
  { confirmS }: LiveCommandState,
  { stage, checks }: Pick<Confirmation, 'stage' | 'checks'>,
): boolean {
  const passed = checks.length > 0 && checks.every(({ enforced, status }) => !enforced || status === 'passed');
  return confirmS !== undefined && stage === 'waiting' && passed;
}

/** The answer, where the agent acts on it now: it waits, on a connection that was made after the activation. */
function sent({ sentOn, confirmation }: Phase<'confirming'>): CommandEffect[] {
  const { stage, answer, activatedOn, reportedOn: on } = confirmation;
  if (answer === null || stage !== 'waiting' || on === activatedOn || on === sentOn) return [];
  return [{ type: 'confirm', keep: answer.keep, byOperator: answer.byOperator, on }];
}

/** Later than the host goes back by itself, but no agent can move it beyond the window that it was given. */
function deadlineFor({ hardDeadline, confirmS = 0 }: LiveCommandState, endsAt: number): number {
  const latest = hardDeadline + confirmS * 1_000 + CONFIRM_GRACE_MS;
  return Math.min(Math.max(hardDeadline, endsAt + CONFIRM_GRACE_MS), latest);
}

/** Why an operator's answer can't be given any more; null when it can. */
export function answerRefusal(state: CommandState, keep: boolean): string | null {
  if (state.phase !== 'confirming') return 'The host is not waiting for a confirmation.';
  const { stage, answer } = state.confirmation;
  if (stage === 'keeping') return 'The host has already kept the new system.';
  if (stage === 'going-back') return 'The host is already going back to the previous system.';
  if (answer?.byOperator !== true || answer.keep === keep) return null;
  return `${answer.by} has already answered: ${answer.keep ? 'keep the new system' : 'go back to the previous system'}.`;
}

/** Whether an operator has answered: a second answer that says the same changes nothing. */
export function isAnswered(state: CommandState): boolean {
  return state.phase === 'confirming' && state.confirmation.answer?.byOperator === true;
}

export function stepConfirming(
  operation: Operation,
  state: Phase<'confirming'>,
  input: OtherInput,
  now: number,
): CommandStep {
  switch (input.type) {
    case 'result':
      return onResult(operation, state, input.result, now);
    case 'answered': {
      const { keep, by } = input;
      if (answerRefusal(state, keep) !== null || isAnswered(state)) return stay(state);
      const next = { ...state, confirmation: { ...state.confirmation, answer: { keep, byOperator: true, by } } };
      const text = keep
        ? `${by} keeps the new system without waiting for its checks.`
        : `${by} reverts the switch: the host returns to the previous system.`;
      return stay(next, { type: 'note', text }, ...sent(next));
    }
    case 'registered':
      if (input.hasResult) return awaitAnnounced(operation, state, now);
      if (input.shown === 'this' || input.shown === 'unknown') return stay({ ...state, disconnected: false, quiet: 0 });
      return ended(now, 'lost', FORGOTTEN);
    case 'heartbeat': {
      if (input.shown === 'this' || input.shown === 'unknown') return stay({ ...state, quiet: 0 });
      if (now - state.sentAt < QUIET_AFTER_MS) return stay(state);
      const quiet = state.quiet + 1;
      return quiet < QUIET_HEARTBEATS ? stay({ ...state, quiet }) : ended(now, 'lost', FORGOTTEN);
    }
    case 'activity':
      return stay({ ...state, quiet: 0 });
    case 'disconnected':
      return stay({ ...state, disconnected: true });
    case 'recovered': {
      const hardDeadline = Math.max(state.hardDeadline, now + RECOVERY_MS);
      return stay(
        { ...state, hardDeadline, deadline: Math.max(state.deadline, hardDeadline), disconnected: true, quiet: 0 },
        { type: 'note', text: 'The dashboard restarted at this point.' },
      );
    }
    case 'tick':
      return now < state.deadline ? stay(state) : ended(now, 'lost', noResult(state));
    case 'rejected':
    case 'sent':
    case 'not-sent':
    case 'stop-requested':
    case 'stop-failed':
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

const FORGOTTEN =
  'The agent no longer knows the switch and sent no result. Whether the host kept the new system is not known.';

/** No result until the deadline. */
function noResult({ confirmation: { stage }, disconnected }: Phase<'confirming'>): string {
  const why = disconnected ? 'The host did not come back' : 'The host sent no result';
  return stage === 'keeping'
    ? `${why} after it had begun to keep the new system. Which system it runs is not known.`
    : `${why} in time. By itself it should have gone back to the previous system, but that is not confirmed.`;
}
