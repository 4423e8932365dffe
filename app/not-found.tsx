import type { Metadata } from 'next';
import Link from 'next/link';
import { connection } from 'next/server';
import { buttonClass } from './_ui/button';
import { EmptyState } from './_ui/empty-state';
import { Logo } from './_ui/logo';

export const metadata: Metadata = { title: 'Not found' };

export default async function NotFound() {
  // The content security policy's nonce changes with each request, so no page may be prerendered.
  await connection();
  return (
    <main className="flex min-h-dvh items-center justify-center">
      <EmptyState
        icon={<Logo className="size-6" />}
        title="Page not found"
        actions={
          <Link href="/" className={buttonClass('primary')}>
            Go to the fleet
          </Link>
        }
      >
        The address may be mistyped, or the page was removed.
      </EmptyState>
    </main>
  );
}
