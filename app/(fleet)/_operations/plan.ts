/** What an operation on several hosts will do, before it is done: judged by the same table as the dashboard's. Pure. */
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { HostView, OperationId } from '@/lib/protocol/live';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import type { Blocked } from '@/lib/fleet/records/blocked';

/** Hosts that an operation can't be done on, for one and the same reason. */
export interface BlockedGroup {
  code: string;
  blocked: Blocked;
  hosts: readonly HostView[];
}

export interface OperationPlan {
  operation: OperationId;
  /** The hosts that it will be done on. */
  ready: readonly HostView[];
  groups: readonly BlockedGroup[];
}

export function planOperation(operation: OperationId, hosts: readonly HostView[], force = false): OperationPlan {
  const ready: HostView[] = [];
  const groups = new Map<string, { code: string; blocked: Blocked; hosts: HostView[] }>();
  for (const host of hosts) {
    const blocked = checkOperation(OPERATIONS[operation], host, force);
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

const SKIPPED: Record<string, (n: number) => string> = {
  offline: (n) => `${n} ${n === 1 ? 'is' : 'are'} offline`,
  busy: (n) => `${n} ${n === 1 ? 'is' : 'are'} busy`,
  'agent-busy': (n) => `${n} ${n === 1 ? 'is' : 'are'} busy`,
  idle: (n) => `${n} ${n === 1 ? 'runs' : 'run'} nothing`,
  behind: (n) => `${n} ${n === 1 ? 'has' : 'have'} not pulled yet`,
};

/** The hosts that the operation can wait for: they are offline, and the table says that it may. */
export function canWait(plan: OperationPlan): readonly HostView[] {
  if (!OPERATIONS[plan.operation].queueable) return [];
  return plan.groups.find(({ code }) => code === 'offline')?.hosts ?? [];
}

/**
 * One sentence that says exactly what will happen: "Pull 12 hosts; 2 are offline and will be skipped." `queue`: what is
 * offline is waited for.
 */
export function planSentence(plan: OperationPlan, queue = false): string {
  const { label } = OPERATIONS[plan.operation];
  const waits = queue ? canWait(plan).length : 0;
  const reasons = plan.groups
    .filter(({ code }) => waits === 0 || code !== 'offline')
    .map(({ code, hosts }) => (SKIPPED[code] ?? otherReason)(hosts.length));
  if (waits > 0) {
    const wait = `${(SKIPPED.offline ?? otherReason)(waits)} and will be queued`;
    const rest = reasons.length === 0 ? '' : `; ${joinWords(reasons)} and will be skipped`;
    if (plan.ready.length === 0) return `${label}: ${wait}${rest}.`;
    return `${label} ${hostCount(plan.ready)}; ${wait}${rest}.`;
  }
  if (plan.ready.length === 0) {
    const why = reasons.length === 0 ? 'no host is selected' : joinWords(reasons);
    return `Nothing to ${label.toLowerCase()}: ${why}.`;
  }
  const skipped = reasons.length === 0 ? '' : `; ${joinWords(reasons)} and will be skipped`;
  return `${label} ${hostCount(plan.ready)}${skipped}.`;
}

function otherReason(n: number): string {
  return `${n} can’t do it now`;
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** A step that the operator may take about blocked hosts. */
export interface Offer {
  /** The group of blocked hosts that it is about. */
  code: string;
  operation: OperationId;
  hosts: readonly HostView[];
  force: boolean;
  /** As on a button. */
  label: string;
}

/**
 * What can be offered about the hosts that are blocked: the step that unblocks them, both steps in one where the
 * agent can do so, or going ahead by force. Stopping what runs is never offered in passing.
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
        label: `${labelOf(plan.operation, forced)} anyway`,
      });
    }
  }
  return offers.filter((offer) => offer.hosts.length > 0);
}

function labelOf(operation: OperationId, hosts: readonly HostView[]): string {
  const { label } = OPERATIONS[operation];
  return hosts.length === 1 ? label : `${label} ${hosts.length}`;
}

/** What runs on the hosts and would be ended by the operation: `Switch on h1`. A stop is asked for to do just that. */
export function endedBy(plan: OperationPlan): string[] {
  const { bypassesBusy, ends } = OPERATIONS[plan.operation];
  if (!bypassesBusy || ends === 'target') return [];
  return plan.ready.flatMap(({ name, command }) =>
    command ? [`${OPERATIONS[command.operation].label} on ${name}`] : [],
  );
}

/** Whether asking for it leads anywhere: it can be done now, or there is a step to offer towards it. */
export function isPossible(operation: OperationId, host: HostView): boolean {
  const plan = planOperation(operation, [host]);
  return plan.ready.length > 0 || planOffers(plan).length > 0 || canWait(plan).length > 0;
}

/** True when the operator has to look before it is done: it is dangerous, or something can be decided about it. */
export function needsLook(plan: OperationPlan): boolean {
  return (OPERATIONS[plan.operation].confirms && plan.ready.length > 0) || planOffers(plan).length > 0;
}
