/** Judges a command by what is known before it begins. Pure. */
import { isOpen, nextOpening } from '@/lib/hours/hours';
import { momentText } from '@/lib/hours/hours-text';
import { POLICY_OPERATIONS, type PolicyOperation } from '@/lib/protocol/agent/host-policy';
import type { Policy, PolicyState } from './policy-file';
import type { Refusal } from './refusal';

/** Switches that can be confirmed, and one that can't. Going back to a system that ran before is no new system. */
const TRIES_NEW_SYSTEM: ReadonlySet<PolicyOperation> = new Set(['switch', 'pull-switch', 'force-update', 'boot']);
/** They change flake.lock without committing it. */
const CHANGES_CLONE: ReadonlySet<PolicyOperation> = new Set(['update', 'force-update']);

/** Why a command is refused; null when it is accepted as far as that is known. `isConfirmed`: it has the field `confirm`. */
export function judgeOperation(
  state: PolicyState,
  { command, isConfirmed }: { command: string; isConfirmed: boolean },
  now: number,
): Refusal | null {
  const operation = POLICY_OPERATIONS.find((name) => name === command);
  // It only reads, or stops what runs.
  if (operation === undefined || state.kind === 'none') return null;
  if (state.kind === 'unreadable') return policyUnreadable(state);
  const { policy } = state;
  if (policy.operations !== null && !policy.operations.includes(operation))
    return { reason: 'operation', text: `its policy does not accept “${operation}”` };
  const closed = outsideHours(policy, operation, now);
  if (closed !== null) return closed;
  if (policy.confirmed && TRIES_NEW_SYSTEM.has(operation) && (operation === 'boot' || !isConfirmed))
    return {
      reason: 'not-confirmed',
      text:
        operation === 'boot'
          ? 'its policy accepts only confirmed switches, and a switch at the next boot can’t be confirmed'
          : 'its policy accepts only confirmed switches, and this one is not confirmed',
    };
  if (judgesCommits(policy) && CHANGES_CLONE.has(operation))
    return {
      reason: 'dirty',
      text: 'it builds only commits, and this operation changes flake.lock without committing it',
    };
  return null;
}

export const policyUnreadable = ({ source, problem }: Extract<PolicyState, { kind: 'unreadable' }>): Refusal => ({
  reason: 'policy-unreadable',
  text: `its policy can't be used, so it refuses every operation that would change the host: ${source} ${problem}`,
});

/** Whether what is built has to be a commit that passes a rule. */
export const judgesCommits = ({ branches, signers, oldestCommit }: Policy): boolean =>
  branches !== null || signers !== null || oldestCommit !== '';

function outsideHours({ hours }: Policy, operation: PolicyOperation, now: number): Refusal | null {
  // A command that hangs may be killed: it began within the hours.
  if (hours === null || operation === 'kill' || isOpen(hours, now)) return null;
  const next = nextOpening(hours, now);
  const opens =
    next === null ? 'no window opens within two weeks' : `the next window opens ${momentText(next, hours.zone)}`;
  return { reason: 'hours', text: `its policy does not accept it at this time; ${opens}` };
}
