'use client';

import { CircleCheck, Info, OctagonX, SquareTerminal, TriangleAlert } from 'lucide-react';
import { memo } from 'react';
import { useHost, useLive } from '@/app/_live/live';
import { newestCommand, openOutput } from '@/app/_output/drawer/open-output';
import { cx } from '@/app/_ui/cx';
import { IconButton } from '@/app/_ui/icon-button';
import { TimeAgo } from '@/app/_ui/time-ago';
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import type { EventLevel } from '@/lib/protocol/event-categories';
import type { EventView } from '@/lib/protocol/live/views/event-view';

const LEVELS: Record<EventLevel, { Icon: typeof Info; className: string; word: string }> = {
  info: { Icon: Info, className: 'text-faint', word: 'Information' },
  success: { Icon: CircleCheck, className: 'text-ok', word: 'Success' },
  warning: { Icon: TriangleAlert, className: 'text-warn', word: 'Warning' },
  error: { Icon: OctagonX, className: 'text-bad', word: 'Error' },
};

/** One event: severity, message, host, actor with address, time. */
export const EventRow = memo(function EventRow({ event }: { event: EventView }) {
  const { Icon, className, word } = LEVELS[event.level];
  // The host is shown beside it.
  const actor = event.actor === `agent ${event.hostName}` ? 'agent' : event.actor;
  return (
    <li
      data-testid="event"
      data-action={event.action}
      className={cx(
        'grid grid-cols-[1rem_minmax(0,1fr)_auto] items-start gap-x-3 gap-y-0.5 border-t px-4 py-2 first:border-t-0',
        'md:min-h-11 md:grid-cols-[1rem_minmax(0,1fr)_9rem_13rem_5rem_2rem] md:items-center',
      )}
    >
      <Icon aria-hidden="true" className={cx('mt-0.5 size-4 md:mt-0', className)} />
      <p className="min-w-0 text-sm text-pretty" data-tip={event.action}>
        <span className="sr-only">{word}: </span>
        {eventSentence(event)}
      </p>
      <span className="one-line text-xs text-muted max-md:hidden">{event.hostName}</span>
      <span className="min-w-0 text-xs text-muted max-md:col-start-2 md:flex md:gap-2">
        {event.hostName !== '' && <span className="md:hidden">{event.hostName} · </span>}
        <span className="one-line">{actor}</span>
        {event.address !== '' && <span className="one-line text-faint"> {event.address}</span>}
        <TimeAgo at={event.at} className="text-faint before:content-['_·_'] md:hidden" />
      </span>
      <TimeAgo at={event.at} className="text-right text-xs text-faint max-md:hidden" />
      <span className="flex justify-end max-md:col-start-3 max-md:row-span-2 max-md:row-start-1 max-md:self-center">
        <OutputButton event={event} />
      </span>
    </li>
  );
});

/** Opens the output of the event's command, if its host still exists. */
function OutputButton({ event }: { event: EventView }) {
  const { store } = useLive();
  const { hostId, commandId } = event;
  const hostExists = useHost(hostId ?? '') !== null;
  if (hostId === null || commandId === null || !hostExists) return null;
  const open = () => {
    const host = store.get().byId.get(hostId);
    const pinned = host !== undefined && newestCommand(host)?.id !== commandId;
    openOutput({ hostId, commandId, pinned, focus: true });
  };
  return (
    <IconButton size="sm" label="Show output" onClick={open}>
      <SquareTerminal className="size-4" aria-hidden="true" />
    </IconButton>
  );
}
