'use client';

import { useSyncExternalStore } from 'react';

/** Inner height of the window in CSS pixels; 0 on the server. */
export function useWindowHeight(): number {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener('resize', listener);
      return () => window.removeEventListener('resize', listener);
    },
    () => window.innerHeight,
    () => 0,
  );
}
