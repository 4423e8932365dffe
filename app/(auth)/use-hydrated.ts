'use client';

import { useSyncExternalStore } from 'react';

const never = () => () => undefined;

/**
 * True once the page's script runs. A form that is sent before goes nowhere, so its button waits for this; what was
 * written into its fields before stays.
 */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}

/** Puts the cursor into a field, unless somebody writes somewhere already. */
export function focusUnlessBusy(field: HTMLElement | null): void {
  if (document.activeElement === document.body) field?.focus({ preventScroll: true });
}
