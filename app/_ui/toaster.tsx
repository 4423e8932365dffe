'use client';

import { CircleCheck, Info, OctagonX, TriangleAlert, X } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { Button } from './button';
import { cx } from './cx';
import { IconButton } from './icon-button';
import { dismissToast, holdToasts, shownFor, toastSlot, toastStore, type Toast, type ToastTone } from './toast-store';

const EMPTY: readonly Toast[] = [];

const ICONS: Record<ToastTone, { Icon: typeof Info; className: string; word: string }> = {
  info: { Icon: Info, className: 'text-busy', word: 'Note' },
  success: { Icon: CircleCheck, className: 'text-ok', word: 'Success' },
  warning: { Icon: TriangleAlert, className: 'text-warn', word: 'Warning' },
  error: { Icon: OctagonX, className: 'text-bad', word: 'Error' },
};

/** Shows toasts: at the top on phones, where the buttons are at the bottom. Mounted once, in the root layout. */
export function Toaster() {
  const toasts = useSyncExternalStore(toastStore.subscribe, toastStore.get, () => EMPTY);
  const slot = useSyncExternalStore(toastSlot.subscribe, toastSlot.get, () => null);
  // One that appears or disappears must not move another under the pointer.
  const [held, setHeld] = useState(false);
  const hold = (over: boolean) => {
    setHeld(over);
    holdToasts(over);
  };
  const region = (
    <div
      role="region"
      aria-label="Messages"
      aria-live="polite"
      className={cx(
        'right-4 bottom-4 z-50 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2 md:flex-col-reverse max-md:fixed max-md:top-16 max-md:bottom-auto',
        '!pointer-events-none',
        slot === null ? 'fixed' : 'md:absolute',
      )}
    >
      {toasts.map((entry) => (
        <ToastCard key={entry.id} toast={entry} held={held} onHold={hold} />
      ))}
    </div>
  );
  return slot === null ? region : createPortal(region, slot);
}

function ToastCard({ toast, held, onHold }: { toast: Toast; held: boolean; onHold: (over: boolean) => void }) {
  const shownMs = shownFor(toast);
  useEffect(() => {
    if (held || shownMs === null) return;
    const timer = setTimeout(() => dismissToast(toast.id), shownMs);
    return () => clearTimeout(timer);
  }, [held, shownMs, toast.id]);

  const close = () => {
    // A removed element is not left.
    onHold(false);
    dismissToast(toast.id);
  };
  const { Icon, className, word } = ICONS[toast.tone];
  return (
    <div
      onPointerEnter={() => onHold(true)}
      onPointerLeave={() => onHold(false)}
      className="pointer-events-auto flex animate-rise items-start gap-3 rounded-lg bg-raised py-3 pr-2 pl-4 shadow-pop"
    >
      <Icon className={cx('mt-0.5 size-4 shrink-0', className)} aria-hidden="true" />
      <div className="min-w-0 grow pt-px">
        <p className="text-sm font-medium">
          <span className="sr-only">{word}: </span>
          {toast.title}
        </p>
        {toast.body && <p className="mt-0.5 text-xs whitespace-pre-line text-muted">{toast.body}</p>}
        {toast.action && (
          <Button
            size="sm"
            className="mt-2"
            onClick={() => {
              toast.action?.run();
              close();
            }}
          >
            {toast.action.label}
          </Button>
        )}
      </div>
      <IconButton label="Dismiss" tip="" size="sm" onClick={close}>
        <X className="size-4" aria-hidden="true" />
      </IconButton>
    </div>
  );
}
