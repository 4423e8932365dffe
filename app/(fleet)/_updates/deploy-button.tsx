'use client';

import { useDerived, useLive } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { useOperations } from '../_operations/operations-context';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

const isSome = (hosts: readonly unknown[]) => hosts.length > 0;
const NO_FIELDS: readonly never[] = [];

/** Opens the dialog that merges the update and deploys it to all hosts. */
export function DeployButton({ update: { number, headSha, blocked } }: { update: FlakeUpdateView }) {
  const { store } = useLive();
  const { runPipeline } = useOperations();
  const hasHosts = useDerived(isSome, Object.is, NO_FIELDS);
  const open = () => {
    const hostIds = store.get().fleet.hosts.map((host) => host.id);
    runPipeline('merge-deploy', hostIds, { number, seen: headSha });
  };
  return (
    <Button size="sm" disabled={blocked !== '' || !hasHosts} onClick={open}>
      Merge and deploy …
    </Button>
  );
}
