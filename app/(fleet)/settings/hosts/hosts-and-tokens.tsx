'use client';

import { useRouter } from 'next/navigation';
import { useEffect } from 'react';
import { useDerived, useNotices } from '@/app/_live/live';
import type { HostView } from '@/lib/protocol/live';
import type { AgentsView } from './agents-view';
import { CodesCard } from './codes-card';
import { HostTokensCard } from './host-tokens-card';
import { RulesCard } from './rules-card';
import { WaitingCard } from './waiting-card';

/** What makes the page's facts old: agents that come, go or are held. */
const arrivals = (hosts: readonly HostView[]) =>
  hosts.map(({ id, online, protocol, notice }) => `${id} ${online} ${protocol} ${notice}`).join('\n');
const same = (a: string, b: string) => a === b;

export function HostsAndTokens({ view }: { view: AgentsView }) {
  const router = useRouter();
  const seen = useDerived(arrivals, same);
  const notices = useNotices();
  useEffect(() => {
    router.refresh();
  }, [router, seen, notices]);
  return (
    <div className="flex flex-col gap-4">
      <WaitingCard held={view.held} />
      <RulesCard sharedToken={view.sharedToken} approval={view.approval} hosts={view.hosts} />
      <HostTokensCard hosts={view.hosts} />
      <CodesCard codes={view.codes} />
    </div>
  );
}
