'use client';

import { X } from 'lucide-react';
import { useEffect, useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import { cx } from './cx';
import { IconButton } from './icon-button';

const WIDTHS = { sm: 'max-w-sm', md: 'max-w-lg', lg: 'max-w-3xl' };

export interface DialogProps {
  open: boolean;
  /** Called on Escape, the close button or a click outside. */
  onClose: () => void;
  /** False when a click outside must not close it, because its content is shown only once. */
  closesByPress?: boolean;
  title: ReactNode;
  description?: ReactNode;
  /** Buttons, the main one last. One with `data-autofocus` gets the focus first. */
  footer?: ReactNode;
  size?: keyof typeof WIDTHS;
  /** It keeps the height that it opens with: for content that changes by itself, which must not move the buttons. */
  keepsHeight?: boolean;
  /** Its content holds nothing to focus: then it takes the focus itself, so that the keyboard can scroll it. */
  isText?: boolean;
  children?: ReactNode;
}

/**
 * A modal dialog with the browser's <dialog>, which traps the focus, restores it on close, and closes only the topmost
 * dialog on Escape. On a phone it is a sheet at the bottom.
 */
export function Dialog({
  open,
  onClose,
  closesByPress = true,
  title,
  description,
  footer,
  size = 'md',
  keepsHeight = false,
  isText = false,
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
    // On press, not on click: selecting text from the inside to the outside must not close it.
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

  // A layout effect, to close the dialog before it is removed: closing restores the focus.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog || !open) return;
    dialog.showModal();
    dialog.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => dialog.close();
  }, [open]);

  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog || !open || !keepsHeight) return;
    const fit = () => {
      dialog.style.height = '';
      dialog.style.height = `${dialog.offsetHeight}px`;
    };
    fit();
    window.addEventListener('resize', fit);
    return () => {
      window.removeEventListener('resize', fit);
      dialog.style.height = '';
    };
  }, [open, keepsHeight]);

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
          {children !== undefined && (
            <div
              className="thin-scrollbar min-h-0 grow overflow-y-auto px-5 pb-5"
              {...(isText ? { role: 'region', 'aria-labelledby': `${id}-title`, tabIndex: 0 } : {})}
            >
              {children}
            </div>
          )}
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
