'use client';

import { useSearchParams } from 'next/navigation';
import { useMemo } from 'react';
import { filterSearch, parseFilter, type FleetFilter } from './filter';

/**
 * The current filter. It is stored only in the page's address, so that a view can be shared, survives a reload, and
 * follows links and the back button.
 */
export function useFilter(): FleetFilter {
  const params = useSearchParams();
  return useMemo(() => parseFilter(params), [params]);
}

/** Changes a part of the filter in the page's address, without a request to the server. */
export function changeFilter(change: Partial<FleetFilter>): void {
  const { pathname, search } = window.location;
  const next = { ...parseFilter(new URLSearchParams(search)), ...change };
  window.history.replaceState(null, '', `${pathname}${filterSearch(next)}`);
}
