'use client';

import { useEffect, useSyncExternalStore } from 'react';
import { Dialog } from '@/app/_ui/dialog';
import { Kbd } from '@/app/_ui/kbd';
import { isTyping } from './typing';

let open = false;
const listeners = new Set<() => void>();

function setOpen(next: boolean): void {
  open = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const close = () => setOpen(false);

/** Opens the list of shortcuts. */
export const showShortcuts = () => setOpen(true);

const SHORTCUTS: { keys: string[]; does: string }[] = [
  { keys: ['/'], does: 'Search hosts' },
  { keys: ['Ctrl', 'A'], does: 'Select all shown hosts (⌘ on a Mac)' },
  { keys: ['Shift', 'click'], does: 'Select a range of hosts' },
  { keys: ['Space'], does: 'Select the focused host' },
  { keys: ['Esc'], does: 'Close the topmost dialog or menu, then clear the selection' },
  { keys: ['?'], does: 'Show this list' },
];

/** The list of shortcuts. Opens with "?". */
export function ShortcutsDialog() {
  const shown = useSyncExternalStore(
    subscribe,
    () => open,
    () => false,
  );
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog:modal')) return;
      event.preventDefault();
      showShortcuts();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
  return (
    <Dialog open={shown} onClose={close} title="Keyboard shortcuts" size="sm">
      <dl className="grid gap-2">
        {SHORTCUTS.map(({ keys, does }) => (
          <div key={does} className="flex items-center justify-between gap-4">
            <dt className="order-last flex shrink-0 gap-1">
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dt>
            <dd className="text-muted">{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
