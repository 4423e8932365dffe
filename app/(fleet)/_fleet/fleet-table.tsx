'use client';

import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { cx } from '@/app/_ui/cx';
import type { PointerListeners } from '@/app/_ui/steady';
import { COMPARTMENT_WORDS } from './facts';
import type { FleetFilter, SortKey } from './filter';
import { HostRow } from './host-row';
import type { Selection } from './selection';
import { COMPARTMENT_NAMES } from '@/lib/protocol/compartment-names';

/** Above this many rows, only those in view are rendered. */
const VIRTUAL_FROM = 100;
/** Rows that the server renders of a large fleet. */
const FIRST_ROWS = 50;
const ROW_PX = 53;
const OVERSCAN = 6;

export interface FleetTableProps {
  /** Hosts in order. */
  ids: readonly string[];
  selection: Selection;
  filter: FleetFilter;
  onSort: (key: SortKey) => void;
  /** Listeners for the pointer over the rows. */
  over: PointerListeners;
}

export function FleetTable({ ids, selection, filter, onSort, over }: FleetTableProps) {
  return (
    <div
      role="table"
      aria-label="Hosts"
      aria-rowcount={ids.length + 1}
      className="lg:rounded-lg lg:border lg:bg-surface lg:shadow-card"
    >
      <Head ids={ids} selection={selection} filter={filter} onSort={onSort} />
      {ids.length > VIRTUAL_FROM ? (
        <VirtualRows ids={ids} selection={selection} over={over} />
      ) : (
        <div role="rowgroup" className="lg:overflow-hidden lg:rounded-b-lg" {...over}>
          {ids.map((id, i) => (
            <HostRow key={id} id={id} rowIndex={i + 2} selection={selection} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Rows of a large fleet: the server renders the first ones, the browser those in view between two spacers. */
function VirtualRows({ ids, selection, over }: Pick<FleetTableProps, 'ids' | 'selection' | 'over'>) {
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState<number | null>(null);
  useEffect(() => {
    const measure = () => {
      if (body.current) setTop(body.current.getBoundingClientRect().top + window.scrollY);
    };
    measure();
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count: ids.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: top ?? 0,
    getItemKey: (index) => ids[index] ?? index,
  });

  const items = top === null ? [] : virtualizer.getVirtualItems();
  const shown = top === null ? ids.slice(0, FIRST_ROWS).map((_, i) => i) : items.map((item) => item.index);
  const before = (items[0]?.start ?? 0) - (items.length > 0 ? (top ?? 0) : 0);
  const after = top === null ? 0 : virtualizer.getTotalSize() - ((items.at(-1)?.end ?? top) - top);
  return (
    <div ref={body} role="rowgroup" className="lg:overflow-hidden lg:rounded-b-lg" {...over}>
      <Spacer height={before} />
      {shown.map((index) => {
        const id = ids[index];
        return (
          id !== undefined && (
            <HostRow key={id} id={id} rowIndex={index + 2} selection={selection} measure={virtualizer.measureElement} />
          )
        );
      })}
      <Spacer height={after} />
    </div>
  );
}

/** The space of rows that are not rendered. An SVG, because the content security policy forbids a style on the first paint. */
function Spacer({ height }: { height: number }) {
  return height > 0 ? <svg aria-hidden="true" width="1" height={Math.round(height)} className="block" /> : null;
}

const HEAD = 'flex items-center text-2xs font-medium text-faint';

function Head({ ids, selection, filter, onSort }: Pick<FleetTableProps, 'ids' | 'selection' | 'filter' | 'onSort'>) {
  const sortable = { filter, onSort };
  return (
    <div role="rowgroup" className="sticky top-14 z-10 max-lg:hidden">
      <div role="row" aria-rowindex={1} className="fleet-row !min-h-9 rounded-t-lg border-b bg-surface">
        <div role="columnheader" className="[grid-area:sel]">
          <SelectAll ids={ids} selection={selection} />
        </div>
        <Sort {...sortable} by="name" className="[grid-area:name]">
          Host
        </Sort>
        <div className="grid grid-cols-5 [grid-area:comps]">
          {COMPARTMENT_NAMES.map((name) => (
            <Sort key={name} {...sortable} by={name} className="justify-center">
              {COMPARTMENT_WORDS[name].title}
            </Sort>
          ))}
        </div>
        <Sort {...sortable} by="operation" className="px-2 [grid-area:op]">
          Operation
        </Sort>
        <div className="grid grid-cols-3 gap-3 px-3 [grid-area:metrics] max-xl:hidden">
          <Sort {...sortable} by="cpu" className="justify-end">
            CPU
          </Sort>
          <Sort {...sortable} by="ram" className="justify-end">
            Memory
          </Sort>
          <Sort {...sortable} by="load" className="justify-end">
            Load
          </Sort>
        </div>
        <div className="grid grid-cols-2 [grid-area:vers] max-xl:hidden">
          <Sort {...sortable} by="version">
            Version
          </Sort>
          <Sort {...sortable} by="generation">
            Commit
          </Sort>
        </div>
        <Sort {...sortable} by="seen" className="justify-end [grid-area:seen] lg:pr-3">
          Last seen
        </Sort>
        <div role="columnheader" className={cx(HEAD, '[grid-area:acts]')}>
          <span className="sr-only">Actions</span>
        </div>
      </div>
    </div>
  );
}

function Sort({
  by,
  filter,
  onSort,
  className,
  children,
}: {
  by: SortKey;
  filter: FleetFilter;
  onSort: (key: SortKey) => void;
  className?: string;
  children: ReactNode;
}) {
  const active = filter.sort === by;
  const Arrow = filter.descending ? ArrowDown : ArrowUp;
  return (
    <div
      role="columnheader"
      aria-sort={active ? (filter.descending ? 'descending' : 'ascending') : undefined}
      className={cx(HEAD, className)}
    >
      <button
        type="button"
        onClick={() => onSort(by)}
        className={cx('inline-flex items-center gap-0.5 rounded-sm hover:text-ink', active && 'text-ink')}
      >
        {children}
        {active && <Arrow className="size-3" aria-hidden="true" />}
      </button>
    </div>
  );
}

function SelectAll({ ids, selection }: Pick<FleetTableProps, 'ids' | 'selection'>) {
  const selected = useSyncExternalStore(selection.subscribe, selection.get, selection.get);
  const count = ids.reduce((sum, id) => sum + (selected.has(id) ? 1 : 0), 0);
  const all = ids.length > 0 && count === ids.length;
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = count > 0 && !all;
  }, [count, all]);
  return (
    <label className="flex size-9 items-center justify-center">
      <input ref={box} type="checkbox" className="size-4" checked={all} onChange={() => selection.toggleShown()} />
      <span className="sr-only">Select all shown hosts</span>
    </label>
  );
}
