'use client';

import { useHost } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { STATUS_WORD, StatusMark } from '@/app/_ui/status-mark';
import { TimeAgo } from '@/app/_ui/time-ago';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { checkedAtOf, COMPARTMENT_WORDS, usesRebuild } from '../_fleet/facts';
import { useOperations } from './operations-context';
import { isPossible } from './plan';
import { serverNow } from '@/app/_ui/clock';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import type { CompartmentName } from '@/lib/protocol/compartment-names';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** The operation that checks a compartment again. */
const CHECKS: Record<CompartmentName, OperationId> = {
  agent: 'check-version',
  git: 'refresh-git',
  lock: 'refresh-lock',
  system: 'refresh-system',
  tests: 'test',
};

/** One compartment of a host: its status, its age, the operation that would fix it, and a new check. */
export function CompartmentDialog({
  hostId,
  compartment,
  onClose,
}: {
  hostId: string;
  compartment: CompartmentName;
  onClose: () => void;
}) {
  const host = useHost(hostId);
  if (!host) return null;
  const { status, message, next } = host.compartments[compartment];
  const checkedAt = checkedAtOf(host, compartment);
  const words = COMPARTMENT_WORDS[compartment];
  const steps = [...new Set([CHECKS[compartment], ...(next === null ? [] : [next])])];
  return (
    <Dialog
      open
      onClose={onClose}
      keepsHeight
      size="sm"
      title={`${words.title} on ${host.name}`}
      description={words.about}
      footer={steps.map((operation) => (
        <Step key={operation} operation={operation} host={host} main={operation === next} />
      ))}
    >
      <div className="flex items-start gap-3 rounded-md bg-sunken px-3 py-2.5">
        <StatusMark status={status} className="mt-0.5" />
        <div className="min-w-0">
          <p className="font-medium">{STATUS_WORD[status]}</p>
          {message !== '' && <p className="mt-0.5 text-muted">{message}</p>}
          <p className="mt-1 text-xs text-faint">
            {checkedAt === null ? (
              'Not checked yet.'
            ) : (
              <>
                As of <TimeAgo at={checkedAt} />.
              </>
            )}
          </p>
        </div>
      </div>
      {(compartment === 'agent' || compartment === 'system') && usesRebuild(host) && (
        <p className="mt-2 text-xs text-muted">
          This host switches with nixos-rebuild, which reports only an exit code; if a switch restarts the agent, its
          result can be lost. The NixOS module of this version installs nixfleet-root, which avoids both.
        </p>
      )}
      {steps.map((operation) => {
        const blocked = checkOperation(OPERATIONS[operation], host, serverNow());
        return (
          blocked && (
            <p key={operation} className="mt-2 text-xs text-muted">
              {OPERATIONS[operation].label}: {blocked.reason}
            </p>
          )
        );
      })}
    </Dialog>
  );
}

function Step({ operation, host, main }: { operation: OperationId; host: HostView; main: boolean }) {
  const { run } = useOperations();
  const { label, description } = OPERATIONS[operation];
  return (
    <Button
      variant={main ? 'primary' : 'secondary'}
      disabled={!isPossible(operation, host)}
      data-tip={description}
      data-autofocus={main || undefined}
      onClick={() => run(operation, [host.id])}
    >
      {label}
    </Button>
  );
}
