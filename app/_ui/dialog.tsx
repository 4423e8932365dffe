'use client';

import { X } from 'lucide-react';
import { useEffect, useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import { cx } from './cx';
import { IconButton } from './icon-button';

const WIDTHS = { sm: 'max-w-sm', md: 'max-w-lg', lg: 'max-w-3xl' };

export interface DialogProps {
  open: boolean;
  /** Asked for by Escape, the cross or a click beside it. */
  onClose: () => void;
  /** False where a click beside it must not close it: what it shows is seen once. */
  closesByPress?: boolean;
  title: ReactNode;
  description?: ReactNode;
  /** Buttons, the main one last. One with `data-autofocus` gets the focus first. */
  footer?: ReactNode;
  size?: keyof typeof WIDTHS;
  children?: ReactNode;
}

/**
 * A modal dialog on the browser's own <dialog>: it keeps the focus inside, gives it back at the end, and Escape closes
 * the uppermost one alone. On a phone it is a sheet at the lower edge.
 */
export function Dialog({
  open,
  onClose,
  closesByPress = true,
  title,
  description,
  footer,
  size = 'md',
  children,
}: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();

  useEffect(() => {
    const dialog = ref.current;
    if (!dialog || !open) return;
    const cancel = (event: Event) => {
      event.preventDefault();
      onClose();
    };
    // A press that began inside (selecting text) and ended outside does not close it.
    const press = (event: PointerEvent) => {
      if (closesByPress && event.target === dialog) onClose();
    };
    dialog.addEventListener('cancel', cancel);
    dialog.addEventListener('pointerdown', press);
    return () => {
      dialog.removeEventListener('cancel', cancel);
      dialog.removeEventListener('pointerdown', press);
    };
  }, [open, onClose, closesByPress]);

  // Before the element can leave the page: closing it is what gives the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog || !open) return;
    dialog.showModal();
    dialog.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => dialog.close();
  }, [open]);

  return (
    <dialog
      ref={ref}
      data-modal
      aria-labelledby={`${id}-title`}
      aria-describedby={description === undefined ? undefined : `${id}-text`}
      className={cx(
        'm-auto max-h-[85dvh] w-full overflow-hidden rounded-xl bg-raised text-sm text-ink shadow-pop backdrop:animate-fade',
        'open:flex open:animate-rise open:flex-col',
        'max-sm:mb-0 max-sm:max-w-full max-sm:rounded-b-none max-sm:pb-[env(safe-area-inset-bottom)]',
        WIDTHS[size],
      )}
    >
      {open && (
        <>
          <header className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
            <div className="min-w-0 pt-1">
              <h2 id={`${id}-title`} className="text-base font-semibold">
                {title}
              </h2>
              {description !== undefined && (
                <div id={`${id}-text`} className="mt-1 text-sm text-muted">
                  {description}
                </div>
              )}
            </div>
            <IconButton label="Close" tip="" size="sm" onClick={onClose} className="-mr-1.5">
              <X className="size-4" aria-hidden="true" />
            </IconButton>
          </header>
          {children !== undefined && <div className="thin-scrollbar min-h-0 overflow-y-auto px-5 pb-5">{children}</div>}
          {footer !== undefined && (
            <footer className="flex flex-wrap justify-end gap-2 border-t bg-surface px-5 py-3 max-sm:*:grow">
              {footer}
            </footer>
          )}
        </>
      )}
    </dialog>
  );
}
