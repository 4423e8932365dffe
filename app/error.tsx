'use client';

import { RotateCw } from 'lucide-react';
import { Button } from './_ui/button';
import { EmptyState } from './_ui/empty-state';
import { Logo } from './_ui/logo';

/** Shown when rendering a page failed. The digest identifies the entry in the dashboard's log. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className="flex min-h-dvh items-center justify-center">
      <EmptyState
        icon={<Logo className="size-6" />}
        title="This page could not be loaded"
        actions={
          <Button variant="primary" icon={<RotateCw className="size-4" aria-hidden="true" />} onClick={reset}>
            Try again
          </Button>
        }
      >
        Hosts and running commands are not affected. If the problem persists, search the dashboard’s log
        {error.digest ? (
          <>
            {' '}
            for <code className="font-mono text-ink">{error.digest}</code>.
          </>
        ) : (
          '.'
        )}
      </EmptyState>
    </main>
  );
}
