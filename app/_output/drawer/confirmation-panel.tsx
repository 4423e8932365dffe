'use client';

import { Check, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { answerOf } from '@/app/_actions/answer-of';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { toast } from '@/app/_ui/toast-store';
import { answerConfirmation } from './actions';
import { ConfirmationChecks } from './confirmation-checks';
import { ConfirmationMarks } from './confirmation-marks';
import { confirmationSentence, systemName } from './confirmation-words';
import { Countdown } from './countdown';
import type { CommandView, ConfirmationView } from '@/lib/protocol/live/views/command-view';

/** A confirmed switch: how long its host still waits, its checks, both systems, and the operator's answers. */
export function ConfirmationPanel({
  command,
  confirmation,
  hostName,
}: {
  command: CommandView;
  confirmation: ConfirmationView;
  hostName: string;
}) {
  const { stage, endsAt, answer, system, previous } = confirmation;
  const isOpen = command.phase === 'confirming';
  const isCounting = isOpen && endsAt !== null && (stage === 'activating' || stage === 'waiting');
  return (
    <div
      role="region"
      aria-label="Confirmation of the switch"
      data-testid="confirmation"
      data-stage={stage}
      // Its content may be higher than its place.
      tabIndex={0}
      className="thin-scrollbar max-h-[45%] shrink-0 overflow-y-auto border-b px-4 py-2 text-xs focus-visible:-outline-offset-2"
    >
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="grid gap-1">
          <p className="font-medium text-ink">
            {confirmationSentence(command, confirmation)}
            {isCounting && (
              <span className="font-normal text-muted">
                {' '}
                It goes back by itself in <Countdown endsAt={endsAt} />.
              </span>
            )}
          </p>
          {isOpen && <ConfirmationMarks confirmation={confirmation} />}
        </div>
        {isOpen && (stage === 'activating' || stage === 'waiting') && (
          <Answers commandId={command.id} hostName={hostName} answer={answer} />
        )}
      </div>
      <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-2.5 gap-y-0.5 text-muted lg:flex lg:flex-wrap">
        <dt>New system</dt>
        <dd className="min-w-0 font-mono break-words lg:mr-4">{systemName(system)}</dd>
        <dt>System before</dt>
        <dd className="min-w-0 font-mono break-words">{systemName(previous)}</dd>
      </dl>
      <ConfirmationChecks checks={confirmation.checks} />
    </div>
  );
}

/** Keep now and Revert now. An operator's answer is final: afterwards both are shown as not available. */
function Answers({
  commandId,
  hostName,
  answer,
}: {
  commandId: string;
  hostName: string;
  answer: ConfirmationView['answer'];
}) {
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const given = answer !== null && answer.by !== '' ? `${answer.by} has answered already.` : null;

  const send = async (keep: boolean) => {
    setAsks(false);
    setBusy(true);
    const result = await valueOrNull(answerOf(answerConfirmation({ commandId, keep })));
    setBusy(false);
    if (result?.ok === true) return;
    toast({
      tone: 'error',
      title: keep ? 'The new system was not kept' : 'The switch was not taken back',
      body: result?.reason ?? 'The dashboard did not answer. Try again.',
    });
  };

  return (
    <div className="flex gap-2">
      <Button
        size="sm"
        busy={busy}
        icon={<Check className="size-3.5" aria-hidden="true" />}
        aria-disabled={given !== null || undefined}
        data-tip={given ?? 'Keeps the new system now. Checks that have not passed are ignored.'}
        onClick={() => {
          if (given === null) void send(true);
        }}
      >
        Keep now
      </Button>
      <Button
        size="sm"
        variant="danger"
        busy={busy}
        icon={<Undo2 className="size-3.5" aria-hidden="true" />}
        aria-disabled={given !== null || undefined}
        data-tip={given ?? 'Goes back to the system before the switch.'}
        onClick={() => {
          if (given === null) setAsks(true);
        }}
      >
        Revert now
      </Button>
      <Dialog
        open={asks}
        onClose={() => setAsks(false)}
        size="sm"
        title={`Revert the switch on ${hostName}?`}
        description="The host activates the system before the switch again. This can’t be undone, but you can switch again."
        footer={
          <>
            <Button onClick={() => setAsks(false)} data-autofocus>
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
