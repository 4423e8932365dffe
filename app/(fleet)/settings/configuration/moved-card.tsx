/** What has changed since an earlier version, until an operator has marked it as read. */
import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { Card } from '@/app/_ui/card';
import { MOVED_DOCUMENT, type FormerVersion, type MovedItem } from '@/lib/dashboard/moved-items';
import { MarkReadButton } from './mark-read-button';

/** The anchor of the card: the bar at the top of every page links to it. */
export const MOVED_ANCHOR = 'changed';

export function MovedCard({ from, items }: { from: FormerVersion | null; items: readonly MovedItem[] }) {
  return (
    <Card
      id={MOVED_ANCHOR}
      title={from === null ? 'Values that are not used' : `Changed since ${from}`}
      description={
        <>
          Details are in <code className="text-ink">{MOVED_DOCUMENT}</code>, under the headings named here.
        </>
      }
      actions={<MarkReadButton ids={items.map(({ id }) => id)} />}
      flush
    >
      <ul className="divide-y" aria-label="Changes">
        {items.map(({ id, title, text, section, page }) => (
          <li key={id} className="px-5 py-3">
            <h3 className="text-sm font-medium wrap-anywhere text-ink">{title}</h3>
            <p className="mt-0.5 text-sm text-pretty wrap-anywhere text-muted">{text}</p>
            <p className="mt-1.5 flex flex-wrap items-baseline gap-x-4 gap-y-1 text-xs text-muted">
              <code className="wrap-anywhere">
                {MOVED_DOCUMENT}#{section}
              </code>
              {page !== null && (
                <Link href={page.href} className="inline-flex items-center gap-1 text-accent hover:underline">
                  {page.label}
                  <ArrowRight className="size-3" aria-hidden="true" />
                </Link>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
