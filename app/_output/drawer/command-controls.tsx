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
import { extendCommand } from './actions';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { serverNow } from '@/app/_ui/clock';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Stop while a command is running; an extended deadline, or Kill, when it is overdue. */
export function CommandControls({ command }: { command: CommandView }) {
  const host = useHost(command.hostId);
  if (command.phase === 'queued') return <CancelButton command={command} />;
  // Commands that act on others (stop, reboot) can't be stopped.
  // A confirmed switch can't be stopped either: its panel has the answers.
  if (host?.command?.id !== command.id || command.phase === 'ended' || command.phase === 'confirming') return null;
  return (
    <>
      {/* At the right edge, Stop comes last: the others may not move it under the pointer. */}
      {command.phase === 'warning' && <ExtendButton commandId={command.id} />}
      {(command.phase === 'warning' || command.phase === 'stopping') && <ControlButton host={host} operation="kill" />}
      <ControlButton host={host} operation="stop" />
    </>
  );
}

function CancelButton({ command }: { command: CommandView }) {
  return (
    <Button
      size="sm"
      icon={<TimerOff className="size-3.5" aria-hidden="true" />}
      data-tip="Cancels the command before it is sent."
      onClick={() => void cancelQueued(command)}
    >
      Cancel
    </Button>
  );
}

function ControlButton({ host, operation }: { host: HostView; operation: 'stop' | 'kill' }) {
  const { run } = useOperations();
  const { label, description } = OPERATIONS[operation];
  const blocked = checkOperation(OPERATIONS[operation], host, serverNow());
  const Icon = operation === 'stop' ? Square : OctagonX;
  return (
    <Button
      size="sm"
      variant={operation === 'stop' ? 'secondary' : 'danger'}
      icon={<Icon className="size-3.5" aria-hidden="true" />}
      aria-disabled={(blocked !== null && !blocked.forceable) || undefined}
      data-tip={blocked?.reason ?? description}
      onClick={() => {
        if (!blocked || blocked.forceable) run(operation, [host.id]);
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
    const extended = await valueOrNull(answerOf(extendCommand({ commandId })));
    setBusy(false);
    if (extended === null) {
      toast({
        tone: 'error',
        title: 'The deadline was not extended',
        body: 'The dashboard did not answer. Try again.',
      });
    } else if (!extended) {
      toast({
        tone: 'info',
        title: 'The deadline was not extended',
        body: 'The command has ended or is no longer overdue.',
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
      Extend by 10 minutes
    </Button>
  );
}
