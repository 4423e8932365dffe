'use client';

import { Check, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { answerOf } from '@/app/_actions/answer-of';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { Dialog } from '@/app/_ui/dialog';
import { toast } from '@/app/_ui/toast-store';
import { answerConfirmation } from './actions';
import { answerBlocked } from './confirmation-words';
import type { ConfirmationView } from '@/lib/protocol/live/views/command-view';

/**
 * Keep now and Revert now. An operator's answer is final: afterwards both are shown as not available. In a row of the large
 * table they are as narrow as the operations whose place they take, and both ask first: they appear where Stop was, perhaps
 * under the pointer.
 */
export function ConfirmationAnswers({
  commandId,
  hostName,
  confirmation,
  inRow = false,
  className,
}: {
  commandId: string;
  hostName: string;
  confirmation: ConfirmationView;
  inRow?: boolean;
  className?: string;
}) {
  const [asks, setAsks] = useState<'keep' | 'revert' | null>(null);
  const [busy, setBusy] = useState(false);
  const blocked = answerBlocked(confirmation);
  const size = cx('max-lg:grow', inRow && 'lg:!px-1.5');
  const iconClass = cx('size-3.5', inRow && 'lg:hidden');

  const send = async (keep: boolean) => {
    setAsks(null);
    setBusy(true);
    const result = await valueOrNull(answerOf(answerConfirmation({ commandId, keep })));
    setBusy(false);
    if (result?.ok === true) return;
    toast({
      tone: 'error',
      title: keep ? 'The new system was not kept' : 'The switch was not reverted',
      body: result?.reason ?? 'The dashboard did not answer. Try again.',
    });
  };

  return (
    <div className={className ?? 'flex gap-2'}>
      <Button
        size="sm"
        className={size}
        icon={<Check className={iconClass} aria-hidden="true" />}
        aria-disabled={blocked !== null || busy || undefined}
        aria-busy={busy || undefined}
        data-tip={blocked ?? 'Keeps the new system now. Checks that have not passed are ignored.'}
        onClick={() => {
          if (blocked !== null || busy) return;
          if (inRow) setAsks('keep');
          else void send(true);
        }}
      >
        Keep now
      </Button>
      <Button
        size="sm"
        variant={inRow ? 'secondary' : 'danger'}
        className={cx(size, inRow && '!text-bad')}
        icon={<Undo2 className={iconClass} aria-hidden="true" />}
        aria-disabled={blocked !== null || busy || undefined}
        aria-busy={busy || undefined}
        data-tip={blocked ?? 'Goes back to the previous system.'}
        onClick={() => {
          if (blocked === null && !busy) setAsks('revert');
        }}
      >
        Revert now
      </Button>
      <Dialog
        open={asks === 'keep'}
        onClose={() => setAsks(null)}
        size="sm"
        title={`Keep the new system on ${hostName}?`}
        description="Checks that have not passed are ignored. The host makes the new system its boot default."
        footer={
          <>
            <Button onClick={() => setAsks(null)} data-autofocus>
              Cancel
            </Button>
            <Button variant="primary" onClick={() => void send(true)}>
              Keep
            </Button>
          </>
        }
      />
      <Dialog
        open={asks === 'revert'}
        onClose={() => setAsks(null)}
        size="sm"
        title={`Revert the switch on ${hostName}?`}
        description="The host activates the previous system again. You can switch again afterwards."
        footer={
          <>
            <Button onClick={() => setAsks(null)} data-autofocus>
              Cancel
            </Button>
            <Button variant="danger" onClick={() => void send(false)}>
              Revert
            </Button>
          </>
        }
      />
    </div>
  );
}
