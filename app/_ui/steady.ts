'use client';

import { useEffect, useState, type PointerEvent } from 'react';

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

interface Kept<T> {
  value: T;
  /** The element that the pointer is over. */
  over: Element;
}

/**
 * `value` as it was when a pointer came over an element, while the pointer stays there or in a menu that was opened from
 * it; null otherwise. `over` is for that element. `keep` takes the value as it is now. A touch leaves no pointer behind.
 */
export function useKept<T>(value: T): {
  kept: T | null;
  keep: () => void;
  over: PointerListeners;
} {
  const [kept, setKept] = useState<Kept<T> | null>(null);
  const element = kept?.over ?? null;
  // Not by the element's leave event: there is none when a dialog that covered it has closed.
  useEffect(() => {
    if (element === null) return;
    const release = () => setKept(null);
    const moved = ({ target }: Event) => {
      if (target instanceof Element && !element.contains(target) && !target.closest('[role="menu"]')) release();
    };
    document.addEventListener('pointerover', moved);
    document.documentElement.addEventListener('mouseleave', release);
    return () => {
      document.removeEventListener('pointerover', moved);
      document.documentElement.removeEventListener('mouseleave', release);
    };
  }, [element]);
  const start = ({ currentTarget, pointerType }: PointerEvent) => {
    if (kept === null && pointerType !== 'touch') setKept({ value, over: currentTarget });
  };
  return {
    kept: kept === null ? null : kept.value,
    keep: () => setKept((known) => known && { ...known, value }),
    over: { onPointerEnter: start, onPointerMove: start },
  };
}

export interface PointerListeners {
  onPointerEnter: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
}
