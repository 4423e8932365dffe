'use client';

import { Check } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { createContext, use, useCallback, useId, useRef, type ReactElement, type ReactNode } from 'react';
import { cx } from './cx';

const ITEM =
  'flex min-h-8 items-center gap-2.5 rounded-md px-2 py-1 text-sm outline-none select-none pointer-coarse:min-h-11 ' +
  'data-[highlighted]:bg-hover data-[disabled]:cursor-not-allowed';

/**
 * Runs an item's action after the menu has closed and its trigger has the focus. A dialog opened by it can then restore
 * the focus to the trigger, instead of to an item that no longer exists.
 */
const Choose = createContext<(act: () => void) => void>((act) => act());

/**
 * A menu that opens from `trigger` (one button). Not modal, because a modal menu adds a <style> element to the page, which
 * the content security policy blocks.
 */
export function Menu({
  trigger,
  label,
  note = '',
  align = 'end',
  defaultOpen = false,
  children,
}: {
  trigger: ReactElement;
  label: string;
  /** Text above the items, one or more lines; a screen reader reads it with the label. */
  note?: string;
  align?: 'start' | 'center' | 'end';
  /** Initially open: for a menu that is created by the click on its trigger. */
  defaultOpen?: boolean;
  children: ReactNode;
}) {
  const noteId = useId();
  const chosen = useRef<(() => void) | null>(null);
  const choose = useCallback((act: () => void) => {
    chosen.current = act;
  }, []);
  const closed = () => {
    const act = chosen.current;
    chosen.current = null;
    // After the focus has returned to the trigger.
    if (act) queueMicrotask(act);
  };
  return (
    <DropdownMenu.Root modal={false} defaultOpen={defaultOpen}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          aria-label={label}
          aria-describedby={note === '' ? undefined : noteId}
          align={align}
          sideOffset={6}
          collisionPadding={8}
          loop
          onCloseAutoFocus={closed}
          className="thin-scrollbar scroll-shades z-50 max-h-[min(40rem,var(--radix-dropdown-menu-content-available-height))] min-w-52 animate-rise overflow-y-auto rounded-lg p-1 text-ink shadow-pop"
        >
          {note !== '' && (
            <div id={noteId} className="max-w-72 px-2 py-1.5 text-xs wrap-anywhere whitespace-pre-line text-muted">
              {note}
            </div>
          )}
          <Choose value={choose}>{children}</Choose>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export interface MenuItemProps {
  icon?: ReactNode;
  /** Second line: what it does, or why it is not available now. */
  hint?: string;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export function MenuItem({ icon, hint, danger = false, disabled = false, onSelect, children }: MenuItemProps) {
  const choose = use(Choose);
  return (
    <DropdownMenu.Item
      disabled={disabled}
      onSelect={() => choose(onSelect)}
      className={cx(ITEM, danger && !disabled && 'text-bad')}
    >
      {icon && <span className={cx('flex size-4 shrink-0 items-center', !danger && 'text-muted')}>{icon}</span>}
      <span className="min-w-0 grow">
        <span className={cx('block', disabled && 'text-faint')}>{children}</span>
        {hint && <span className="block max-w-64 text-xs text-faint">{hint}</span>}
      </span>
    </DropdownMenu.Item>
  );
}

/** One of several exclusive choices. */
export function MenuChoice({
  icon,
  checked,
  onSelect,
  children,
}: {
  icon?: ReactNode;
  checked: boolean;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <DropdownMenu.CheckboxItem checked={checked} onCheckedChange={onSelect} className={ITEM}>
      {icon && <span className="flex size-4 shrink-0 items-center text-muted">{icon}</span>}
      <span className="grow">{children}</span>
      <DropdownMenu.ItemIndicator>
        <Check className="size-4 text-accent" aria-hidden="true" />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2 pt-2 pb-1 text-2xs font-medium text-faint">{children}</DropdownMenu.Label>;
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="mx-1 my-1 h-px bg-line" />;
}
