'use client';

import { ListChecks, ListPlus, RefreshCcwDot, Hammer, type LucideIcon } from 'lucide-react';
import { MenuItem, MenuSeparator } from '@/app/_ui/menu';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { useOperations } from '../_operations/operations-context';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

/** The pipelines for a selection. A merge is started where its pull request is shown. */
const OFFERED: [PipelineKind, LucideIcon][] = [
  ['do-all', ListChecks],
  ['update-agent', RefreshCcwDot],
  ['force-rebuild', Hammer],
  ['custom', ListPlus],
];

/** The pipelines as menu items. Each opens a dialog that says what it will do. */
export function PipelineItems({ hosts }: { hosts: readonly HostView[] }) {
  const { runPipeline } = useOperations();
  const ids = hosts.map((host) => host.id);
  return (
    <>
      {OFFERED.map(([kind, Icon]) => (
        <MenuItem
          key={kind}
          icon={<Icon className="size-4" aria-hidden="true" />}
          hint={PIPELINES[kind].description}
          disabled={!hosts.some((host) => host.online)}
          onSelect={() => runPipeline(kind, ids)}
        >
          {PIPELINES[kind].label} …
        </MenuItem>
      ))}
      <MenuSeparator />
    </>
  );
}
