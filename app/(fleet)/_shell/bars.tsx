'use client';

import { LogOut, OctagonX, RefreshCw, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { useConnection, useDesired, useLiveFacts, useNotices, useOutdated } from '@/app/_live/live';
import { Button, buttonClass } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { TimeAgo } from '@/app/_ui/time-ago';

/** What every page has to say at its top: that it is a demonstration, that it is out of date, what is wrong. */
export function Bars() {
  const { demo } = useLiveFacts();
  const notices = useNotices();
  const outdated = useOutdated();
  const connection = useConnection();
  return (
    <>
      {demo && (
        <p className="border-b bg-accent-soft px-4 py-1 text-center text-2xs font-medium text-accent md:px-6">
          Demonstration: sample hosts on this machine. Nothing real is changed.
        </p>
      )}
      {connection.kind === 'signed-out' && (
        <Bar tone="error">
          <LogOut className="size-4 shrink-0" aria-hidden="true" />
          <span className="grow">You are signed out. What is shown is no longer live.</span>
          <Link href="/login" className={buttonClass('secondary', 'sm')}>
            Sign in
          </Link>
        </Bar>
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
        <Trouble key={notice.message} level={notice.level}>
          {notice.message}
        </Trouble>
      ))}
      <DesiredTrouble />
    </>
  );
}

/** Why nobody can say what the hosts should run, and since when; or what could be wrong with it. */
function DesiredTrouble() {
  const { error, hint, fetchedAt } = useDesired();
  if (error) {
    return (
      <Trouble level="error">
        The desired state can’t be fetched. {error.message} This began{' '}
        <span aria-live="off">
          <TimeAgo at={error.since} />
        </span>
        {fetchedAt === null ? '; it was never fetched before.' : '; what is shown is the last good answer.'}
      </Trouble>
    );
  }
  return hint && <Trouble level="warning">{hint}</Trouble>;
}

function Trouble({ level, children }: { level: 'warning' | 'error'; children: ReactNode }) {
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
