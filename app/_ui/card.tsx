import type { ReactNode } from 'react';
import { cx } from './cx';

export interface CardProps {
  title?: ReactNode;
  /** One sentence below the title. */
  description?: ReactNode;
  /** Buttons at the right of the title. */
  actions?: ReactNode;
  /** A small control at the end of the title's line, whose place is reserved. */
  corner?: ReactNode;
  /** Without padding: for tables and lists that reach the border. */
  flush?: boolean;
  id?: string;
  className?: string;
  children?: ReactNode;
}

/** A section of a page with a title. */
export function Card({ title, description, actions, corner, flush = false, id, className, children }: CardProps) {
  const hasHead = title !== undefined || actions !== undefined;
  return (
    <section id={id} className={cx('rounded-lg border bg-surface shadow-card', className)}>
      {hasHead && (
        <header className={cx('flex flex-wrap items-start justify-between gap-3 px-5 py-4', flush && 'border-b')}>
          <div className={cx('min-w-0', corner !== undefined && 'grow')}>
            {title !== undefined && (
              <div className={cx(corner !== undefined && 'flex items-center justify-between gap-3')}>
                <h2 className="text-sm font-semibold text-ink">{title}</h2>
                {corner}
              </div>
            )}
            {description !== undefined && <p className="mt-0.5 text-xs text-muted">{description}</p>}
          </div>
          {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      {children !== undefined && (
        <div className={cx(!flush && 'px-5 pb-5', !flush && !hasHead && 'pt-5')}>{children}</div>
      )}
    </section>
  );
}
