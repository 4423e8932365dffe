'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { ArrowUp, ScrollText } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useConnection, useLive } from '@/app/_live/live';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { EmptyState } from '@/app/_ui/empty-state';
import { toast } from '@/app/_ui/toast-store';
import { readEvents } from './actions';
import { filterQuery, matchesFilter, type ActivityFilter } from './activity-filter';
import { EventRow } from './event-row';
import { withNewer, withNewestPage, withOlder } from './event-list';
import type { EventPage } from './event-pages';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/** Scrolled further than this, new events are held back, so that the list does not move under the reader. */
const AT_TOP_PX = 80;

/** The matching events: rendered by the server, updated live, older ones on demand. */
export function ActivityList({ filter, initial }: { filter: ActivityFilter; initial: EventPage }) {
  const { store } = useLive();
  const connection = useConnection();
  const [list, setList] = useState(initial);
  const [waiting, setWaiting] = useState<readonly EventView[]>([]);
  const [loading, setLoading] = useState(false);
  const part = useRef<HTMLDivElement>(null);

  useEffect(
    () =>
      store.subscribeEvents((events) => {
        const matching = events.filter((event) => matchesFilter(event, filter));
        if (matching.length === 0) return;
        if (isBeingRead(part.current)) setWaiting((held) => [...held, ...matching].slice(-1_000));
        else setList((known) => withNewer(known, matching));
      }),
    [store, filter],
  );

  // Events that happened without a connection are not sent again: read them.
  const isLive = connection.kind === 'live';
  useEffect(() => {
    if (!isLive) return;
    let left = false;
    void valueOrNull(answerOf(readEvents({ filter, before: null }))).then((page) => {
      if (!left && page) setList((known) => withNewestPage(known, page));
    });
    return () => {
      left = true;
    };
  }, [isLive, filter]);

  const release = () => {
    setList((known) => withNewer(known, waiting));
    setWaiting([]);
  };

  useEffect(() => {
    if (waiting.length === 0) return;
    const list = part.current;
    const left = () => {
      if (!isBeingRead(list)) release();
    };
    window.addEventListener('scroll', left, { passive: true });
    list?.addEventListener('pointerleave', left);
    return () => {
      window.removeEventListener('scroll', left);
      list?.removeEventListener('pointerleave', left);
    };
  });

  const older = async () => {
    setLoading(true);
    const page = await valueOrNull(answerOf(readEvents({ filter, before: list.next })));
    setLoading(false);
    if (page) setList((known) => withOlder(known, page));
    else toast({ tone: 'error', title: 'Could not load older events', body: 'Try again in a moment.' });
  };

  return (
    <>
      {waiting.length > 0 && (
        <div className="sticky top-16 z-10 flex h-0 justify-center">
          <Button
            size="sm"
            variant="primary"
            icon={<ArrowUp className="size-3.5" aria-hidden="true" />}
            className="rounded-full shadow-pop"
            onClick={() => {
              release();
              window.scrollTo({ top: 0 });
            }}
          >
            {waiting.length} new {waiting.length === 1 ? 'event' : 'events'}
          </Button>
        </div>
      )}
      <div ref={part}>
        <Card flush>
          {list.events.length === 0 ? (
            <NoEvents isFiltered={filterQuery(filter) !== ''} hasMore={list.next !== null} />
          ) : (
            <ul aria-label="Events, newest first">
              {list.events.map((event) => (
                <EventRow key={event.id} event={event} />
              ))}
            </ul>
          )}
        </Card>
      </div>
      <div className="flex justify-center py-4">
        {list.next !== null ? (
          <Button busy={loading} onClick={() => void older()}>
            Show older events
          </Button>
        ) : (
          list.events.length > 0 && <p className="text-xs text-faint">No older events.</p>
        )}
      </div>
    </>
  );
}

/** Whether a new event would move what somebody reads or is about to press. A touch leaves no pointer behind. */
function isBeingRead(list: HTMLElement | null): boolean {
  if (window.scrollY > AT_TOP_PX) return true;
  if (list === null || list.querySelector('li') === null) return false;
  const isUnderPointer = list.matches(':hover') && window.matchMedia('(hover: hover)').matches;
  return isUnderPointer || list.contains(document.activeElement);
}

function NoEvents({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  return (
    <EmptyState
      icon={<ScrollText className="size-5" aria-hidden="true" />}
      title={isFiltered ? 'No matching events' : 'No events yet'}
    >
      {!isFiltered
        ? 'Sign-ins, commands and agent reports appear here as they happen.'
        : hasMore
          ? 'None of the latest events match. Show older events to search further.'
          : 'Try fewer words, all categories or all hosts.'}
    </EmptyState>
  );
}
