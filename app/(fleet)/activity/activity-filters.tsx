'use client';

import { Download, X } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useEffect, useRef, useState, useTransition } from 'react';
import { sameList } from '@/app/_live/derived';
import { useDerived } from '@/app/_live/live';
import { Button, buttonClass } from '@/app/_ui/button';
import { SelectField, TextField } from '@/app/_ui/field';
import { Spinner } from '@/app/_ui/spinner';
import { CATEGORIES, CATEGORY_WORDS, NO_FILTER, filterQuery, type ActivityFilter } from './activity-filter';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Delay between the last key and the search. */
const TYPING_MS = 250;
/** Separates name and id; occurs in neither. */
const SEPARATOR = '\n';

const NAME_FIELDS = ['id', 'name'] as const;
const namesOfHosts = (hosts: readonly Pick<HostView, 'id' | 'name'>[]) =>
  hosts.map((host) => `${host.name}${SEPARATOR}${host.id}`).sort((a, b) => a.localeCompare(b));

/** Category, host and free text. All are stored in the address, so that a view can be shared. */
export function ActivityFilters({ filter }: { filter: ActivityFilter }) {
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  const [text, setText] = useState(filter.text);
  const [shownText, setShownText] = useState(filter.text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const hosts = useDerived(namesOfHosts, sameList, NAME_FIELDS);

  // The address was changed elsewhere (back button, a link): show its text.
  if (filter.text !== shownText) {
    setShownText(filter.text);
    setText(filter.text);
  }

  useEffect(() => () => clearTimeout(timer.current), []);

  const show = (next: ActivityFilter) => {
    clearTimeout(timer.current);
    startTransition(() => router.replace(`/activity${filterQuery(next)}`, { scroll: false }));
  };
  const type = (next: string) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => show({ ...filter, text: next }), TYPING_MS);
  };
  const isFiltered = filterQuery(filter) !== '';

  return (
    <form
      role="search"
      aria-label="Filter events"
      onSubmit={(event) => {
        event.preventDefault();
        show({ ...filter, text });
      }}
      className="mb-3 flex flex-wrap items-center gap-2"
    >
      <TextField
        label="Search events"
        hideLabel
        name="q"
        type="search"
        placeholder="Search events"
        autoComplete="off"
        maxLength={200}
        value={text}
        onChange={(event) => type(event.target.value)}
        className="w-64 max-sm:w-full"
      />
      <SelectField
        label="Category"
        hideLabel
        value={filter.category ?? ''}
        onChange={(event) =>
          show({ ...filter, text, category: CATEGORIES.find((known) => known === event.target.value) ?? null })
        }
        className="w-40 max-sm:grow"
      >
        <option value="">All categories</option>
        {CATEGORIES.map((category) => (
          <option key={category} value={category}>
            {CATEGORY_WORDS[category]}
          </option>
        ))}
      </SelectField>
      <SelectField
        label="Host"
        hideLabel
        value={filter.hostId ?? ''}
        onChange={(event) => show({ ...filter, text, hostId: event.target.value === '' ? null : event.target.value })}
        className="w-44 max-sm:grow"
      >
        <option value="">All hosts</option>
        {hosts.map((host) => {
          const [name, id] = host.split(SEPARATOR);
          return (
            <option key={id} value={id}>
              {name}
            </option>
          );
        })}
        {filter.hostId && !hosts.some((host) => host.endsWith(`${SEPARATOR}${filter.hostId ?? ''}`)) && (
          <option value={filter.hostId}>Removed host</option>
        )}
      </SelectField>
      {isFiltered && (
        <Button
          variant="ghost"
          icon={<X className="size-4" aria-hidden="true" />}
          onClick={() => {
            setText('');
            show(NO_FILTER);
          }}
        >
          Clear
        </Button>
      )}
      {pending && <Spinner label="Loading events" className="text-muted" />}
      <div className="ml-auto flex items-center gap-2">
        <ExportLink filter={filter} format="csv" name="CSV" />
        <ExportLink filter={filter} format="ndjson" name="NDJSON" />
      </div>
    </form>
  );
}

function ExportLink({ filter, format, name }: { filter: ActivityFilter; format: string; name: string }) {
  return (
    <a
      href={`/activity/export${filterQuery(filter, { format })}`}
      download
      data-tip={`Export all matching events, for ${format === 'csv' ? 'spreadsheets' : 'programs'}`}
      className={buttonClass('secondary', 'sm', 'hover:bg-hover')}
    >
      <Download className="size-3.5" aria-hidden="true" />
      <span className="sr-only">Export as</span> {name}
    </a>
  );
}
