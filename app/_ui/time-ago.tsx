'use client';

import { createContext, use, useSyncExternalStore, type ReactNode } from 'react';
import { ageAgo, duration, shortAge } from './ages';
import { onTick, shownNow } from './clock';

const PaintedAt = createContext(0);

/** Tells the parts of a page by which time the server painted it, so that the browser's first paint is the same. */
export function PaintedAtProvider({ at, children }: { at: number; children: ReactNode }) {
  return <PaintedAt value={at}>{children}</PaintedAt>;
}

/**
 * Something that depends on the time now (the dashboard's clock, epoch milliseconds). The component renders again only
 * when the outcome changes, so it should be as coarse as what is shown.
 */
export function useNow<T extends string | number | boolean>(select: (now: number) => T): T {
  const paintedAt = use(PaintedAt);
  return useSyncExternalStore(
    onTick,
    () => select(shownNow()),
    () => select(paintedAt),
  );
}

/** How long ago something was; the tooltip says the moment itself. */
export function TimeAgo({ at, short = false, className }: { at: number; short?: boolean; className?: string }) {
  const text = useNow((now) => (short ? shortAge(now - at) : ageAgo(now - at)));
  return (
    <time dateTime={new Date(at).toISOString()} data-tip-time={at} className={className}>
      {text}
    </time>
  );
}

/** How long something has been going on. */
export function Elapsed({ since, className }: { since: number; className?: string }) {
  const text = useNow((now) => duration(now - since));
  return (
    <time data-tip-time={since} className={className}>
      {text}
    </time>
  );
}
