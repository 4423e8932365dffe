import type { ReactNode } from 'react';

/** The page title with an optional sentence below it. */
export function Heading({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mb-5">
      <h1 className="text-xl font-semibold tracking-tight text-ink">{title}</h1>
      {children !== undefined && <p className="mt-1.5 text-sm text-muted">{children}</p>}
    </div>
  );
}
