'use client';

import { ConfirmationAnswers } from './confirmation-answers';
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
  const { stage, endsAt, system, previous } = confirmation;
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
          <ConfirmationAnswers commandId={command.id} hostName={hostName} confirmation={confirmation} />
        )}
      </div>
      <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-2.5 gap-y-0.5 text-muted lg:flex lg:flex-wrap">
        <dt>New system</dt>
        <dd className="min-w-0 font-mono break-words lg:mr-4">{systemName(system)}</dd>
        <dt>Previous system</dt>
        <dd className="min-w-0 font-mono break-words">{systemName(previous)}</dd>
      </dl>
      <ConfirmationChecks checks={confirmation.checks} />
    </div>
  );
}
