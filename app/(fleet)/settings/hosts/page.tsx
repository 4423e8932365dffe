import type { Metadata } from 'next';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { agentsView } from './agents-view';
import { HostsAndTokens } from './hosts-and-tokens';

export const metadata: Metadata = { title: 'Hosts and tokens' };

/** Host admission: pending agents, rules, host tokens and enrolment codes. */
export default async function HostsAndTokensPage() {
  await requirePermission('administer');
  const { fleet, agentAccess } = runtime();
  const view = await agentsView(fleet.hostViews(), agentAccess, fleet.heldAgents(), (id) => fleet.connectedAs(id));
  return <HostsAndTokens view={view} />;
}
