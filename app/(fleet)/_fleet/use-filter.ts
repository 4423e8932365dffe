'use client';

import { useSearchParams } from 'next/navigation';
import { useMemo } from 'react';
import { filterSearch, parseFilter, type FleetFilter } from './filter';

/**
 * The filter. The page's address alone holds it, so that a view can be shared, survives a reload, and follows links
 * and the browser's way back.
 */
export function useFilter(): FleetFilter {
  const params = useSearchParams();
  return useMemo(() => parseFilter(params), [params]);
}

/** Changes a part of the filter in the page's address. Asks no server for it. */
export function changeFilter(change: Partial<FleetFilter>): void {
  const { pathname, search } = window.location;
  const next = { ...parseFilter(new URLSearchParams(search)), ...change };
  window.history.replaceState(null, '', `${pathname}${filterSearch(next)}`);
}
