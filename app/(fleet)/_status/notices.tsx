'use client';

import Link from 'next/link';
import type { ReactNode } from 'react';
import type { ConnectionStatus } from '@/app/_live/fleet-copy';
import { useConnection, useDesired, useFlakeUpdates, useNotices, useOutdated } from '@/app/_live/live';
import { Button, buttonClass } from '@/app/_ui/button';
import { TimeAgo } from '@/app/_ui/time-ago';
import { FORGE_NAMES } from '../_updates/words';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';

export interface StatusNotice {
  level: 'error' | 'warning' | 'info';
  /** What is wrong and what to do. It does not change while it is shown, so that it is announced once. */
  text: string;
  /** More, such as since when. */
  detail?: ReactNode;
  action?: ReactNode;
}

const URGENCY = { error: 0, info: 1, warning: 2 };

/** What the operator has to know now, the most urgent first. */
export function useStatusNotices(): readonly StatusNotice[] {
  const connection = useConnection();
  const outdated = useOutdated();
  const notices = useNotices();
  const desired = useDesired();
  const updates = useFlakeUpdates();
  const all = [
    ...ofConnection(connection),
    ...notices.map(({ level, message }) => ({ level, text: message })),
    ...ofDesired(desired),
    ...(outdated ? [OUTDATED] : []),
    ...ofForge(updates),
  ];
  return all.sort((a, b) => URGENCY[a.level] - URGENCY[b.level]);
}

function ofConnection({ kind }: ConnectionStatus): StatusNotice[] {
  if (kind !== 'signed-out') return [];
  return [
    {
      level: 'error',
      text: 'You are signed out. This page is no longer updated.',
      action: (
        <Link href="/login" className={buttonClass('secondary', 'sm')}>
          Sign in
        </Link>
      ),
    },
  ];
}

const OUTDATED: StatusNotice = {
  level: 'info',
  text: 'NixFleet was updated. Reload the page to use the new version.',
  action: (
    <Button size="sm" onClick={() => window.location.reload()}>
      Reload
    </Button>
  ),
};

/** Why the desired state is unknown and since when, or a hint about its configuration. */
function ofDesired({ error, hint, fetchedAt }: DesiredView): StatusNotice[] {
  if (error) {
    return [
      {
        level: 'error',
        text: `The desired state can’t be fetched. ${error.message}`,
        detail: (
          <>
            First failure: <TimeAgo at={error.since} />
            {fetchedAt === null ? '. It has never been fetched.' : '. The last fetched state is shown.'}
          </>
        ),
      },
    ];
  }
  return hint ? [{ level: 'warning', text: hint }] : [];
}

function ofForge({ error, source }: FlakeUpdatesView): StatusNotice[] {
  if (error === null) return [];
  return [
    {
      level: 'warning',
      text: `Could not check ${FORGE_NAMES[source]} for flake updates. ${error.message}`,
      detail: (
        <>
          First failure: <TimeAgo at={error.since} />.{' '}
          <Link href="/settings/forge" className="underline underline-offset-2">
            Settings
          </Link>
        </>
      ),
    },
  ];
}
