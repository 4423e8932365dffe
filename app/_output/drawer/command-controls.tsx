'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { OctagonX, Square, Timer, TimerOff } from 'lucide-react';
import { useState } from 'react';
import { cancelQueued } from '@/app/(fleet)/_operations/cancel';
import { useOperations } from '@/app/(fleet)/_operations/operations-context';
import { useHost } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { toast } from '@/app/_ui/toast-store';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { CommandView, HostView } from '@/lib/protocol/live';
import { extendCommand } from './actions';
import { answered } from './answered';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';

/** Stop while a command runs; more time, or force, when it takes too long. */
export function CommandControls({ command }: { command: CommandView }) {
  const host = useHost(command.hostId);
  if (command.phase === 'queued') return <CancelButton command={command} />;
  // What acts upon others (stop, reboot) can't be stopped itself.
  if (host?.command?.id !== command.id || command.phase === 'ended') return null;
  return (
    <>
      {command.phase === 'warning' && <ExtendButton commandId={command.id} />}
      <ControlButton host={host} operation="stop" />
      {(command.phase === 'warning' || command.phase === 'stopping') && <ControlButton host={host} operation="kill" />}
    </>
  );
}

function CancelButton({ command }: { command: CommandView }) {
  return (
    <Button
      size="sm"
      icon={<TimerOff className="size-3.5" aria-hidden="true" />}
      data-tip="Takes it back before it is sent."
      onClick={() => void cancelQueued(command)}
    >
      Cancel
    </Button>
  );
}

function ControlButton({ host, operation }: { host: HostView; operation: 'stop' | 'kill' }) {
  const { run } = useOperations();
  const { label, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host);
  const Icon = operation === 'stop' ? Square : OctagonX;
  return (
    <Button
      size="sm"
      variant={operation === 'stop' ? 'secondary' : 'danger'}
      icon={<Icon className="size-3.5" aria-hidden="true" />}
      aria-disabled={blocked !== null || undefined}
      data-tip={blocked?.reason ?? description}
      onClick={() => {
        if (!blocked) run(operation, [host.id]);
      }}
    >
      {label}
    </Button>
  );
}

function ExtendButton({ commandId }: { commandId: string }) {
  const [busy, setBusy] = useState(false);
  const extend = async () => {
    setBusy(true);
    const extended = await answered(answerOf(extendCommand({ commandId })));
    setBusy(false);
    if (extended === null) {
      toast({ tone: 'error', title: 'It got no more time', body: 'The dashboard did not answer. Try again.' });
    } else if (!extended) {
      toast({
        tone: 'info',
        title: 'It needs no more time',
        body: 'The command has gone on or ended in the meantime.',
      });
    }
  };
  return (
    <Button
      size="sm"
      variant="primary"
      busy={busy}
      icon={<Timer className="size-3.5" aria-hidden="true" />}
      onClick={() => void extend()}
    >
      Give it 10 more minutes
    </Button>
  );
}
