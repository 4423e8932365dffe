'use client';

import { ScrollText, ShieldCheck, TimerOff } from 'lucide-react';
import { Fragment, useState, type ReactElement } from 'react';
import { newestCommand, openOutput } from '@/app/_output/drawer/open-output';
import { Menu, MenuItem, MenuSeparator } from '@/app/_ui/menu';
import { OPERATION_WORDS } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { cancelQueued } from '../_operations/cancel';
import { useOperations } from '../_operations/operations-context';
import { isPossible } from '../_operations/plan';
import { PipelineItems } from '../_pipelines/pipeline-items';
import { ConfirmSettingItem } from './confirm-setting-item';
import { OperationIcon } from './operation-icons';
import { operationMenu } from './operation-menu';
import { serverNow } from '@/app/_ui/clock';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

const MENU = operationMenu('one');

/** The menu of one host, initially open. */
export function HostMenu({ host, trigger }: { host: HostView; trigger: ReactElement }) {
  return (
    <Menu
      label={`More actions for ${host.name}`}
      note={host.note === '' ? '' : `Note from the older dashboard:\n${host.note}`}
      defaultOpen
      trigger={trigger}
    >
      <Entries current={host} />
    </Menu>
  );
}

/** The entries as they were when the menu opened: what changes meanwhile must not move them under the pointer. */
function Entries({ current }: { current: HostView }) {
  const [host] = useState(current);
  const newest = newestCommand(host);
  return (
    <>
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
      {host.queue.length > 0 && (
        <>
          {host.queue.map((waiting) => (
            <MenuItem
              key={waiting.id}
              icon={<TimerOff className="size-4" aria-hidden="true" />}
              hint={`Waiting for the host. Requested by ${waiting.by}.`}
              onSelect={() => void cancelQueued(waiting)}
            >
              Cancel the queued {OPERATION_WORDS[waiting.operation].noun}
            </MenuItem>
          ))}
          <MenuSeparator />
        </>
      )}
      <PipelineItems hosts={[host]} />
      <PolicyItem host={host} />
      <MenuSeparator />
      {MENU.map((section, i) => (
        <Fragment key={i}>
          {i > 0 && <MenuSeparator />}
          {section.map((operation) => (
            <Fragment key={operation}>
              <Item operation={operation} host={host} />
              {operation === 'set-color' && <ConfirmSettingItem hosts={[host]} />}
            </Fragment>
          ))}
        </Fragment>
      ))}
    </>
  );
}

function PolicyItem({ host }: { host: HostView }) {
  const { showPolicy } = useOperations();
  return (
    <MenuItem
      icon={<ShieldCheck className="size-4" aria-hidden="true" />}
      hint="Operations, hours and commits that the host accepts. Set on the host."
      onSelect={() => showPolicy(host.id)}
    >
      What this host accepts
    </MenuItem>
  );
}

function Item({ operation, host }: { operation: OperationId; host: HostView }) {
  const { run } = useOperations();
  const { label, confirms, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host, serverNow());
  return (
    <MenuItem
      icon={<OperationIcon operation={operation} />}
      danger={confirms}
      disabled={!isPossible(operation, host)}
      hint={blocked ? blocked.reason : description}
      onSelect={() => run(operation, [host.id])}
    >
      {confirms || operation === 'set-color' ? `${label} …` : label}
    </MenuItem>
  );
}
