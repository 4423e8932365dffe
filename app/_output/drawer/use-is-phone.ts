'use client';

import { useSyncExternalStore } from 'react';

/** Where the rail becomes a bottom bar, the drawer becomes a sheet: Tailwind's `md`. */
const PHONE = '(width < 48rem)';

/** Whether the screen is a phone's now; for a decision at one moment, in the browser. */
export const isPhone = () => window.matchMedia(PHONE).matches;

export function useIsPhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(PHONE);
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    isPhone,
    () => false,
  );
}
