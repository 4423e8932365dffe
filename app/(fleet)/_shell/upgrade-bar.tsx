import { Info } from 'lucide-react';
import Link from 'next/link';
import type { FormerVersion } from '@/lib/dashboard/upgrade-notes';

/**
 * One line at the top of every page until the notice is marked as read. It is part of the page that the server sends, so
 * it never appears while somebody works.
 */
export function UpgradeBar({ from }: { from: FormerVersion | null }) {
  return (
    <p className="flex items-center gap-2.5 border-b bg-accent-soft px-4 py-2 text-xs font-medium text-accent md:px-6">
      <Info className="size-4 shrink-0" aria-hidden="true" />
      <span className="min-w-0">
        {from === null ? 'Some values in the environment are not used as written.' : `Some things differ from ${from}.`}{' '}
        <Link href="/settings/configuration#changed" className="underline underline-offset-2">
          {from === null ? 'See which' : 'See what changed'}
        </Link>
      </span>
    </p>
  );
}
