/**
 * What a host refuses for certain, by the policy that its agent reported. The agent alone judges: pages and dispatch say
 * it beforehand, and an operator may send the operation all the same. Pure.
 */
import type { Blocked } from '../records/blocked';
import { nounPhrase } from './operation-words';
import type { Operation } from './operation';
import { isOpen, isZone, nextOpening } from '@/lib/hours/hours';
import { momentText } from '@/lib/hours/hours-text';
import { POLICY_OPERATIONS } from '@/lib/protocol/agent/host-policy';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export type PolicyFacts = Pick<HostView, 'name' | 'policy' | 'protocol' | 'missingCapabilities'>;

/** Why the host will refuse an operation that is sent at the time `now`, or null. */
export function checkPolicy({ id, confirmable }: Operation, facts: PolicyFacts, now: number): Blocked | null {
  const { name, policy } = facts;
  const known = POLICY_OPERATIONS.find((operation) => operation === id);
  if (policy === null || policy.state === 'none' || known === undefined) return null;
  const refused = (reason: string): Blocked => ({ code: 'policy', reason, unblock: null, forceable: true });
  const what = nounPhrase(id);
  if (policy.state === 'unreadable')
    return refused(
      `The policy of ${name} can’t be used, so ${name} refuses every operation that would change it: ${policy.source} ${policy.problem}.`,
    );
  if (policy.operations !== null && !policy.operations.includes(known))
    return refused(`${name} does not accept the ${what}: its policy does not list it.`);
  const { hours } = policy;
  if (hours !== null && known !== 'kill' && isZone(hours.zone) && !isOpen(hours, now)) {
    const next = nextOpening(hours, now);
    const opens =
      next === null ? 'No window opens within two weeks.' : `The next window opens ${momentText(next, hours.zone)}.`;
    return refused(`The policy of ${name} does not accept the ${what} at this time. ${opens}`);
  }
  if (policy.confirmed && (known === 'boot' || (confirmable && !canConfirm(facts))))
    return refused(`${name} accepts only confirmed switches, and the ${what} can’t be confirmed on it.`);
  const judgesCommits = policy.branches !== null || policy.signers !== null || policy.oldestCommit !== '';
  if (judgesCommits && (known === 'update' || known === 'force-update'))
    return refused(`${name} builds only commits, and the ${what} changes flake.lock without committing it.`);
  return null;
}

const canConfirm = ({ protocol, missingCapabilities }: PolicyFacts) =>
  protocol >= 3 && !missingCapabilities.includes('confirm');
