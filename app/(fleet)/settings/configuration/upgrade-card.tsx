/** What has changed since an earlier version, until an operator has marked it as read. */
import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { Card } from '@/app/_ui/card';
import { UPGRADE_DOCUMENT, type FormerVersion, type UpgradeNote } from '@/lib/dashboard/upgrade-notes';
import { MarkReadButton } from './mark-read-button';

/** The anchor of the card: the bar at the top of every page links to it. */
export const UPGRADE_ANCHOR = 'changed';

export function UpgradeCard({ from, items }: { from: FormerVersion | null; items: readonly UpgradeNote[] }) {
  return (
    <Card
      id={UPGRADE_ANCHOR}
      title={from === null ? 'Environment values that are not used as written' : `Changed since ${from}`}
      description={
        <>
          Details are in <code className="text-ink">{UPGRADE_DOCUMENT}</code>, under the headings named here.
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
                {UPGRADE_DOCUMENT}#{section}
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
