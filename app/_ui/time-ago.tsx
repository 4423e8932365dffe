'use client';

import { createContext, use, useSyncExternalStore, type ReactNode } from 'react';
import { ageAgo, duration, shortAge } from './ages';
import { onTick, shownNow } from './clock';

const RenderedAt = createContext(0);

/** Provides the time at which the server rendered the page, so that hydration renders the same. */
export function RenderedAtProvider({ at, children }: { at: number; children: ReactNode }) {
  return <RenderedAt value={at}>{children}</RenderedAt>;
}

/**
 * A value that depends on the current time (the dashboard's clock, epoch milliseconds). The component renders again only
 * when the value changes, so it should be as coarse as the text that is shown.
 */
export function useNow<T extends string | number | boolean>(select: (now: number) => T): T {
  const renderedAt = use(RenderedAt);
  return useSyncExternalStore(
    onTick,
    () => select(shownNow()),
    () => select(renderedAt),
  );
}

/** How long ago something was; the tooltip shows the exact time. */
export function TimeAgo({ at, short = false, className }: { at: number; short?: boolean; className?: string }) {
  const text = useNow((now) => (short ? shortAge(now - at) : ageAgo(now - at)));
  return (
    <time dateTime={new Date(at).toISOString()} data-tip-time={at} className={className}>
      {text}
    </time>
  );
}

/** How long something has been running. */
export function Elapsed({ since, className }: { since: number; className?: string }) {
  const text = useNow((now) => duration(now - since));
  return (
    <time data-tip-time={since} className={className}>
      {text}
    </time>
  );
}
