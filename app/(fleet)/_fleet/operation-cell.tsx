'use client';

import { CircleCheck, CircleMinus, CircleX, Hourglass, TriangleAlert, Undo2 } from 'lucide-react';
import { memo } from 'react';
import { hasSameHost } from './same-host';
import { commandWord, type CommandWord } from '@/app/_output/drawer/command-words';
import { ConfirmationMarks } from '@/app/_output/drawer/confirmation-marks';
import { confirmationSentence } from '@/app/_output/drawer/confirmation-words';
import { Countdown } from '@/app/_output/drawer/countdown';
import { openOutput } from '@/app/_output/drawer/open-output';
import { duration } from '@/app/_ui/ages';
import { cx } from '@/app/_ui/cx';
import { Progress } from '@/app/_ui/progress';
import { Spinner } from '@/app/_ui/spinner';
import { Elapsed, TimeAgo } from '@/app/_ui/time-ago';
import { labelOf, OPERATION_WORDS } from '@/lib/fleet/operations/operation-words';
import { activity, hasProgress, shortReason } from './facts';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const BUTTON = 'block w-full rounded-md px-2 py-1 text-left text-xs hover:bg-hover pointer-coarse:py-2';

/** The host's running command, or its last one. A click opens the output. */
export const OperationCell = memo(function OperationCell({ host }: { host: HostView }) {
  const running = host.control ?? host.command ?? host.dashboardCommand;
  return (
    <div role="cell" className="min-w-0 [grid-area:op] max-lg:-mx-2 max-lg:min-h-11 max-lg:pointer-coarse:min-h-13">
      {running ? (
        <Running command={running} />
      ) : host.foreignCommand !== '' ? (
        <p
          className="one-line px-2 text-xs text-busy"
          data-tip={`Not started from this dashboard\nThe agent reports that it is running “${host.foreignCommand}”.`}
        >
          Running “{host.foreignCommand}”
        </p>
      ) : host.queue[0] ? (
        <Queued command={host.queue[0]} more={host.queue.length - 1} />
      ) : host.lastCommand ? (
        <Ended command={host.lastCommand} />
      ) : (
        <p className="px-2 text-xs text-faint">
          <span aria-hidden="true" className="max-lg:hidden">
            –
          </span>
          <span className="lg:sr-only">No operations yet</span>
        </p>
      )}
    </div>
  );
}, hasSameHost);

function Running({ command }: { command: CommandView }) {
  const label = labelOf(command);
  const { progress, phase } = command;
  const doing = activity(command);
  const counted = progress !== null && hasProgress(progress);
  const slow = phase === 'warning';
  const { confirmation } = command;
  const isConfirming = phase === 'confirming' && confirmation !== null;
  const detail = isConfirming
    ? confirmationSentence(command, confirmation)
    : command.reason === ''
      ? `Started by ${command.by}.`
      : command.reason;
  return (
    <button
      type="button"
      className={BUTTON}
      data-tip={`${label}: ${doing}\n${detail}`}
      data-tip-next="Click to view the output."
      onClick={() => openOutput({ hostId: command.hostId, commandId: command.id, focus: true })}
    >
      <span className="flex items-center gap-1.5">
        {slow ? (
          <TriangleAlert className="size-3.5 shrink-0 text-warn" aria-hidden="true" />
        ) : (
          <Spinner size="sm" className="shrink-0 text-busy" />
        )}
        <span className="one-line">
          <span className="font-medium text-ink">{label}</span>{' '}
          <span className={slow ? 'text-warn' : 'text-muted'}>
            {doing}
            {isConfirming && confirmation.endsAt !== null && (
              <>
                {' '}
                <Countdown endsAt={confirmation.endsAt} />
              </>
            )}
          </span>
        </span>
        <Elapsed since={command.startedAt ?? command.createdAt} className="ml-auto shrink-0 text-faint" />
      </span>
      {isConfirming ? (
        <ConfirmationMarks confirmation={confirmation} className="mt-0.5 pl-5" />
      ) : (
        <Progress
          label={`Progress of the ${OPERATION_WORDS[command.operation].noun}`}
          value={counted ? progress.current : null}
          max={counted ? progress.total : 1}
          text={doing}
          tone={slow ? 'warn' : 'busy'}
          className="mt-1.5"
        />
      )}
    </button>
  );
}

/** A command that waits for its host to reconnect. A click opens it, where it can be cancelled. */
function Queued({ command, more }: { command: CommandView; more: number }) {
  const label = labelOf(command);
  return (
    <button
      type="button"
      className={BUTTON}
      data-tip={`${label}: queued\nIt will be sent when the host is back online. Requested by ${command.by}.`}
      data-tip-next="Click to view or cancel it."
      onClick={() => openOutput({ hostId: command.hostId, commandId: command.id, focus: true })}
    >
      <span className="flex items-center gap-1.5">
        <Hourglass className="size-3.5 shrink-0 text-faint" aria-hidden="true" />
        <span className="one-line text-muted">
          {label}: queued{more > 0 && `, and ${more} more`}
        </span>
        <TimeAgo at={command.createdAt} short className="ml-auto shrink-0 text-faint" />
      </span>
    </button>
  );
}

const SIGNS: Record<CommandWord['tone'], { Icon: typeof CircleCheck; className: string }> = {
  ok: { Icon: CircleCheck, className: 'text-ok' },
  warn: { Icon: TriangleAlert, className: 'text-warn' },
  bad: { Icon: CircleX, className: 'text-bad' },
  back: { Icon: Undo2, className: 'text-warn' },
  busy: { Icon: CircleMinus, className: 'text-busy' },
  idle: { Icon: CircleMinus, className: 'text-faint' },
};

const WORD_COLORS: Partial<Record<CommandWord['tone'], string>> = { bad: 'text-bad', back: 'text-warn' };

function Ended({ command }: { command: CommandView }) {
  const label = labelOf(command);
  const { word, tone } = commandWord(command);
  const { Icon, className } = SIGNS[tone];
  const why = shortReason(command);
  const took =
    command.startedAt !== null && command.endedAt !== null
      ? ` after ${duration(command.endedAt - command.startedAt)}`
      : '';
  return (
    <button
      type="button"
      className={BUTTON}
      data-tip={`${label}: ${word.toLowerCase()}${took}\n${command.reason}`.trimEnd()}
      data-tip-next="Click to view the output."
      onClick={() => openOutput({ hostId: command.hostId, commandId: command.id, focus: true })}
    >
      <span className="flex items-center gap-1.5">
        <Icon className={cx('size-3.5 shrink-0', className)} aria-hidden="true" />
        <span className="one-line text-muted">
          {label}: <span className={WORD_COLORS[tone]}>{word.toLowerCase()}</span>
        </span>
        {command.endedAt !== null && <TimeAgo at={command.endedAt} short className="ml-auto shrink-0 text-faint" />}
      </span>
      {why !== '' && <span className="one-line mt-0.5 block pl-5 text-2xs text-faint">{why}</span>}
    </button>
  );
}
