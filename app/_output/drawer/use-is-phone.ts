'use client';

import { useSyncExternalStore } from 'react';

/** Below Tailwind's `md`, where the navigation is at the bottom and the drawer is a sheet. */
const PHONE = '(width < 48rem)';

/** Whether the screen is a phone's now. Browser only. */
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
