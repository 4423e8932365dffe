'use client';

import { useSyncExternalStore } from 'react';

/** Where the rail becomes a bottom bar, the drawer becomes a sheet: Tailwind's `md`. */
const PHONE = '(width < 48rem)';

export function useIsPhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(PHONE);
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => window.matchMedia(PHONE).matches,
    () => false,
  );
}
