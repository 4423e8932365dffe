'use client';

import { X } from 'lucide-react';
import { useRef, type KeyboardEvent } from 'react';
import { useHost } from '@/app/_live/live';
import { cx } from '@/app/_ui/cx';
import { CommandIcon } from './command-state';
import { commandWord } from './command-words';
import type { OpenOutputs, OutputTab } from './open-output';
import { useCommand } from './use-command';

export const PANEL_ID = 'output-panel';

/** One tab per host. Arrow keys, Home and End move; Delete closes. */
export function DrawerTabs({
  open,
  onActivate,
  onClose,
}: {
  open: OpenOutputs;
  onActivate: (hostId: string) => void;
  onClose: (hostId: string) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const { tabs, active } = open;

  const key = (event: KeyboardEvent) => {
    const index = tabs.findIndex((tab) => tab.hostId === active);
    if (event.key === 'Delete' && active !== null) {
      event.preventDefault();
      onClose(active);
      // The focused tab has been removed: focus the selected one.
      requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
      return;
    }
    const places: Record<string, number> = {
      ArrowRight: (index + 1) % tabs.length,
      ArrowLeft: (index - 1 + tabs.length) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const next = places[event.key];
    const tab = next === undefined ? undefined : tabs[next];
    if (next === undefined || !tab) return;
    event.preventDefault();
    onActivate(tab.hostId);
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[next]?.focus();
  };

  return (
    <div className="thin-scrollbar flex min-w-0 grow items-stretch overflow-x-auto">
      <div
        ref={list}
        role="tablist"
        aria-label="Hosts with open output"
        tabIndex={-1}
        onKeyDown={key}
        className="flex items-stretch"
      >
        {tabs.map((tab) => (
          <HostTab
            key={tab.hostId}
            tab={tab}
            isActive={tab.hostId === active}
            isShown={tab.hostId === active && !open.collapsed}
            onActivate={() => onActivate(tab.hostId)}
            onClose={() => onClose(tab.hostId)}
          />
        ))}
      </div>
    </div>
  );
}

function HostTab({
  tab,
  isActive,
  isShown,
  onActivate,
  onClose,
}: {
  tab: OutputTab;
  isActive: boolean;
  isShown: boolean;
  onActivate: () => void;
  onClose: () => void;
}) {
  const host = useHost(tab.hostId);
  const command = useCommand(tab.hostId, tab.commandId);
  const name = host?.name ?? tab.hostId;
  return (
    <div
      role="presentation"
      className={cx(
        'flex shrink-0 items-center border-r border-b-2 pr-1',
        isShown ? 'border-b-accent bg-surface' : 'border-b-transparent hover:bg-hover',
      )}
    >
      <button
        type="button"
        role="tab"
        id={tabId(tab.hostId)}
        aria-selected={isActive}
        aria-keyshortcuts="Delete"
        aria-controls={isShown ? PANEL_ID : undefined}
        tabIndex={isActive ? 0 : -1}
        onClick={onActivate}
        className={cx(
          'flex h-9 max-w-56 items-center gap-2 pr-1.5 pl-3 text-xs font-medium focus-visible:-outline-offset-2 pointer-coarse:h-11',
          isActive ? 'text-ink' : 'text-muted',
        )}
      >
        {command && <CommandIcon command={command} />}
        <span className="one-line">{name}</span>
        {command && (
          <span className={cx('whitespace-nowrap', isActive ? 'sr-only' : 'text-faint max-sm:sr-only')}>
            {commandWord(command).word}
          </span>
        )}
      </button>
      {/* For pointers only, because a tab list may contain only tabs. The alternatives are Delete and the button at the right. */}
      <button
        type="button"
        aria-hidden="true"
        data-tip={`Close the output of ${name}`}
        tabIndex={-1}
        onClick={onClose}
        className="inline-flex size-6 items-center justify-center rounded-sm text-faint hover:bg-hover hover:text-ink pointer-coarse:size-9"
      >
        <X className="size-3.5" aria-hidden="true" />
      </button>
    </div>
  );
}

export function tabId(hostId: string): string {
  return `output-tab-${hostId}`;
}
