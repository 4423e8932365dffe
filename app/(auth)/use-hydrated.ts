'use client';

import { useSyncExternalStore } from 'react';

const never = () => () => undefined;

/**
 * True once the page's script runs. A form submitted earlier would go nowhere, so its button is disabled until then;
 * text entered earlier is kept.
 */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}

/** Focuses a field, unless another element already has the focus. */
export function focusUnlessBusy(field: HTMLElement | null): void {
  if (document.activeElement === document.body) field?.focus({ preventScroll: true });
}
