/** What a host accepts, in words. Pure. */
import { joinWords } from '@/app/_ui/sentence';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { isOpen, isZone, nextOpening } from '@/lib/hours/hours';
import { momentText, windowText } from '@/lib/hours/hours-text';
import { POLICY_OPERATIONS } from '@/lib/protocol/agent/host-policy';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { PolicyView } from '@/lib/protocol/live/views/policy-view';

/** One rule of a policy. `items`: what the text names, one line each. */
export interface PolicyRule {
  title: string;
  text: string;
  items: readonly string[];
}

/** What is known of the policy of a host, in one or two sentences. */
export function policySummary({ policy, protocol, missingCapabilities, online }: HostView): string {
  if (policy === null) {
    if (protocol > 0 && missingCapabilities.includes('policy'))
      return 'The agent of this host does not support policies, so the host accepts everything. Update the agent to set one.';
    return 'The agent of this host has not reported a policy yet.';
  }
  const when = online ? '' : ' This is what it reported last.';
  switch (policy.state) {
    case 'none':
      return `No policy: accepts everything.${when}`;
    case 'unreadable':
      return `The host’s policy can’t be used, so the host refuses every operation that would change it: ${policy.source} ${policy.problem}.${when}`;
    case 'set':
      return `The host accepts only what is listed here, whoever asks. Checks, refreshes and Stop are always accepted.${when}`;
  }
}

/** The rules of a policy in the order in which the host judges by them. `now`: the dashboard's time. */
export function policyRules(policy: PolicyView, now: number): PolicyRule[] {
  if (policy.state !== 'set') return [];
  const { operations, hours, branches, signers, moreSigners, oldestCommit, confirmed } = policy;
  return [
    operationsRule(operations),
    hours === null ? rule('Hours', 'At any time.') : hoursRule(hours, now),
    confirmed
      ? rule('Switches', 'Only confirmed ones: they take themselves back unless the host is reached again.')
      : rule('Switches', 'Confirmed or not.'),
    signers === null
      ? rule('Signatures', 'The commit need not be signed.')
      : rule('Signatures', 'The commit must carry an SSH signature by one of:', [
          ...signers.map(({ name, key }) => `${name} (${key})`),
          ...(moreSigners > 0 ? [`${moreSigners} more`] : []),
        ]),
    branches === null
      ? rule('Branches', 'The commit may be on any branch.')
      : rule('Branches', 'The commit must be on one of these branches of the remote:', branches),
    oldestCommit === ''
      ? rule('Oldest commit', 'Any commit.')
      : rule('Oldest commit', 'The commit must be this one or a descendant:', [oldestCommit]),
  ];
}

const rule = (title: string, text: string, items: readonly string[] = []): PolicyRule => ({ title, text, items });

function operationsRule(operations: PolicyView['operations']): PolicyRule {
  if (operations === null) return rule('Operations', 'All.');
  if (operations.length === 0) return rule('Operations', 'None.');
  const labels = POLICY_OPERATIONS.filter((id) => operations.includes(id)).map((id) => OPERATIONS[id].label);
  return rule('Operations', `${joinWords(labels)}.`);
}

function hoursRule(hours: NonNullable<PolicyView['hours']>, now: number): PolicyRule {
  const windows = hours.windows.map((window) => `${windowText(window)} (${hours.zone})`);
  return rule('Hours', isZone(hours.zone) ? openText(hours, now) : UNKNOWN_ZONE, windows);
}

const UNKNOWN_ZONE = 'This dashboard does not know the time zone, and so not whether they are open now.';

function openText(hours: NonNullable<PolicyView['hours']>, now: number): string {
  if (isOpen(hours, now)) return 'Open now.';
  const next = nextOpening(hours, now);
  return next === null
    ? 'Closed now; no window opens within two weeks.'
    : `Closed now; the next window opens ${momentText(next, hours.zone)}.`;
}
