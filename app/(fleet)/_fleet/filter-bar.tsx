'use client';

import { Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { sameList } from '@/app/_live/derived';
import { useDerived } from '@/app/_live/live';
import { cx } from '@/app/_ui/cx';
import { controlClass } from '@/app/_ui/field';
import { Kbd } from '@/app/_ui/kbd';
import { capitalised } from '@/app/_ui/sentence';
import { isTyping } from '../_shell/typing';
import { facetValues, type FleetFilter } from './filter';
import { osName } from './os-icon';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Free text and facets. "/" focuses the text; Escape clears it, then leaves it. */
export function FilterBar({
  filter,
  onChange,
}: {
  filter: FleetFilter;
  onChange: (change: Partial<FleetFilter>) => void;
}) {
  return (
    <div role="search" className="flex flex-wrap items-center gap-1.5 max-sm:contents">
      <Facet
        facet="type"
        label="System"
        any="Any system"
        name={osName}
        value={filter.os}
        onChange={(os) => onChange({ os })}
      />
      <Facet
        facet="location"
        label="Location"
        any="Any location"
        name={capitalised}
        value={filter.location}
        onChange={(location) => onChange({ location })}
      />
      <SearchBox text={filter.text} onChange={(text) => onChange({ text })} />
    </div>
  );
}

/** The address changes when typing pauses: browsers throttle changes with every letter. */
const WRITE_AFTER_MS = 180;

function SearchBox({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const box = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [typed, setTyped] = useState(text);
  const [pending, setPending] = useState(false);
  const [known, setKnown] = useState(text);
  // The filter was changed elsewhere: by a link, the back button or "Show all hosts".
  if (text !== known) {
    setKnown(text);
    if (!pending && text !== typed.trim()) setTyped(text);
  }

  const type = (next: string, afterMs: number) => {
    setTyped(next);
    setPending(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setPending(false);
      onChange(next);
    }, afterMs);
  };

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog:modal')) return;
      event.preventDefault();
      box.current?.focus();
      box.current?.select();
    };
    document.addEventListener('keydown', press);
    return () => {
      document.removeEventListener('keydown', press);
      clearTimeout(timer.current);
    };
  }, []);
  return (
    <div className="relative w-full max-sm:order-first sm:w-60">
      <Search
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-faint"
        aria-hidden="true"
      />
      <input
        ref={box}
        type="search"
        aria-label="Search hosts"
        placeholder="Search hosts"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => type(event.target.value, WRITE_AFTER_MS)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (typed === '') box.current?.blur();
          else type('', 0);
        }}
        className={cx(
          controlClass(),
          'peer !h-8 pr-8 pl-8 pointer-coarse:!h-11 [&::-webkit-search-cancel-button]:hidden',
        )}
      />
      <span className="pointer-events-none absolute top-1/2 right-1.5 -translate-y-1/2 peer-focus:hidden pointer-coarse:hidden">
        <Kbd>/</Kbd>
      </span>
    </div>
  );
}

const FACETS = {
  type: { fields: ['type'], values: (hosts: readonly Pick<HostView, 'type'>[]) => facetValues(hosts, 'type') },
  location: {
    fields: ['location'],
    values: (hosts: readonly Pick<HostView, 'location'>[]) => facetValues(hosts, 'location'),
  },
} as const;

function Facet({
  facet,
  label,
  any,
  name,
  value,
  onChange,
}: {
  facet: 'type' | 'location';
  label: string;
  any: string;
  name: (value: string) => string;
  value: string | null;
  onChange: (value: string | null) => void;
}) {
  // With one value, its place stays reserved: a host with another value must not move what is beside it.
  const values = useDerived(FACETS[facet].values, sameList, FACETS[facet].fields);
  return (
    <select
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value || null)}
      className={cx(
        controlClass(),
        '!h-8 !w-32 !pr-2 !pl-2 !text-xs text-ellipsis max-sm:!w-auto max-sm:min-w-0 max-sm:grow max-sm:basis-0 pointer-coarse:!h-11 pointer-coarse:!text-base',
        value !== null && '!border-accent',
        values.length < 2 && value === null && 'invisible',
      )}
    >
      <option value="">{any}</option>
      {[...new Set(value === null ? values : [...values, value])].map((each) => (
        <option key={each} value={each}>
          {name(each)}
        </option>
      ))}
    </select>
  );
}
