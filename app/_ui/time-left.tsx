'use client';

import { shortAge } from './ages';
import { useNow } from './time-ago';

/** How long it is until a moment, in its largest unit; the tooltip says the moment itself. */
export function TimeLeft({ until }: { until: number }) {
  const text = useNow((now) => {
    const left = shortAge(until - now);
    return left === 'now' ? 'a moment' : left;
  });
  return (
    <time dateTime={new Date(until).toISOString()} data-tip-time={until}>
      {text}
    </time>
  );
}
