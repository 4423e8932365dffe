'use client';

import { ScrollText } from 'lucide-react';
import type { ReactElement } from 'react';
import { newestCommand, openOutput } from '@/app/_output/open-output';
import { Menu, MenuItem, MenuSeparator } from '@/app/_ui/menu';
import { checkOperation, OPERATIONS } from '@/lib/fleet/operations';
import type { HostView, OperationId } from '@/lib/protocol/live';
import { useOperations } from '../_operations/operations-context';
import { isPossible } from '../_operations/plan';
import { OperationIcon } from './operation-icons';

const MENU: (OperationId | null)[] = [
  'pull-switch',
  'refresh-all',
  'refresh-system',
  null,
  'restart',
  'rollback',
  'kill',
  'reboot',
];

/** The menu of one host, open from the start. */
export function HostMenu({ host, trigger }: { host: HostView; trigger: ReactElement }) {
  const newest = newestCommand(host);
  return (
    <Menu label={`More for ${host.name}`} defaultOpen trigger={trigger}>
      {newest && (
        <>
          <MenuItem
            icon={<ScrollText className="size-4" aria-hidden="true" />}
            onSelect={() => openOutput({ hostId: host.id, commandId: newest.id, focus: true })}
          >
            Show output
          </MenuItem>
          <MenuSeparator />
        </>
      )}
      {MENU.map((operation, i) =>
        operation === null ? <MenuSeparator key={i} /> : <Item key={operation} operation={operation} host={host} />,
      )}
    </Menu>
  );
}

function Item({ operation, host }: { operation: OperationId; host: HostView }) {
  const { run } = useOperations();
  const { label, confirms, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host);
  return (
    <MenuItem
      icon={<OperationIcon operation={operation} />}
      danger={confirms}
      disabled={!isPossible(operation, host)}
      hint={blocked ? blocked.reason : description}
      onSelect={() => run(operation, [host.id])}
    >
      {confirms ? `${label} …` : label}
    </MenuItem>
  );
}
