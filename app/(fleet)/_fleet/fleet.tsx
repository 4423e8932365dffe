'use client';

import { Plus, SearchX } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { sameList } from '@/app/_live/derived';
import { useDerived } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { useKept } from '@/app/_ui/steady';
import { EmptyState } from '@/app/_ui/empty-state';
import { useOperations } from '../_operations/operations-context';
import { isTyping } from '../_shell/typing';
import { ActionBar } from './action-bar';
import { fieldsOf, isFiltering, NO_FILTER, selectHosts, type SortKey } from './filter';
import { FilterBar } from './filter-bar';
import { FleetTable } from './fleet-table';
import { Selection } from './selection';
import { Summary } from './summary';
import { changeFilter, useFilter } from './use-filter';
import { COMPARTMENT_NAMES } from '@/lib/protocol/compartment-names';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Loaded only while there is no host, which is once in a dashboard's life. */
const FirstHost = dynamic(() => import('./first-host').then((page) => page.FirstHost));

const hasHosts = (hosts: readonly unknown[]) => hosts.length > 0;
const idsOf = (hosts: readonly Pick<HostView, 'id'>[]) => hosts.map(({ id }) => id);
const NO_FIELDS: readonly never[] = [];
const ID_FIELDS = ['id'] as const;

/** The fleet: a summary, the table of hosts, and the operations for them. */
export function Fleet() {
  const isEmpty = !useDerived(hasHosts, Object.is, NO_FIELDS);
  if (!isEmpty) return <Hosts />;
  return <FirstHost />;
}

function AddHostButton() {
  const { addHost } = useOperations();
  return (
    <Button
      size="sm"
      className="!h-8 pointer-coarse:!h-11"
      icon={<Plus className="size-4" aria-hidden="true" />}
      onClick={addHost}
    >
      Add host
    </Button>
  );
}

function Hosts() {
  const filter = useFilter();
  const [selection] = useState(() => new Selection());
  const choose = useCallback(
    (hosts: readonly HostView[]) => selectHosts(hosts, filter).map((host) => host.id),
    [filter],
  );
  const fields = useMemo(() => fieldsOf(filter), [filter]);
  const chosen = useDerived(choose, sameList, fields);
  const all = useDerived(idsOf, sameList, ID_FIELDS);
  // While the pointer is over the rows, they keep their order, and hosts that come are added at the end.
  const { kept, over } = useKept({ ids: chosen, filter });
  const ids = useMemo(() => {
    if (kept?.filter !== filter) return chosen;
    const existing = new Set(all);
    return [...new Set([...kept.ids.filter((id) => existing.has(id)), ...chosen])];
  }, [kept, filter, chosen, all]);

  useEffect(() => selection.setShown(ids), [selection, ids]);

  const sort = (key: SortKey) =>
    changeFilter({ sort: key, descending: filter.sort === key ? !filter.descending : DESCENDING_FIRST.has(key) });

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event.target) || document.querySelector('dialog:modal')) return;
      if (event.key === 'a' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
        event.preventDefault();
        selection.addShown();
      } else if (event.key === 'Escape') {
        selection.clear();
      }
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [selection]);

  return (
    <div className="px-4 pt-2 pb-4 md:px-6">
      <h1 className="sr-only">Fleet</h1>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <Summary status={filter.status} onChange={(status) => changeFilter({ status })} />
        <div className="flex flex-wrap items-center gap-1.5 max-sm:w-full">
          <FilterBar filter={filter} onChange={changeFilter} />
          <AddHostButton />
        </div>
      </div>
      {ids.length > 0 ? (
        <FleetTable ids={ids} selection={selection} filter={filter} onSort={sort} over={over} />
      ) : (
        <EmptyState
          icon={<SearchX className="size-5" aria-hidden="true" />}
          title="No matching hosts"
          actions={
            isFiltering(filter) && (
              <Button onClick={() => changeFilter({ ...NO_FILTER, sort: filter.sort, descending: filter.descending })}>
                Show all hosts
              </Button>
            )
          }
        >
          No host matches the current filter.
        </EmptyState>
      )}
      <ActionBar selection={selection} />
    </div>
  );
}

/** Sort keys that start descending: the largest, worst or newest are of interest. */
const DESCENDING_FIRST = new Set<SortKey>([...COMPARTMENT_NAMES, 'operation', 'cpu', 'ram', 'load']);
