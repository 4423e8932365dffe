'use client';

import { useState, type ReactNode } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { useLiveFacts } from '@/app/_live/live';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { blockedHosts } from './blocked-words';
import { ConfirmChoice } from './confirm-choice';
import { confirmWords } from './confirm-words';
import { canWait, hostCount, endedBy, planOffers, planOperation, planSentence, type BlockedGroup } from './plan';
import { sendOperation, type SendOptions } from './send';
import { useHosts } from './use-hosts';
import { WaitForm } from './wait';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** Host names shown per group; the rest are counted. */
const MAX_NAMES = 6;

/** Confirms an operation: what will happen, what is blocked and why, and what can be done about it. Follows the live fleet. */
export function OperationDialog({
  operation,
  hostIds,
  queueForMs,
  onClose,
}: {
  operation: OperationId;
  hostIds: readonly string[];
  /** The operator already chose to queue the operation for offline hosts. */
  queueForMs: number | undefined;
  onClose: () => void;
}) {
  const hosts = useHosts(hostIds);
  const plan = planOperation(operation, hosts);
  const offers = planOffers(plan);
  const { label, description, confirms } = OPERATIONS[operation];
  const ends = confirms ? endedBy(plan) : [];

  const waiting = canWait(plan);
  const queues = queueForMs !== undefined && waiting.length > 0;
  const main = queues ? [...plan.ready, ...waiting] : plan.ready;

  const [confirm, setConfirm] = useState<boolean | null>(null);
  const { confirm: policy } = useLiveFacts();
  const confirmation = confirmWords(operation, main.length > 0 ? main : hosts, policy, confirm);

  // As when it opened: another label would move the button.
  const [leave] = useState(main.length === 0 && offers.length === 0 && waiting.length === 0 ? 'Close' : 'Cancel');

  const send = (chosen: OperationId, on: readonly HostView[], options: SendOptions = {}) => {
    onClose();
    void sendOperation(
      chosen,
      on.map((host) => host.id),
      hostCount(on),
      confirm === null || !OPERATIONS[chosen].confirmable ? options : { ...options, confirm },
    );
  };

  return (
    <Dialog
      open
      onClose={onClose}
      keepsHeight
      title={`${label}: ${hostCount(hosts)}`}
      description={description}
      footer={
        <>
          <Button onClick={onClose} data-autofocus={confirms || undefined}>
            {leave}
          </Button>
          {/* Its place stays reserved: when a host comes back online, it must not appear where Cancel was. */}
          <Button
            variant={confirms ? 'danger' : 'primary'}
            className={main.length === 0 ? 'invisible' : undefined}
            onClick={() => send(operation, main, queues ? { queueForMs } : {})}
          >
            {main.length <= 1 ? label : `${label} (${main.length})`}
          </Button>
        </>
      }
    >
      {hosts.length > 1 && <p className="font-medium">{planSentence(plan, queues)}</p>}
      {plan.groups.length > 0 && (
        <ul className="mt-3 grid gap-2">
          {plan.groups.map((group) => (
            <Group key={group.code} group={group}>
              {offers
                .filter((offer) => offer.code === group.code)
                .map((offer, i) => (
                  <Button
                    key={offer.label}
                    size="sm"
                    variant={plan.ready.length === 0 && i === 0 ? 'primary' : 'secondary'}
                    onClick={() => send(offer.operation, offer.hosts, { force: offer.force })}
                  >
                    {offer.label}
                  </Button>
                ))}
              {group.code === 'offline' && waiting.length > 0 && !queues && (
                <WaitForm count={waiting.length} onWait={(ms) => send(operation, waiting, { queueForMs: ms })} />
              )}
            </Group>
          ))}
        </ul>
      )}
      {confirmation && (
        <div className="mt-3">
          <ConfirmChoice words={confirmation} onChange={setConfirm} />
        </div>
      )}
      {/* Last: a command that starts or ends meanwhile must not move the buttons above. */}
      {ends.length > 0 && (
        <p className="mt-3 rounded-md bg-warn-soft px-3 py-2.5 text-xs font-medium text-warn">
          This ends running commands: {ends.slice(0, MAX_NAMES).join(', ')}
          {ends.length > MAX_NAMES && ` and ${ends.length - MAX_NAMES} more`}.
        </p>
      )}
    </Dialog>
  );
}

function Group({ group: { code, blocked, hosts }, children }: { group: BlockedGroup; children: ReactNode }) {
  const { summary, details } = blockedHosts(code, blocked.reason, hosts, MAX_NAMES);
  return (
    <li className="rounded-md bg-sunken px-3 py-2.5 text-xs text-muted">
      {hosts.length === 1 ? (
        blocked.reason
      ) : (
        <>
          <span className="font-medium text-ink">{summary}</span> {details}
        </>
      )}
      <div className="mt-2 flex flex-wrap gap-1.5 empty:hidden">{children}</div>
    </li>
  );
}
