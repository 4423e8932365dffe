'use client';

import { useEffect, useReducer, useState } from 'react';
import { nextFrame } from './frame';
import type { OutputFeed } from '../feed/output-feed';
import { OutputSearch, searchPattern, type OutputMatch } from '../text/output-search';

/** Rows searched per frame: some milliseconds. */
const ROWS_A_FRAME = 10_000;

export interface SearchView {
  query: string;
  setQuery: (query: string) => void;
  pattern: RegExp | null;
  count: number;
  /** True when there are more matches than are counted. */
  isFull: boolean;
  /** The number of the current match, from 1; 0 for none. */
  number: number;
  current: OutputMatch | null;
  /** Moves to the next match (1) or the previous one (-1), wrapping around. */
  step: (by: 1 | -1) => void;
}

/** Searches a feed as its lines arrive. */
export function useSearch(feed: OutputFeed): SearchView {
  const [query, setText] = useState('');
  const [search, setSearch] = useState(() => new OutputSearch(''));
  const [current, setCurrent] = useState<OutputMatch | null>(null);
  const [, rerender] = useReducer((count: number) => count + 1, 0);

  useEffect(() => {
    if (search.query === '') return;
    let cancel: (() => void) | null = null;
    const plan = () => {
      cancel ??= nextFrame(scan);
    };
    const scan = () => {
      cancel = null;
      const before = search.matches.length;
      const done = search.scan(feed.buffer, ROWS_A_FRAME);
      if (search.matches.length !== before) rerender();
      if (!done) plan();
    };
    plan();
    const unsubscribe = feed.subscribe(plan);
    return () => {
      unsubscribe();
      cancel?.();
    };
  }, [search, feed]);

  const { matches } = search;
  const index = current
    ? matches.findIndex((match) => match.position === current.position && match.start === current.start)
    : -1;
  return {
    query,
    setQuery: (next) => {
      setText(next);
      setSearch(new OutputSearch(next));
      setCurrent(null);
    },
    pattern: searchPattern(query),
    count: matches.length,
    isFull: search.isFull,
    number: index + 1,
    current,
    step: (by) => {
      if (matches.length === 0) return;
      // Without a current match, going back starts at the last one, which is nearest to the end.
      const next = index < 0 ? (by === 1 ? 0 : matches.length - 1) : (index + by + matches.length) % matches.length;
      setCurrent(matches[next] ?? null);
    },
  };
}
