import { useCallback } from 'react';
import { sameList } from '@/app/_live/derived';
import { useDerived } from '@/app/_live/live';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** The hosts with these ids, as they are now; one that is removed leaves the list. */
export function useHosts(hostIds: readonly string[]): readonly HostView[] {
  const pick = useCallback(
    (hosts: readonly HostView[]) => {
      const asked = new Set(hostIds);
      return hosts.filter((host) => asked.has(host.id));
    },
    [hostIds],
  );
  return useDerived(pick, sameList);
}
