'use client';

import { shortAge } from './ages';
import { useNow } from './time-ago';

/** The time left until a moment, in its largest unit; the tooltip shows the exact time. */
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
