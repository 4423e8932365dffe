'use client';

import { Fragment, useState, type ReactElement } from 'react';
import { Menu, MenuItem, MenuSeparator } from '@/app/_ui/menu';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { checkHostCount } from '@/lib/fleet/operations/operation-rules';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';
import { useOperations } from '../_operations/operations-context';
import { isPossible, planOperation, planSentence } from '../_operations/plan';
import { PipelineItems } from '../_pipelines/pipeline-items';
import { ConfirmSettingItem } from './confirm-setting-item';
import { OperationIcon } from './operation-icons';
import { operationMenu } from './operation-menu';

const MENU = operationMenu('several');

/** The menu of the selected hosts, initially open. Each item says which of them it applies to. */
export function SelectionMenu({ hosts, trigger }: { hosts: readonly HostView[]; trigger: ReactElement }) {
  return (
    <Menu label="More actions for the selected hosts" defaultOpen trigger={trigger}>
      <Entries current={hosts} />
    </Menu>
  );
}

/** The entries as they were when the menu opened: what changes meanwhile must not move them under the pointer. */
function Entries({ current }: { current: readonly HostView[] }) {
  const { run } = useOperations();
  const [hosts] = useState(current);
  return (
    <>
      <PipelineItems hosts={hosts} />
      {MENU.map((section, i) => (
        <Fragment key={i}>
          {i > 0 && <MenuSeparator />}
          {section.map((operation) => (
            <Fragment key={operation}>
              <Item
                operation={operation}
                hosts={hosts}
                onSelect={() =>
                  run(
                    operation,
                    hosts.map((host) => host.id),
                  )
                }
              />
              {operation === 'set-color' && <ConfirmSettingItem hosts={hosts} />}
            </Fragment>
          ))}
        </Fragment>
      ))}
    </>
  );
}

function Item({
  operation,
  hosts,
  onSelect,
}: {
  operation: OperationId;
  hosts: readonly HostView[];
  onSelect: () => void;
}) {
  const { label, confirms } = OPERATIONS[operation];
  const several = checkHostCount(OPERATIONS[operation], hosts.length);
  return (
    <MenuItem
      icon={<OperationIcon operation={operation} />}
      danger={confirms}
      disabled={several !== null || !hosts.some((host) => isPossible(operation, host))}
      hint={several?.reason ?? planSentence(planOperation(operation, hosts))}
      onSelect={onSelect}
    >
      {confirms ? `${label} …` : label}
    </MenuItem>
  );
}
