'use client';

import { OctagonX, RefreshCw, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { useLiveFacts, useNotices, useOutdated } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';

/** What every page has to say at its top: that it is a demonstration, that it is out of date, what is wrong. */
export function Bars() {
  const { demo } = useLiveFacts();
  const notices = useNotices();
  const outdated = useOutdated();
  return (
    <>
      {demo && (
        <p className="border-b bg-accent-soft px-4 py-1 text-center text-2xs font-medium text-accent md:px-6">
          Demonstration: sample hosts on this machine. Nothing real is changed.
        </p>
      )}
      {outdated && (
        <Bar tone="info">
          <RefreshCw className="size-4 shrink-0" aria-hidden="true" />
          <span className="grow">NixFleet was updated. This page is from the version before.</span>
          <Button size="sm" onClick={() => window.location.reload()}>
            Reload
          </Button>
        </Bar>
      )}
      {notices.map((notice) => (
        <Bar key={notice.message} tone={notice.level}>
          {notice.level === 'error' ? (
            <OctagonX className="size-4 shrink-0" aria-hidden="true" />
          ) : (
            <TriangleAlert className="size-4 shrink-0" aria-hidden="true" />
          )}
          <span>
            <span className="sr-only">{notice.level === 'error' ? 'Error: ' : 'Warning: '}</span>
            {notice.message}
          </span>
        </Bar>
      ))}
    </>
  );
}

const TONES = { info: 'bg-busy-soft text-busy', warning: 'bg-warn-soft text-warn', error: 'bg-bad-soft text-bad' };

function Bar({ tone, children }: { tone: keyof typeof TONES; children: ReactNode }) {
  return (
    <div
      role="status"
      className={cx('flex items-center gap-2.5 border-b px-4 py-2 text-xs font-medium md:px-6', TONES[tone])}
    >
      {children}
    </div>
  );
}
