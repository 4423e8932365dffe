'use client';

import { EllipsisVertical } from 'lucide-react';
import { memo } from 'react';
import { hasSameHost } from './same-host';
import { ConfirmationAnswers } from '@/app/_output/drawer/confirmation-answers';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { IconButton, type IconButtonProps } from '@/app/_ui/icon-button';
import { useOnDemand } from '@/app/_ui/on-demand';
import { capitalised } from '@/app/_ui/sentence';
import { verbPhrase } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { confirmWords } from '../_operations/confirm-words';
import { useOperations } from '../_operations/operations-context';
import { isPossible } from '../_operations/plan';
import { isRunning, nextStep } from './facts';
import { OperationIcon } from './operation-icons';
import { serverNow } from '@/app/_ui/clock';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/**
 * The operations for one host. While one is running, Stop takes the place of the others, and while a switch waits for its
 * confirmation, its two answers do: nothing moves.
 */
export const HostActions = memo(function HostActions({ host }: { host: HostView }) {
  const advised = nextStep(host);
  return (
    <div role="cell" className="flex items-center justify-end gap-1 [grid-area:acts] max-lg:gap-2">
      <div className="grid grow grid-cols-3 gap-1 max-lg:gap-2 lg:grow-0 lg:grid-cols-[repeat(3,auto)] lg:gap-0.5">
        {host.command?.phase === 'confirming' && host.command.confirmation !== null ? (
          <ConfirmationAnswers
            commandId={host.command.id}
            hostName={host.name}
            confirmation={host.command.confirmation}
            inRow
            className="col-span-3 grid grid-cols-2 gap-1 max-lg:gap-2 lg:min-w-[9.5rem] lg:grid-cols-[auto_auto] lg:justify-between lg:gap-0.5"
          />
        ) : isRunning(host) ? (
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
}, hasSameHost);

const loadMenu = async () => (await import('./host-menu')).HostMenu;

/** The menu with the other operations. It is created when first opened: a table has many that never are. */
function More({ host }: { host: HostView }) {
  const { Part: HostMenu, open, preload } = useOnDemand(loadMenu);
  if (HostMenu) return <HostMenu host={host} trigger={<MoreButton host={host} />} />;
  return (
    <MoreButton
      host={host}
      aria-haspopup="menu"
      aria-expanded={false}
      onClick={open}
      onPointerEnter={preload}
      onFocus={preload}
    />
  );
}

function MoreButton({ host, ...rest }: { host: HostView } & Partial<IconButtonProps>) {
  return (
    <IconButton {...rest} label={`More actions for ${host.name}`} tip="More" size="sm">
      <EllipsisVertical className="size-4" aria-hidden="true" />
    </IconButton>
  );
}

/** A blocked operation says why. Where something can be offered, such as queueing, a click opens the dialog. */
function Action({
  operation,
  host,
  advised,
  className,
}: {
  operation: OperationId;
  host: HostView;
  /** The recommended next step, which stands out. */
  advised: boolean;
  className?: string;
}) {
  const { run, confirm } = useOperations();
  const { label, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host, serverNow());
  const offersSomething = isPossible(operation, host);
  return (
    <Button
      size="sm"
      className={cx(
        advised && blocked === null ? 'max-lg:border-accent max-lg:text-accent' : QUIET,
        blocked !== null && offersSomething && '!text-faint',
        className,
      )}
      aria-disabled={offersSomething ? undefined : true}
      data-tip={`${capitalised(verbPhrase(operation, host.name))}\n${blocked ? blocked.reason : [description, ...(confirmWords(operation, [host], confirm)?.sentences ?? [])].join('\n')}`}
      icon={
        <span className="lg:hidden">
          <OperationIcon operation={operation} />
        </span>
      }
      onClick={() => run(operation, [host.id])}
    >
      {label}
    </Button>
  );
}

/** In a large table, operations that are not recommended now are plain text. */
const QUIET = 'lg:border-transparent lg:bg-transparent lg:text-muted lg:shadow-none lg:enabled:hover:text-ink';
