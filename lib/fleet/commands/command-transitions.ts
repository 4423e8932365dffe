/** What follows from a result, a return, silence or time: the moves that several phases of a command share. Pure. */
import type { CommandOutcome, ProgressView } from '@/lib/protocol/live';
import type { CommandResult, CommandState, LiveCommandState } from '../records/command-state';
import {
  STOP_MS,
  HEARTBEAT_ANSWER_MS,
  EVIDENCE_MS,
  RECOVERY_MS,
  QUIET_HEARTBEATS,
  QUIET_AFTER_MS,
  type CommandInput,
  type CommandStep,
  type Phase,
  type Active,
  stay,
  end,
  ended,
  wired,
  progressOf,
  resultIn,
  durationText,
  capped,
  returnDeadline,
} from './command-step';
import { conclude, type VerdictFacts } from './command-verdict';
import type { Operation } from '../operations/operation';

/** A status frame. */
export function onResult(
  operation: Operation,
  state: LiveCommandState,
  result: CommandResult,
  now: number,
): CommandStep {
  if (operation.ends === 'target' || operation.ends === 'immediate')
    return end(now, conclude(operation, state.before, result, null));
  if (operation.ends === 'reconnect' && result.status === 'ok') return stay({ ...state, heard: true });
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

export function verifying(
  operation: Operation,
  state: LiveCommandState,
  result: CommandResult,
  now: number,
): CommandStep {
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
export function gone(operation: Operation, state: Active | Phase<'verifying'>, now: number): CommandStep {
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
export function withoutReturn(
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
export function onReturn(
  operation: Operation,
  state: LiveCommandState,
  input: Extract<CommandInput, { type: 'registered' }>,
  now: number,
): CommandStep {
  const isUnknown = isUnknownToAgent(state, input);
  if (operation.ends === 'reconnect') {
    // A process that is known to be a new one did restart, whatever for; else the frame may never have got there.
    if (isUnknown && input.sameProcess === null) return ended(now, 'lost', NEVER_ARRIVED);
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
  // Facts judge what a host may have done; they would call a switch done that it was never told of.
  if (isUnknown && !operation.mayRepeat) return ended(now, 'lost', NEVER_ARRIVED);
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

/**
 * True when an agent that can tell (protocol 3: it says what runs and which results it keeps) neither gave nor gives a
 * sign of the command, as when the dashboard was killed before the frame was out.
 */
function isUnknownToAgent(
  state: LiveCommandState,
  { shown, hasResult }: Extract<CommandInput, { type: 'registered' }>,
): boolean {
  return !state.heard && (shown === 'none' || shown === 'other') && !hasResult;
}

const NEVER_ARRIVED =
  'The agent came back and knows nothing of it: the connection or the dashboard went before it got there. ' +
  'Do it again if it is still wanted.';

export function quietHeartbeat(
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
export function noEvidence(
  operation: Operation,
  state: Phase<'verifying'>,
  facts: VerdictFacts,
  now: number,
): CommandStep {
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

export function seen(state: Active, progress: ProgressView | null): CommandState {
  return state.phase === 'warning'
    ? { ...state, heard: true, quiet: 0, progress }
    : { ...wired(state), heard: true, phase: 'running', deadline: state.deadline, quiet: 0, progress };
}

export function backToRunning(state: LiveCommandState): Phase<'running'> {
  return {
    ...wired(state),
    heard: true,
    phase: 'running',
    deadline: state.hardDeadline,
    quiet: 0,
    progress: progressOf(state),
  };
}

export type How = Phase<'stopping'>['how'];

/** How long a stop may take before the operator is asked again. */
export const stopMs = (how: How) => (how === 'reboot' || how === 'restart' ? EVIDENCE_MS : STOP_MS);

/** How long the agent may be away after a stop: a reboot takes as long as the operation of that name says. */
export const awayMs = (operation: Operation, { how }: Phase<'stopping'>) =>
  how === 'reboot' ? operation.reconnectWithinMs : EVIDENCE_MS;

export function stopping(operation: Operation, state: Active | Phase<'stopping'>, how: How, now: number): CommandStep {
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

export function endedByRestart(state: Phase<'stopping'>, now: number): CommandStep {
  return ended(
    now,
    'stopped',
    state.how === 'reboot' ? 'It ended with the reboot of the host.' : 'It ended with the restart of the agent.',
  );
}

/** The dashboard was restarted: the host has to come back and tell. */
export function recovered(operation: Operation, state: LiveCommandState, now: number): CommandStep {
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

export function targetEnded(outcome: CommandOutcome, now: number): CommandStep {
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

export function timedOut(operation: Operation, state: LiveCommandState, now: number): CommandStep {
  const after = durationText(now - state.sentAt);
  if (operation.runs === 'dashboard') return ended(now, 'timed-out', `It did not end within ${after}.`);
  return operation.ends === 'reconnect'
    ? ended(now, 'timed-out', `No restart was seen within ${after}.`)
    : ended(now, 'timed-out', `No end was seen within ${after}. It may still be running on the host.`);
}
