import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { cx } from './cx';

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'aria-label'> {
  /** Its accessible name and tooltip. */
  label: string;
  /** Overrides the tooltip; an empty text shows none. */
  tip?: string;
  size?: 'sm' | 'md';
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

const SIZES = {
  sm: 'size-7 pointer-coarse:size-10',
  md: 'size-9 pointer-coarse:size-11',
};

/** A button with only an icon, which should be 16 px (`size-4`). */
export function IconButton({ label, tip = label, size = 'md', className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      data-tip={tip || undefined}
      className={cx(
        'inline-flex shrink-0 items-center justify-center rounded-md text-muted transition-opacity duration-100',
        'enabled:hover:not-aria-pressed:bg-hover enabled:hover:not-aria-pressed:text-ink active:opacity-80',
        'disabled:opacity-55 aria-disabled:cursor-not-allowed aria-disabled:opacity-55',
        'aria-pressed:bg-accent-soft aria-pressed:text-accent data-[state=open]:bg-hover data-[state=open]:text-ink',
        SIZES[size],
        className,
      )}
    >
      {children}
    </button>
  );
}
