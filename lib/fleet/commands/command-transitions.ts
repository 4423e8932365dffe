/** The transitions that several phases share: after a result, a reconnect, a missing sign of life or a deadline. Pure. */
import type { Before, CommandResult, CommandState, LiveCommandState } from '../records/command-state';
import {
  STOP_MS,
  HEARTBEAT_ANSWER_MS,
  EVIDENCE_MS,
  RECOVERY_MS,
  QUIET_HEARTBEATS,
  QUIET_AFTER_MS,
  type CommandEffect,
  type CommandInput,
  type CommandStep,
  type Phase,
  type Active,
  stay,
  end,
  ended,
  sentFields,
  progressOf,
  resultIn,
  durationText,
  capped,
  returnDeadline,
} from './command-step';
import { conclude, MAY_BE_RUNNING, type VerdictFacts } from './command-verdict';
import type { Operation } from '../operations/operation';
import { nounPhrase, OUTCOME_PHRASES } from '../operations/operation-words';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { ProgressView } from '@/lib/protocol/live/views/command-view';

/** A status frame. */
export function onResult(
  operation: Operation,
  state: LiveCommandState,
  result: CommandResult,
  now: number,
): CommandStep {
  if (operation.ends === 'target' || operation.ends === 'immediate')
    return end(now, conclude(operation, state.before, result, null));
  if (operation.ends === 'reconnect' && result.status === 'ok') return stay({ ...state, heard: true, accepted: true });
  if (willRestart(operation, result)) {
    return stay({
      phase: 'awaiting-reconnect',
      ...sentFields(state),
      deadline: capped(operation, state, now + operation.reconnectWithinMs),
      result,
      disconnected: false,
      progress: null,
    });
  }
  return verifying(operation, state, result, now);
}

/** Facts that nothing can be compared with. */
const NO_FACTS: Before = { generation: '', storePath: '', binaryHash: '' };

/**
 * Judges a result that arrived after its command had ended. The first one corrects an end by time-out or loss, except where
 * the end does not rest on a result (a reboot). Any other end rests on a result already, or on what the host reported.
 */
export function onLateResult(operation: Operation, state: Phase<'ended'>, result: CommandResult): CommandStep {
  const isOpen = (state.outcome === 'lost' || state.outcome === 'timed-out') && state.hasResult !== true;
  if (!isOpen) return stay(state);
  if (operation.ends !== 'status' && operation.ends !== 'switch') return stay({ ...state, hasResult: true });
  const { outcome, reason, exitCode } = conclude(operation, NO_FACTS, result, null);
  const late = `The result arrived after the command ${OUTCOME_PHRASES[state.outcome]}.`;
  return stay({ ...state, outcome, reason: `${reason} ${late}`, exitCode, hasResult: true });
}

/** What a late result says, as a sentence. */
export function lateReason(operation: Operation, result: CommandResult): string {
  return conclude(operation, NO_FACTS, result, null).reason;
}

/** Whether the agent restarts after this result: only the restart completes the command. */
function willRestart(operation: Operation, { status, restarting }: CommandResult): boolean {
  if (operation.ends !== 'switch') return false;
  return status === 'ok' ? restarting !== false : status === 'warning' && restarting === true;
}

export function verifying(
  operation: Operation,
  state: LiveCommandState,
  result: CommandResult,
  now: number,
): CommandStep {
  // The host stays busy until a heartbeat no longer shows the command: the agent would refuse a new one until then.
  return stay(
    {
      phase: 'verifying',
      ...sentFields(state),
      deadline: capped(operation, state, now + HEARTBEAT_ANSWER_MS),
      result,
      need: 'heartbeat',
      quiet: 0,
      progress: null,
    },
    { type: 'ask-heartbeat' },
  );
}

/** The connection closed while the result is unknown. */
export function onDisconnect(
  operation: Operation,
  state: Active | Phase<'verifying'>,
  losesOutput: boolean,
  now: number,
): CommandStep {
  const ends = operation.ends === 'reconnect' ? returnDeadline(operation, state, now) : state.hardDeadline;
  return stay(
    {
      phase: 'awaiting-reconnect',
      ...sentFields(state),
      deadline: ends,
      hardDeadline: ends,
      result: null,
      disconnected: true,
      progress: progressOf(state),
    },
    ...lostOutput(operation, losesOutput),
  );
}

/** A line for the output of a command whose agent keeps nothing that it prints without a connection. */
export function lostOutput(operation: Operation, losesOutput: boolean): CommandEffect[] {
  const isPrinting = operation.ends === 'status' || operation.ends === 'switch';
  const text = 'The connection was lost here. Output until it was restored is missing.';
  return losesOutput && isPrinting ? [{ type: 'note', text }] : [];
}

/** The result is known, but the host has not come back in time. */
export function onMissingReturn(
  operation: Operation,
  state: Phase<'awaiting-reconnect'>,
  result: CommandResult,
  now: number,
): CommandStep {
  if (!willRestart(operation, result) || result.status === 'warning')
    return end(now, conclude(operation, state.before, result, null));
  return state.disconnected
    ? end(now, {
        outcome: 'timed-out',
        reason: 'The host reported success, but the agent did not come back in time.',
        exitCode: result.exitCode,
        hasResult: true,
      })
    : ended(now, 'succeeded', 'The host reported success; the agent did not restart.', result.exitCode);
}

/** The agent opened a new connection before the command ended. */
export function onReturn(
  operation: Operation,
  state: LiveCommandState,
  input: Extract<CommandInput, { type: 'registered' }>,
  now: number,
): CommandStep {
  const isUnknown = isUnknownToAgent(state, input);
  if (operation.ends === 'reconnect') {
    // A process known to be new did restart, for whatever reason; otherwise the frame may never have arrived.
    if (isUnknown && input.sameProcess === null) return ended(now, 'lost', NEVER_ARRIVED);
    if (input.sameProcess !== true) return cameBack(operation, state, now);
    // The same process on a new socket has not restarted (yet): only the network failed.
    const deadline = Math.min(state.hardDeadline, now + EVIDENCE_MS);
    return stay({ ...sentFields(state), phase: 'running', deadline, hardDeadline: deadline, quiet: 0, progress: null });
  }
  if (operation.ends === 'target')
    return stay({ ...state, ...('disconnected' in state ? { disconnected: false } : {}) });
  const result = resultIn(state);
  if (result) {
    return operation.postCheck
      ? verifying(operation, state, result, now)
      : end(now, conclude(operation, state.before, result, null));
  }
  if (input.shown === 'this') return stay(backToRunning(state));
  // Facts alone would call a switch done that the host never received.
  if (isUnknown && !operation.mayRepeat) return ended(now, 'lost', NEVER_ARRIVED);
  const waiting = {
    phase: 'verifying',
    ...sentFields(state),
    deadline: capped(operation, state, now + EVIDENCE_MS),
    result: null,
    need: input.hasResult ? 'announced' : 'evidence',
    quiet: 0,
    progress: progressOf(state),
  } as const;
  if (input.hasResult || input.shown === 'unknown') return stay(waiting);
  const { state: next, effects } = onMissingEvidence(
    operation,
    { ...waiting, quiet: QUIET_HEARTBEATS },
    input.facts,
    now,
  );
  return stay(next, ...lostWithProcess(input), ...effects);
}

/** The agent has the result and sends it after the remaining output. */
export function awaitAnnounced(operation: Operation, state: LiveCommandState, now: number): CommandStep {
  return stay({
    phase: 'verifying',
    ...sentFields(state),
    deadline: capped(operation, state, now + EVIDENCE_MS),
    result: null,
    need: 'announced',
    quiet: 0,
    progress: progressOf(state),
  });
}

/** A line for the output of a command whose agent process has ended: what it had not sent is gone. */
export function lostWithProcess({
  sameProcess,
  hasResult,
}: Extract<CommandInput, { type: 'registered' }>): CommandEffect[] {
  const text = 'The agent restarted here: output that it had not sent is missing.';
  return sameProcess === false && !hasResult ? [{ type: 'note', text }] : [];
}

/** The agent came back, perhaps for another reason: a process that restarted does not prove that its host did. */
function cameBack({ id }: Operation, { accepted }: LiveCommandState, now: number): CommandStep {
  if (id !== 'reboot') return ended(now, 'succeeded', 'The agent came back.');
  return accepted
    ? ended(now, 'succeeded', 'The host accepted the reboot, and the agent came back.')
    : ended(now, 'lost', 'The agent came back; whether the host was rebooted is not known.');
}

/**
 * True when an agent of protocol 3, which reports what runs and which results it keeps, has never shown the command: for
 * example when the dashboard was killed before it sent the frame.
 */
function isUnknownToAgent(
  state: LiveCommandState,
  { shown, hasResult }: Extract<CommandInput, { type: 'registered' }>,
): boolean {
  return !state.heard && (shown === 'none' || shown === 'other') && !hasResult;
}

/** Its own facts say nothing of an activation that goes on without it; the agent that began it reports late. */
const OLDER_AGENT =
  'The agent that came back does not support activations by nixfleet-root, so it can’t tell how this one ended. The ' +
  'result is not known.';

const NEVER_ARRIVED =
  'The agent came back and does not know the command: the connection or the dashboard went down before it arrived. ' +
  'Send it again if you still need it.';

export function onQuietHeartbeat(
  operation: Operation,
  state: Active,
  { shown, facts }: Extract<CommandInput, { type: 'heartbeat' }>,
  now: number,
): CommandStep {
  // Read-only operations may never show as pending; those that end with a reconnect show nothing before it.
  if (operation.mayRepeat || operation.ends === 'reconnect') return stay(state);
  // A stop or kill never shows itself, but its effect does: nothing runs any more.
  if (operation.ends === 'target' && shown !== 'none') return stay({ ...state, quiet: 0 });
  if (now - state.sentAt < QUIET_AFTER_MS) return stay(state);
  const quiet = state.quiet + 1;
  if (quiet < QUIET_HEARTBEATS) return stay({ ...state, quiet });
  if (operation.ends === 'target')
    return ended(now, 'succeeded', 'The agent reports that nothing is running any more.');
  return onMissingEvidence(
    operation,
    {
      phase: 'verifying',
      ...sentFields(state),
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

/** A heartbeat (or a protocol 3 register) does not show a command whose result is unknown. */
export function onMissingEvidence(
  operation: Operation,
  state: Phase<'verifying'>,
  facts: VerdictFacts,
  now: number,
): CommandStep {
  // The new agent of a confirmed switch may still go back: neither it nor the facts prove anything.
  if (operation.ends === 'switch' && state.confirmS === undefined && state.confirmation === undefined) {
    const { before } = state;
    if (before.activates === true && !facts.activates) return ended(now, 'lost', OLDER_AGENT);
    const replaced =
      (before.storePath !== '' && facts.storePath !== '' && before.storePath !== facts.storePath) ||
      (before.binaryHash !== '' && facts.binaryHash !== '' && before.binaryHash !== facts.binaryHash);
    if (replaced) return ended(now, 'succeeded', 'No result arrived, but the switch replaced the agent.');
    const deadline = capped(operation, state, now + EVIDENCE_MS);
    return stay({ ...state, need: 'probe', deadline }, { type: 'probe-system' });
  }
  const quiet = state.quiet + 1;
  if (quiet < QUIET_HEARTBEATS) return stay({ ...state, quiet }, { type: 'ask-heartbeat' });
  if (operation.mayRepeat) {
    return stay(
      { ...sentFields(state), phase: 'sent', deadline: state.hardDeadline, quiet: 0 },
      { type: 'send-again' },
    );
  }
  return ended(
    now,
    'lost',
    'The agent reports that nothing is running, and no result arrived: the command may have run fully, in part or not at all.',
  );
}

export function withActivity(state: Active, progress: ProgressView | null): CommandState {
  return state.phase === 'warning'
    ? { ...state, heard: true, quiet: 0, progress }
    : { ...sentFields(state), heard: true, phase: 'running', deadline: state.deadline, quiet: 0, progress };
}

export function backToRunning(state: LiveCommandState): Phase<'running'> {
  return {
    ...sentFields(state),
    heard: true,
    phase: 'running',
    deadline: state.hardDeadline,
    quiet: 0,
    progress: progressOf(state),
  };
}

export type How = Phase<'stopping'>['how'];

/** How long a stop may take before the operator is warned. */
const stopMs = (how: How) => (how === 'reboot' || how === 'restart' ? EVIDENCE_MS : STOP_MS);

/** "The agent restart had no effect within 90 s." */
export const noEffect = ({ how }: Phase<'stopping'>) =>
  `The ${nounPhrase(how)} had no effect within ${durationText(stopMs(how))}.`;

/** How long the agent may be disconnected after a stop; a reboot may take as long as its operation allows. */
export const awayMs = (operation: Operation, { how }: Phase<'stopping'>) =>
  how === 'reboot' ? operation.reconnectWithinMs : EVIDENCE_MS;

export function stopping(operation: Operation, state: Active | Phase<'stopping'>, how: How, now: number): CommandStep {
  return stay({
    phase: 'stopping',
    ...sentFields(state),
    deadline: capped(operation, state, now + stopMs(how)),
    how,
    quiet: 0,
    disconnected: state.phase === 'stopping' && state.disconnected,
    progress: progressOf(state),
  });
}

/** The agent came back as a new process, without a result. */
export function endedByRestart(operation: Operation, now: number): CommandStep {
  return operation.mayOutliveAgent
    ? ended(now, 'lost', `The agent restarted and sent no result of the command. ${MAY_BE_RUNNING}`)
    : ended(now, 'stopped', 'It ended when the agent restarted.');
}

/** The dashboard was restarted: the host has to reconnect and report. */
export function recovered(
  operation: Operation,
  state: LiveCommandState,
  losesOutput: boolean,
  now: number,
): CommandStep {
  if (operation.runs === 'dashboard') {
    if (!operation.mayRepeat)
      return ended(
        now,
        'lost',
        'The dashboard was restarted during this operation. Whether it was completed is not known.',
      );
    return stay(
      {
        ...sentFields(state),
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
      ...sentFields(state),
      deadline,
      hardDeadline: deadline,
      result: resultIn(state),
      disconnected: true,
      progress: progressOf(state),
    },
    { type: 'note', text: 'The dashboard restarted at this point.' },
    ...(resultIn(state) ? [] : lostOutput(operation, losesOutput)),
  );
}

export function targetEnded(outcome: CommandOutcome, now: number): CommandStep {
  switch (outcome) {
    case 'stopped':
      return ended(now, 'succeeded', 'The command ended after the request.');
    case 'lost':
    case 'timed-out':
      return ended(now, 'lost', 'The result of the stopped command is not known: it may still be running on the host.');
    case 'succeeded':
    case 'unchanged':
    case 'partial':
    case 'failed':
    case 'rolled-back':
    case 'refused':
    case 'rejected':
    case 'cancelled':
    case 'expired':
    case 'superseded':
    case 'skipped':
      return ended(now, 'unchanged', `The command had already ended: it ${OUTCOME_PHRASES[outcome]}.`);
  }
}

export function timedOut(operation: Operation, state: LiveCommandState, now: number): CommandStep {
  const after = durationText(now - state.sentAt);
  if (operation.runs === 'dashboard') return ended(now, 'timed-out', `It did not finish within ${after}.`);
  return operation.ends === 'reconnect'
    ? ended(now, 'timed-out', `No restart was seen within ${after}.`)
    : ended(now, 'timed-out', `It did not finish within ${after}. It may still be running on the host.`);
}
