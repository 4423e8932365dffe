/** What a page says, before a switch is sent, of its confirmation. Pure. */
import { joinWords } from '@/app/_ui/sentence';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { planConfirmation, type ConfirmPolicy } from '@/lib/fleet/operations/operation-rules';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** Host names per reason; the rest are counted. */
const MAX_NAMES = 3;

export interface ConfirmWords {
  /** At least one host can take the switch back, so that the operator has a choice. */
  hasChoice: boolean;
  /** At least one host takes the switch back. */
  isConfirmed: boolean;
  sentences: string[];
}

/** "3 min", "90 s". */
export function windowText(windowS: number): string {
  return windowS % 60 === 0 ? `${windowS / 60} min` : `${windowS} s`;
}

/** Whether an operation takes itself back on these hosts, and where not, why; null for what is no switch. */
export function confirmWords(
  operation: OperationId,
  hosts: readonly HostView[],
  policy: ConfirmPolicy,
  choice: boolean | null = null,
): ConfirmWords | null {
  const reasons = new Map<string, string[]>();
  let confirmed = 0;
  let possible = 0;
  for (const host of hosts) {
    const plan = planConfirmation(OPERATIONS[operation], host, policy, choice);
    if (plan === null) return null;
    if (planConfirmation(OPERATIONS[operation], host, policy, true)?.kind === 'confirmed') possible += 1;
    if (plan.kind === 'confirmed') confirmed += 1;
    else reasons.set(plan.reason, [...(reasons.get(plan.reason) ?? []), host.name]);
  }
  if (hosts.length === 0) return null;
  const isSet = choice === null && hosts.every(({ confirmSwitches }) => confirmSwitches === 'on');
  const why = isSet ? `, as set for ${hosts.length === 1 ? 'this host' : 'these hosts'}` : '';
  const sentences =
    confirmed === 0 ? [] : [`Takes itself back unless confirmed within ${windowText(policy.windowS)}${why}.`];
  for (const [reason, names] of reasons) {
    const where = hosts.length === 1 || (names.length === hosts.length && reasons.size === 1) ? '' : onHosts(names);
    sentences.push(`Not confirmed${where}: ${reason}.`);
  }
  const refusing = hosts.filter(
    (host) =>
      host.policy?.confirmed === true &&
      planConfirmation(OPERATIONS[operation], host, policy, choice)?.kind === 'unconfirmed',
  );
  if (refusing.length > 0) {
    const names = refusing.map(({ name }) => name);
    const verb = names.length === 1 ? 'accepts' : 'accept';
    sentences.push(`${listed(names)} ${verb} only confirmed switches, and will refuse this one.`);
  }
  return { hasChoice: possible > 0, isConfirmed: confirmed > 0, sentences };
}

const onHosts = (names: readonly string[]): string => ` on ${listed(names)}`;

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return joinWords(more > 0 ? [...names.slice(0, MAX_NAMES), `${more} more`] : names);
}
