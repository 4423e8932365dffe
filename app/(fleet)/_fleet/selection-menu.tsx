'use client';

import type { ReactElement } from 'react';
import { Menu, MenuItem, MenuSeparator } from '@/app/_ui/menu';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { HostView, OperationId } from '@/lib/protocol/live';
import { useOperations } from '../_operations/operations-context';
import { isPossible, planOperation, planSentence } from '../_operations/plan';
import { PipelineItems } from '../_pipelines/pipeline-items';
import { OperationIcon } from './operation-icons';

const MENU: (OperationId | null)[] = [
  'pull-switch',
  'refresh-all',
  null,
  'restart',
  'rollback',
  'reboot',
  null,
  'set-color',
  'remove-host',
];

/** The menu of the selected hosts, open from the start. Each item says on how many of them it would be done. */
export function SelectionMenu({ hosts, trigger }: { hosts: readonly HostView[]; trigger: ReactElement }) {
  const { run } = useOperations();
  return (
    <Menu label="More for the selected hosts" defaultOpen trigger={trigger}>
      <PipelineItems hosts={hosts} />
      {MENU.map((operation, i) => {
        if (operation === null) return <MenuSeparator key={i} />;
        const { label, confirms } = OPERATIONS[operation];
        return (
          <MenuItem
            key={operation}
            icon={<OperationIcon operation={operation} />}
            danger={confirms}
            disabled={!hosts.some((host) => isPossible(operation, host))}
            hint={planSentence(planOperation(operation, hosts))}
            onSelect={() =>
              run(
                operation,
                hosts.map((host) => host.id),
              )
            }
          >
            {confirms ? `${label} …` : label}
          </MenuItem>
        );
      })}
    </Menu>
  );
}
