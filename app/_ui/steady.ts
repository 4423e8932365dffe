'use client';

import { useState } from 'react';

export interface SteadyRow<T> {
  item: T;
  /** It is no longer in the list, and is shown until the pointer leaves so that the rows below stay in place. */
  isGone: boolean;
}

/**
 * The rows of a list whose places are kept: those of `kept` in their order, each as it is now, and how many of `now` are
 * not among them. Without `kept`: those of `now`.
 */
export function steadyRows<T>(
  kept: readonly T[] | null,
  now: readonly T[],
  keyOf: (item: T) => string,
): { rows: SteadyRow<T>[]; arrived: number } {
  if (kept === null) return { rows: now.map((item) => ({ item, isGone: false })), arrived: 0 };
  const current = new Map(now.map((item) => [keyOf(item), item]));
  const rows = kept.map((item) => {
    const known = current.get(keyOf(item));
    return { item: known ?? item, isGone: known === undefined };
  });
  const shown = new Set(kept.map(keyOf));
  return { rows, arrived: now.filter((item) => !shown.has(keyOf(item))).length };
}

/**
 * `value` as it was when a pointer came over an element, while the pointer stays there; null otherwise. `over` is for that
 * element. `keep` takes the value as it is now.
 */
export function useKept<T>(value: T): {
  kept: T | null;
  keep: () => void;
  over: { onPointerEnter: () => void; onPointerLeave: () => void };
} {
  const [kept, setKept] = useState<{ value: T } | null>(null);
  const keep = () => setKept({ value });
  return {
    kept: kept === null ? null : kept.value,
    keep,
    over: { onPointerEnter: keep, onPointerLeave: () => setKept(null) },
  };
}
