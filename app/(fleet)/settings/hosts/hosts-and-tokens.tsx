'use client';

import { useRouter } from 'next/navigation';
import { useEffect } from 'react';
import { useDerived, useNotices } from '@/app/_live/live';
import type { AgentsView } from './agents-view';
import { CodesCard } from './codes-card';
import { HostTokensCard } from './host-tokens-card';
import { HostAdmissionCard } from './host-admission-card';
import { PendingAgentsCard } from './pending-agents-card';
import { useKept } from '@/app/_ui/steady';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Changes when an agent connects, disconnects or becomes pending: the page's data is then out of date. */
const CONNECTION_FIELDS = ['id', 'online', 'protocol', 'notice'] as const;
const connectionFacts = (hosts: readonly Pick<HostView, (typeof CONNECTION_FIELDS)[number]>[]) =>
  hosts.map(({ id, online, protocol, notice }) => `${id} ${online} ${protocol} ${notice}`).join('\n');
const same = (a: string, b: string) => a === b;

export function HostsAndTokens({ view }: { view: AgentsView }) {
  const router = useRouter();
  const seen = useDerived(connectionFacts, same, CONNECTION_FIELDS);
  const notices = useNotices();
  useEffect(() => {
    router.refresh();
  }, [router, seen, notices]);
  // While the pointer is over the cards, no agent or host that comes or goes moves what is under it.
  const { kept, keep, over } = useKept(view);
  return (
    <div className="flex flex-col gap-4" {...over}>
      <PendingAgentsCard held={view.held} kept={kept?.held ?? null} onShowNew={keep} />
      <HostAdmissionCard sharedToken={view.sharedToken} approval={view.approval} hosts={view.hosts} />
      <HostTokensCard hosts={view.hosts} kept={kept?.hosts ?? null} onShowNew={keep} />
      <CodesCard codes={view.codes} />
    </div>
  );
}
