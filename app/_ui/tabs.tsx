'use client';

import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { cx } from './cx';

export interface Tab {
  id: string;
  label: ReactNode;
  content: ReactNode;
}

/** Tabs as in the ARIA pattern: arrow keys, Home and End move; only the selected panel is rendered. */
export function Tabs({
  label,
  tabs,
  current,
  onChange,
  className,
}: {
  label: string;
  tabs: readonly Tab[];
  current: string;
  onChange: (id: string) => void;
  className?: string;
}) {
  const base = useId();
  const list = useRef<HTMLDivElement>(null);
  const chosen = tabs.find((tab) => tab.id === current) ?? tabs[0];

  const move = (event: KeyboardEvent) => {
    const index = tabs.findIndex((tab) => tab.id === chosen?.id);
    const last = tabs.length - 1;
    const next =
      event.key === 'ArrowRight'
        ? index === last
          ? 0
          : index + 1
        : event.key === 'ArrowLeft'
          ? index === 0
            ? last
            : index - 1
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? last
              : null;
    const tab = next === null ? undefined : tabs[next];
    if (!tab) return;
    event.preventDefault();
    onChange(tab.id);
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[next ?? 0]?.focus();
  };

  if (!chosen) return null;
  return (
    <div className={className}>
      <div ref={list} role="tablist" aria-label={label} tabIndex={-1} onKeyDown={move} className="flex gap-1 border-b">
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${base}-${tab.id}`}
            aria-selected={tab.id === chosen.id}
            aria-controls={`${base}-panel`}
            tabIndex={tab.id === chosen.id ? 0 : -1}
            onClick={() => onChange(tab.id)}
            className={cx(
              '-mb-px flex h-9 items-center gap-1.5 border-b-2 px-3 text-sm font-medium pointer-coarse:h-11',
              tab.id === chosen.id ? 'border-accent text-ink' : 'border-transparent text-muted hover:text-ink',
            )}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${chosen.id}`} className="pt-4">
        {chosen.content}
      </div>
    </div>
  );
}
