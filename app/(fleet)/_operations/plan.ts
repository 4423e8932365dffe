/** What an operation on several hosts will do, by the preconditions that the dashboard checks. Pure. */
import { serverNow } from '@/app/_ui/clock';
import { capitalised, joinWords } from '@/app/_ui/sentence';
import { nounPhrase, OPERATION_WORDS, verbPhrase } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { checkHostCount, checkOperation } from '@/lib/fleet/operations/operation-rules';
import { blockedCount, blockedPhrases } from './blocked-words';
import type { Blocked } from '@/lib/fleet/records/blocked';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** Hosts on which an operation is blocked for the same reason. */
export interface BlockedGroup {
  code: string;
  blocked: Blocked;
  hosts: readonly HostView[];
}

export interface OperationPlan {
  operation: OperationId;
  /** The hosts on which it will run. */
  ready: readonly HostView[];
  groups: readonly BlockedGroup[];
}

export function planOperation(operation: OperationId, hosts: readonly HostView[], force = false): OperationPlan {
  const several = checkHostCount(OPERATIONS[operation], hosts.length);
  if (several) return { operation, ready: [], groups: [{ code: several.code, blocked: several, hosts }] };
  const ready: HostView[] = [];
  const groups = new Map<string, { code: string; blocked: Blocked; hosts: HostView[] }>();
  for (const host of hosts) {
    const blocked = checkOperation(OPERATIONS[operation], host, serverNow(), force);
    if (!blocked) {
      ready.push(host);
      continue;
    }
    const group = groups.get(blocked.code);
    if (group) group.hosts.push(host);
    else groups.set(blocked.code, { code: blocked.code, blocked, hosts: [host] });
  }
  return { operation, ready, groups: [...groups.values()] };
}

/** "12 hosts", or the one host's name. */
export function hostCount(hosts: readonly Pick<HostView, 'name'>[]): string {
  return hosts.length === 1 && hosts[0] ? hosts[0].name : `${hosts.length} hosts`;
}

/** The hosts for which the operation can be queued: they are offline, and the operation allows it. */
export function canWait(plan: OperationPlan): readonly HostView[] {
  if (!OPERATIONS[plan.operation].queueable) return [];
  return plan.groups.find(({ code }) => code === 'offline')?.hosts ?? [];
}

/**
 * What exactly will happen, in one or two short sentences: "Roll back 12 hosts. Skipped: 2 offline." `queue`: the
 * operation is queued for offline hosts.
 */
export function planSentence(plan: OperationPlan, queue = false): string {
  const { operation, ready, groups } = plan;
  const waits = queue ? canWait(plan).length : 0;
  const skipped = shortReasons(groups.filter(({ code }) => waits === 0 || code !== 'offline'));
  const rest = skipped === '' ? '' : ` Skipped: ${skipped}.`;
  if (ready.length > 0) {
    const queued = waits > 0 ? ` Queued: ${waits} offline.` : '';
    return `${capitalised(verbPhrase(operation, hostCount(ready)))}.${queued}${rest}`;
  }
  if (waits > 0) {
    const { noun } = OPERATION_WORDS[operation];
    return `Queue the ${noun} for ${waits} offline ${waits === 1 ? 'host' : 'hosts'}.${rest}`;
  }
  return `Cannot ${verbPhrase(operation, onWhat(groups))}: ${whyNot(groups)}.`;
}

/** The hosts of a sentence that denies: the one host's name, or "any host". */
function onWhat(groups: readonly BlockedGroup[]): string {
  const [only, ...others] = groups.flatMap(({ hosts }) => hosts);
  return only && others.length === 0 ? only.name : 'any host';
}

function whyNot(groups: readonly BlockedGroup[]): string {
  const [first] = groups;
  if (!first) return 'no host is selected';
  if (groups.length === 1 && first.hosts.length === 1) return `it ${blockedPhrases(first.code).one}`;
  return joinWords(groups.map(({ code, hosts }) => blockedCount(code, hosts.length)));
}

/** "2 offline, 1 busy": reasons with the same words are counted together. */
function shortReasons(groups: readonly BlockedGroup[]): string {
  const counts = new Map<string, number>();
  for (const { code, hosts } of groups) {
    const { short } = blockedPhrases(code);
    counts.set(short, (counts.get(short) ?? 0) + hosts.length);
  }
  return [...counts].map(([short, count]) => `${count} ${short}`).join(', ');
}

/** An operation that is offered for blocked hosts. */
export interface Offer {
  /** The group of blocked hosts. */
  code: string;
  operation: OperationId;
  hosts: readonly HostView[];
  force: boolean;
  /** Button label. */
  label: string;
}

/**
 * What can be offered for blocked hosts: the operation that unblocks them, both operations in one, or going ahead by
 * force. Stopping a running command is never offered here.
 */
export function planOffers(plan: OperationPlan): Offer[] {
  const offers: Offer[] = [];
  for (const { code, blocked, hosts } of plan.groups) {
    const { unblock } = blocked;
    if (unblock !== null && unblock !== 'stop') {
      const first = planOperation(unblock, hosts);
      offers.push({ code, operation: unblock, hosts: first.ready, force: false, label: labelOf(unblock, first.ready) });
      if (plan.operation === 'switch' && unblock === 'pull') {
        const both = planOperation('pull-switch', hosts).ready;
        offers.push({ code, operation: 'pull-switch', hosts: both, force: false, label: labelOf('pull-switch', both) });
      }
    }
    if (blocked.forceable) {
      const forced = planOperation(plan.operation, hosts, true).ready;
      offers.push({
        code,
        operation: plan.operation,
        hosts: forced,
        force: true,
        // The host decides: it may refuse what is sent.
        label: code === 'policy' ? counted('Send anyway', forced) : labelOf(plan.operation, forced, ' anyway'),
      });
    }
  }
  return offers.filter((offer) => offer.hosts.length > 0);
}

function labelOf(operation: OperationId, hosts: readonly HostView[], more = ''): string {
  return counted(`${OPERATIONS[operation].label}${more}`, hosts);
}

const counted = (label: string, hosts: readonly HostView[]): string =>
  hosts.length === 1 ? label : `${label} (${hosts.length})`;

/** The running commands that the operation would end: "the switch on h1". A stop does just that, so it lists none. */
export function endedBy(plan: OperationPlan): string[] {
  const { bypassesBusy, ends } = OPERATIONS[plan.operation];
  if (!bypassesBusy || ends === 'target') return [];
  return plan.ready.flatMap(({ name, command }) =>
    command ? [`the ${nounPhrase(command.operation, name, command.generation)}`] : [],
  );
}

/** True when the operation can run now, can be queued, or something can be offered instead. */
export function isPossible(operation: OperationId, host: HostView): boolean {
  const plan = planOperation(operation, [host]);
  return plan.ready.length > 0 || planOffers(plan).length > 0 || canWait(plan).length > 0;
}

/** True when a dialog has to be shown first: the operation is dangerous, or there is something to decide. */
export function needsReview(plan: OperationPlan): boolean {
  return (OPERATIONS[plan.operation].confirms && plan.ready.length > 0) || planOffers(plan).length > 0;
}
