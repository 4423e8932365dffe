'use client';

import { useNow } from '@/app/_ui/time-ago';
import { countdown } from './confirmation-words';

/** The time until a host goes back by itself, by the clock that all ages of a page share. */
export function Countdown({ endsAt }: { endsAt: number }) {
  const left = useNow((now) => countdown(endsAt, now));
  return (
    <time dateTime={new Date(endsAt).toISOString()} className="tabular-nums" data-testid="countdown">
      {left}
    </time>
  );
}
