'use client';

import { ChevronDown } from 'lucide-react';
import { usePathname } from 'next/navigation';
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { cx } from '@/app/_ui/cx';

/**
 * A button of the status line, and the panel that it opens. The panel lies over the page: nothing below it moves. Escape
 * and a press outside of it close it.
 */
export function StatusSlot({
  name,
  summary,
  className,
  action,
  children,
}: {
  /** What the panel lists. */
  name: string;
  /** What the button shows. */
  summary: ReactNode;
  /** Colours of the button. */
  className: string;
  /** A button beside it. */
  action?: ReactNode;
  children: ReactNode;
}) {
  const path = usePathname();
  /** The page on which it was opened: a link in the panel closes it. */
  const [openOn, setOpenOn] = useState<string | null>(null);
  const isOpen = openOn === path;
  const part = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isOpen) return;
    const closeOutside = ({ target }: Event) => {
      // A dialog that was opened from the panel gives the focus back to it.
      if (!(target instanceof Element) || part.current?.contains(target) || target.closest('dialog')) return;
      setOpenOn(null);
    };
    document.addEventListener('pointerdown', closeOutside);
    document.addEventListener('focusin', closeOutside);
    return () => {
      document.removeEventListener('pointerdown', closeOutside);
      document.removeEventListener('focusin', closeOutside);
    };
  }, [isOpen]);

  const key = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isOpen || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest('dialog')) return;
    // The page would clear the selection.
    event.preventDefault();
    setOpenOn(null);
    button.current?.focus();
  };

  return (
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- Escape closes the panel, wherever the focus is
    <div ref={part} onKeyDown={key} className="flex min-w-0 items-center gap-1.5">
      <button
        ref={button}
        type="button"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpenOn(isOpen ? null : path)}
        className={cx(
          'flex h-7 min-w-0 grow items-center gap-2 rounded-md px-2 text-left text-xs font-medium hover:brightness-95 pointer-coarse:h-10 dark:hover:brightness-125',
          className,
        )}
      >
        {summary}
        <ChevronDown className={cx('ml-auto size-3.5 shrink-0', isOpen && 'rotate-180')} aria-hidden="true" />
      </button>
      {action}
      <section
        id={id}
        aria-label={name}
        hidden={!isOpen}
        className="thin-scrollbar absolute inset-x-4 top-full z-10 mt-1 max-h-[min(36rem,70dvh)] animate-rise overflow-y-auto rounded-lg bg-raised shadow-pop md:inset-x-6"
      >
        {isOpen && children}
      </section>
    </div>
  );
}
