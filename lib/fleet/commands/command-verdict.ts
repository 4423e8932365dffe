/** Judges a status frame by the facts of the host: exit 0 is a claim, the facts decide. */
import type { Before, CommandResult } from '../records/command-state';
import { sameCommit, shortCommit, type Relation } from '../hosts/desired';
import type { Operation } from '../operations/operation';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import type { RefusedReason } from '@/lib/protocol/agent/host-policy';
import { COMPARTMENT_STATUSES } from '@/lib/protocol/compartment-names';
import type { CompartmentView } from '@/lib/protocol/live/views/compartment-view';

/** The facts of a host that a verdict reads. */
export interface VerdictFacts {
  generation: string;
  storePath: string;
  binaryHash: string;
  /** The agent has the capability `activation`: it reports the end of an activation that an earlier process began. */
  activates: boolean;
  git: Pick<CompartmentView, 'status' | 'message'>;
  /** How its commit relates to the desired one. */
  relation: Relation;
  lock: Pick<CompartmentView, 'status' | 'message'>;
  system: Pick<CompartmentView, 'status' | 'message'>;
}

export interface Ending {
  outcome: CommandOutcome;
  reason: string;
  exitCode: number | null;
  /** A lost command whose result is known all the same: a later one changes nothing. */
  hasResult?: true;
}

/**
 * Judges a result. `facts` null: none arrived, so a post-check can neither pass nor fail. The reason is always a
 * sentence.
 */
export function conclude(
  operation: Operation,
  before: Before,
  result: CommandResult,
  facts: VerdictFacts | null,
): Ending {
  const { exitCode } = result;
  switch (result.status) {
    case 'stopped':
      return { ...afterStop(operation, result), exitCode };
    case 'error':
      if (result.refused !== undefined)
        return { outcome: 'refused', reason: reported(result.message) || REFUSED[result.refused], exitCode };
      if (isFromGoAgent(result) && operation.mayOutliveAgent && exitCode === EXIT_UNITS_FAILED)
        return { outcome: 'partial', reason: UNITS_FAILED, exitCode };
      return result.rolledBack === undefined
        ? { outcome: 'failed', reason: failure(result), exitCode }
        : { outcome: 'rolled-back', reason: rolledBack(result.rolledBack, result.message), exitCode };
    case 'warning':
      return { outcome: 'partial', reason: reported(result.message) || 'The host reported a warning.', exitCode };
    case 'ok':
      return { ...afterSuccess(operation, before, result, facts), exitCode };
  }
}

/** Of `switch-to-configuration`: the new system runs, and units failed. */
const EXIT_UNITS_FAILED = 4;
/** What the output adds are the names of the units. */
export const UNITS_FAILED = 'The host switched, but units failed.';

/** It reports an exit code alone; other agents judge by what runs. Only agents of protocol 3 say whether they restart. */
const isFromGoAgent = ({ restarting }: CommandResult): boolean => restarting === null;

/**
 * True when a switch failed with another exit code than that of failed units, which many versions of `nixos-rebuild` turn
 * into 1: where its output names failed units, the new system was activated.
 */
export function mayHaveSwitched(operation: Operation, result: CommandResult): boolean {
  const { status, exitCode } = result;
  return status === 'error' && operation.mayOutliveAgent && isFromGoAgent(result) && exitCode !== null && exitCode > 0;
}

/**
 * An agent of protocol 2 reports the stop when it has sent the signal, and does not wait for the end; one of protocol 3
 * says when a part of the command goes on.
 */
function afterStop(operation: Operation, result: CommandResult): Omit<Ending, 'exitCode'> {
  const reason = reported(result.message) || 'The agent confirmed the stop.';
  if (result.mayContinue === true)
    return { outcome: 'lost', reason: `${reason} The result is not known.`, hasResult: true };
  const isProven = !isFromGoAgent(result) || isKilled(result) || !operation.mayOutliveAgent;
  return { outcome: 'stopped', reason: isProven ? reason : `${reason} ${MAY_BE_RUNNING}` };
}

/** What has to be said of a command whose end nobody saw. */
export const MAY_BE_RUNNING = 'It may still be running on the host.';

/**
 * The result that counts when another one follows. The first one does, except that on macOS the Go agent first reports
 * that it sent the signal and then that the program was ended by it.
 */
export function provenStop(first: CommandResult, second: CommandResult): CommandResult {
  const isProof = first.status === 'stopped' && second.status === 'error' && isKilled(second);
  return isProof ? { ...first, exitCode: second.exitCode } : first;
}

/** The program itself was seen to end by the signal. */
const isKilled = ({ exitCode }: CommandResult) => exitCode !== null && exitCode < 0;

/** What a refresh has found: agents report it with the status word of the compartment. */
const FOUND: Partial<Record<OperationId, Readonly<Record<'ok' | 'outdated' | 'unknown', string>>>> = {
  'refresh-lock': {
    ok: 'The host reports that its flake.lock is current.',
    outdated: 'The host reports that its flake.lock is outdated.',
    unknown: 'The host could not determine the state of its flake.lock.',
  },
  'refresh-system': {
    ok: 'The host reports that its system is current.',
    outdated: 'The host reports that its system needs a rebuild.',
    unknown: 'The host could not determine whether its system is current.',
  },
};

/** The verdict on a refresh whose message is a status word; null for any other operation or message. */
function afterRefresh({ id }: Operation, { message }: CommandResult): Pick<Ending, 'outcome' | 'reason'> | null {
  const found = FOUND[id];
  const word = COMPARTMENT_STATUSES.find((status) => status === message);
  if (!found || !word) return null;
  return word === 'ok' || word === 'outdated'
    ? { outcome: 'succeeded', reason: found[word] }
    : { outcome: 'failed', reason: found.unknown };
}

/** The agent's message in a sentence, quoted unless it is one; empty when there is none. */
function reported(message: string): string {
  if (message === '' || /^\p{Lu}\S* /u.test(message)) return asSentence(message);
  return `The host reported: ${asSentence(message)}`;
}

/** The agent's message with an end; empty when there is none. */
function asSentence(message: string): string {
  return message === '' || /[.!?…]$/.test(message) ? message : `${message}.`;
}

const ROLLED_BACK: Readonly<Record<RolledBackReason, string>> = {
  'no-contact': 'No dashboard confirmed the new system in time.',
  'check-failed': 'A check of the new system failed.',
  'activation-failed': 'The activation of the new system failed.',
  'activation-hung': 'The activation of the new system did not end in time.',
  'agent-missing': 'The agent of the new system did not come back in time.',
  restarted: 'The host restarted before the new system was confirmed.',
  operator: 'An operator reverted the switch.',
};

/** For an agent that names the rule alone. */
const REFUSED: Readonly<Record<RefusedReason, string>> = {
  operation: 'The policy of the host does not accept this operation.',
  hours: 'The policy of the host does not accept this operation at this time.',
  branch: 'The commit is on none of the branches that the host accepts.',
  signature: 'The commit is not signed by a signer that the host accepts.',
  'oldest-commit': 'The commit is neither the oldest one that the host accepts nor a descendant of it.',
  dirty: 'The host builds only commits, and what would be built has uncommitted changes.',
  'not-confirmed': 'The host accepts only confirmed switches.',
  'looser-policy': 'That system’s policy accepts more than the policy of the running system.',
  'policy-unreadable': 'The host’s policy can’t be used, so the host refuses every operation that would change it.',
};

/** Why a host went back to the previous system, and its message. */
function rolledBack(why: RolledBackReason, message: string): string {
  return [ROLLED_BACK[why], 'The previous system runs again.', reported(message)].join(' ').trim();
}

function failure({ message, exitCode }: CommandResult): string {
  if (message === '' || message === 'command failed') {
    return exitCode === null
      ? 'The host reported an error without a message.'
      : `The host reported exit code ${exitCode}.`;
  }
  return reported(message);
}

function afterSuccess(
  operation: Operation,
  before: Before,
  result: CommandResult,
  facts: VerdictFacts | null,
): Pick<Ending, 'outcome' | 'reason'> {
  if (operation.postCheck && !facts) {
    return { outcome: 'succeeded', reason: 'The host reported success; no facts arrived in time to verify it.' };
  }
  if (operation.postCheck === 'git-current' && facts) return afterPull(before, facts);
  if (operation.postCheck === 'system-current' && facts && isBad(facts.system.status)) {
    return notMet(facts.system.message);
  }
  return (
    afterRefresh(operation, result) ?? {
      outcome: 'succeeded',
      reason: reported(result.message) || 'The host reported success.',
    }
  );
}

function afterPull(
  before: Before,
  { generation, relation, git, lock }: VerdictFacts,
): Pick<Ending, 'outcome' | 'reason'> {
  const moved = before.generation !== generation && !sameCommit(before.generation, generation);
  // The known desired state can be older than the repository: a host that moved to another commit may be ahead of it.
  if (moved && relation === 'differs') {
    return {
      outcome: 'succeeded',
      reason: `The host moved to ${shortCommit(generation)}. The version feed does not name it as the desired commit.`,
    };
  }
  if (moved && relation === 'unknown')
    return { outcome: 'succeeded', reason: `The host moved to ${shortCommit(generation)}.` };
  for (const compartment of [git, lock]) {
    if (compartment.status === 'outdated') return notMet(compartment.message);
  }
  if (!moved && generation !== '') return { outcome: 'unchanged', reason: 'There was nothing new to pull.' };
  return {
    outcome: 'succeeded',
    reason: moved ? `The host moved to ${shortCommit(generation)}.` : 'The host reported success.',
  };
}

const notMet = (why: string): Pick<Ending, 'outcome' | 'reason'> => ({
  outcome: 'partial',
  reason: `The command succeeded, but the host is still not up to date: ${asSentence(why)}`,
});

const isBad = (status: CompartmentView['status']) => status === 'outdated' || status === 'error';
