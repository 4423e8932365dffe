/** What a status frame means once the facts of the host are in: exit 0 is a claim, the facts decide. */
import type { CommandOutcome, CompartmentView } from '@/lib/protocol/live';
import type { Before, CommandResult } from './command-state';
import type { Relation } from './desired';
import type { Operation } from './operations';

/** The facts of a host that a verdict looks at. */
export interface Facts {
  generation: string;
  storePath: string;
  binaryHash: string;
  git: Pick<CompartmentView, 'status' | 'message'>;
  /** How its commit stands to the desired one. */
  relation: Relation;
  lock: Pick<CompartmentView, 'status' | 'message'>;
  system: Pick<CompartmentView, 'status' | 'message'>;
}

export interface Ending {
  outcome: CommandOutcome;
  reason: string;
  exitCode: number | null;
}

/** Judges a result. `facts` null: none were to be had, so that a post-check can neither pass nor fail. */
export function conclude(operation: Operation, before: Before, result: CommandResult, facts: Facts | null): Ending {
  const { exitCode } = result;
  switch (result.status) {
    case 'stopped':
      return { outcome: 'stopped', reason: result.message || 'It was stopped.', exitCode };
    case 'error':
      return { outcome: 'failed', reason: failure(result), exitCode };
    case 'warning':
      return { outcome: 'partial', reason: result.message || 'The host reported a warning.', exitCode };
    case 'ok':
      return { ...afterSuccess(operation, before, result, facts), exitCode };
  }
}

function failure({ message, exitCode }: CommandResult): string {
  if (message === '' || message === 'command failed') {
    return exitCode === null ? 'The host reported an error.' : `It ended with exit code ${exitCode}.`;
  }
  return message;
}

function afterSuccess(
  operation: Operation,
  before: Before,
  result: CommandResult,
  facts: Facts | null,
): Pick<Ending, 'outcome' | 'reason'> {
  if (operation.postCheck === 'git-current' && facts) {
    const moved = before.generation !== facts.generation;
    // A feed can be older than the repository: a host that moved and differs from it may well be ahead.
    if (moved && facts.relation === 'differs') {
      return {
        outcome: 'succeeded',
        reason: `It moved to ${facts.generation}, which is not (yet) what the feed says.`,
      };
    }
    for (const compartment of [facts.git, facts.lock]) {
      if (compartment.status === 'outdated') {
        return { outcome: 'partial', reason: `It ended well, but the goal is not met: ${compartment.message}` };
      }
    }
    if (before.generation !== '' && !moved) {
      return { outcome: 'unchanged', reason: 'There was nothing new to pull.' };
    }
  }
  if (operation.postCheck === 'system-current' && facts && isBad(facts.system.status)) {
    return { outcome: 'partial', reason: `It ended well, but the goal is not met: ${facts.system.message}` };
  }
  return { outcome: 'succeeded', reason: result.message };
}

const isBad = (status: CompartmentView['status']) => status === 'outdated' || status === 'error';
