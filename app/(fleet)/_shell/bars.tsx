'use client';

import { LogOut, OctagonX, RefreshCw, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { useConnection, useDesired, useLiveFacts, useNotices, useOutdated } from '@/app/_live/live';
import { Button, buttonClass } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { TimeAgo } from '@/app/_ui/time-ago';

/** The notices at the top of every page: demonstration, signed out, outdated page, problems. */
export function Bars() {
  const { demo } = useLiveFacts();
  const notices = useNotices();
  const outdated = useOutdated();
  const connection = useConnection();
  return (
    <>
      {demo && (
        <p className="border-b bg-accent-soft px-4 py-1 text-center text-2xs font-medium text-accent md:px-6">
          Demonstration: sample hosts on this machine. Nothing outside the demonstration is changed.
        </p>
      )}
      {connection.kind === 'signed-out' && (
        <Bar tone="error">
          <LogOut className="size-4 shrink-0" aria-hidden="true" />
          <span className="grow">You are signed out. This page is no longer updated.</span>
          <Link href="/login" className={buttonClass('secondary', 'sm')}>
            Sign in
          </Link>
        </Bar>
      )}
      {outdated && (
        <Bar tone="info">
          <RefreshCw className="size-4 shrink-0" aria-hidden="true" />
          <span className="grow">NixFleet was updated. Reload the page to use the new version.</span>
          <Button size="sm" onClick={() => window.location.reload()}>
            Reload
          </Button>
        </Bar>
      )}
      {notices.map((notice) => (
        <Notice key={notice.message} level={notice.level}>
          {notice.message}
        </Notice>
      ))}
      <DesiredStateNotice />
    </>
  );
}

/** Why the desired state is unknown and since when, or a hint about its configuration. */
function DesiredStateNotice() {
  const { error, hint, fetchedAt } = useDesired();
  if (error) {
    return (
      <Notice level="error">
        The desired state can’t be fetched. {error.message} First failure:{' '}
        <span aria-live="off">
          <TimeAgo at={error.since} />
        </span>
        {fetchedAt === null ? '. It has never been fetched.' : '. The last fetched state is shown.'}
      </Notice>
    );
  }
  return hint && <Notice level="warning">{hint}</Notice>;
}

function Notice({ level, children }: { level: 'warning' | 'error'; children: ReactNode }) {
  const Icon = level === 'error' ? OctagonX : TriangleAlert;
  return (
    <Bar tone={level}>
      <Icon className="size-4 shrink-0" aria-hidden="true" />
      <span className="min-w-0 wrap-anywhere">
        <span className="sr-only">{level === 'error' ? 'Error: ' : 'Warning: '}</span>
        {children}
      </span>
    </Bar>
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
