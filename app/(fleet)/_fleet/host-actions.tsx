'use client';

import {
  Download,
  EllipsisVertical,
  FlaskConical,
  History,
  OctagonX,
  Play,
  RefreshCw,
  RotateCw,
  ScanSearch,
  ScrollText,
  Square,
  Zap,
} from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { newestCommand, openOutput } from '@/app/_output/open-output';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { IconButton } from '@/app/_ui/icon-button';
import { Menu, MenuItem, MenuSeparator } from '@/app/_ui/menu';
import { checkOperation, OPERATIONS } from '@/lib/fleet/operations';
import type { HostView, OperationId } from '@/lib/protocol/live';
import { useOperations } from '../_operations/operations-context';
import { isRunning, nextStep } from './facts';

export const OPERATION_ICONS: Partial<Record<OperationId, typeof Play>> = {
  pull: Download,
  switch: Play,
  'pull-switch': Zap,
  test: FlaskConical,
  stop: Square,
  kill: OctagonX,
  rollback: History,
  restart: RotateCw,
  'refresh-system': ScanSearch,
  'refresh-all': RefreshCw,
};

const MENU: (OperationId | null)[] = [
  'pull-switch',
  'refresh-all',
  'refresh-system',
  null,
  'restart',
  'rollback',
  'kill',
];

/** What can be done to one host. While something runs, Stop is in the place of the rest, so that nothing moves. */
export function HostActions({ host }: { host: HostView }) {
  const advised = nextStep(host);
  return (
    <div role="cell" className="flex items-center justify-end gap-1 [grid-area:acts] max-lg:gap-2">
      <div className="grid grow grid-cols-3 gap-1 max-lg:gap-2 lg:grow-0 lg:grid-cols-[repeat(3,auto)] lg:gap-0.5">
        {isRunning(host) ? (
          <Action operation="stop" host={host} className="col-span-3 lg:min-w-[9.5rem]" advised />
        ) : (
          <>
            <Action operation="pull" host={host} advised={advised === 'pull'} />
            <Action operation="switch" host={host} advised={advised === 'switch'} />
            <Action operation="test" host={host} advised={advised === 'test'} />
          </>
        )}
      </div>
      <More host={host} />
    </div>
  );
}

/** The rest of what can be done. The menu is made when it is first asked for: a table has many that never are. */
function More({ host }: { host: HostView }) {
  const [asked, setAsked] = useState(false);
  const newest = newestCommand(host);
  const label = `More for ${host.name}`;
  const dots = <EllipsisVertical className="size-4" aria-hidden="true" />;
  if (!asked) {
    return (
      <IconButton
        label={label}
        tip="More"
        size="sm"
        aria-haspopup="menu"
        aria-expanded={false}
        onClick={() => setAsked(true)}
      >
        {dots}
      </IconButton>
    );
  }
  return (
    <Menu
      label={label}
      defaultOpen
      trigger={
        <IconButton label={label} tip="More" size="sm">
          {dots}
        </IconButton>
      }
    >
      {newest && (
        <>
          <MenuItem
            icon={<ScrollText className="size-4" aria-hidden="true" />}
            onSelect={() => openOutput({ hostId: host.id, commandId: newest.id })}
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

function icon(operation: OperationId): ReactNode {
  const Icon = OPERATION_ICONS[operation];
  return Icon && <Icon className="size-3.5" aria-hidden="true" />;
}

/** A blocked one is dimmed and says why; a click still opens what explains it and offers the way out. */
function Action({
  operation,
  host,
  advised,
  className,
}: {
  operation: OperationId;
  host: HostView;
  /** It is what the host's state calls for, so it stands out. */
  advised: boolean;
  className?: string;
}) {
  const { run } = useOperations();
  const { label, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host);
  return (
    <Button
      size="sm"
      className={cx(advised && blocked === null ? 'max-lg:border-accent max-lg:text-accent' : QUIET, className)}
      aria-disabled={blocked && !blocked.forceable ? true : undefined}
      data-tip={`${label} ${host.name}\n${blocked ? blocked.reason : description}`}
      icon={<span className="lg:hidden">{icon(operation)}</span>}
      onClick={() => run(operation, [host.id])}
    >
      {label}
    </Button>
  );
}

/** In a table of many hosts, what need not be done now is no more than a word. */
const QUIET = 'lg:border-transparent lg:bg-transparent lg:text-muted lg:shadow-none lg:enabled:hover:text-ink';

function Item({ operation, host }: { operation: OperationId; host: HostView }) {
  const { run } = useOperations();
  const { label, confirms, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host);
  const impossible = blocked !== null && !blocked.forceable && blocked.unblock === null;
  return (
    <MenuItem
      icon={icon(operation)}
      danger={confirms}
      disabled={impossible}
      hint={blocked ? blocked.reason : description}
      onSelect={() => run(operation, [host.id])}
    >
      {confirms ? `${label} …` : label}
    </MenuItem>
  );
}
