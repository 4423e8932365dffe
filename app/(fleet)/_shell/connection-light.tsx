'use client';

import { useEffect, useState } from 'react';
import type { ConnectionStatus } from '@/app/_live/fleet-copy';
import { useConnection, useLive } from '@/app/_live/live';
import { StatusDot } from '@/app/_ui/status-dot';
import { useNow } from '@/app/_ui/time-ago';
import { cx } from '@/app/_ui/cx';
import { ConnectionAnnouncer } from './connection-announcer';

const CHIP = 'flex h-7 items-center gap-2 rounded-full px-2.5 text-xs font-medium whitespace-nowrap';

/** The state of the live connection. Wide enough for its longest text on wide screens, so that nothing moves. */
export function ConnectionLight() {
  const connection = useConnection();
  return (
    <div data-testid="connection" data-state={connection.kind} className="flex justify-end sm:min-w-36">
      <Announcement kind={connection.kind} />
      {connection.kind === 'live' && (
        <span className={cx(CHIP, 'text-muted')} data-tip={'Live\nChanges appear immediately.'}>
          <StatusDot tone="ok" />
          <span aria-hidden="true">Live</span>
        </span>
      )}
      {connection.kind === 'connecting' && (
        <span className={cx(CHIP, 'text-muted')}>
          <StatusDot tone="idle" />
          <span aria-hidden="true">Connecting</span>
        </span>
      )}
      {connection.kind === 'checking' && (
        <span
          className={cx(CHIP, 'bg-warn-soft text-warn')}
          data-tip={'Checking the connection\nThis page may be out of date.'}
        >
          <StatusDot tone="warn" />
          <span aria-hidden="true">Checking</span>
        </span>
      )}
      {connection.kind === 'reconnecting' && <Reconnecting retryAt={connection.retryAt} />}
      {connection.kind === 'signed-out' && (
        <span className={cx(CHIP, 'bg-bad-soft text-bad')}>
          <StatusDot tone="bad" />
          <span aria-hidden="true">Signed out</span>
        </span>
      )}
    </div>
  );
}

/** For screen readers. The region is there from the start: text in one that appears with it is often not announced. */
function Announcement({ kind }: Pick<ConnectionStatus, 'kind'>) {
  const [text, setText] = useState('');
  const [announcer] = useState(
    () =>
      new ConnectionAnnouncer({
        announce: setText,
        after: (ms, call) => {
          const timer = setTimeout(call, ms);
          return () => clearTimeout(timer);
        },
      }),
  );
  useEffect(() => announcer.changed(kind), [announcer, kind]);
  useEffect(() => () => announcer.stop(), [announcer]);
  return (
    <span role="status" className="sr-only" data-testid="connection-announcement">
      {text}
    </span>
  );
}

function Reconnecting({ retryAt }: { retryAt: number }) {
  const { client } = useLive();
  const seconds = useNow(() => Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000)));
  return (
    <button
      type="button"
      onClick={() => client.nudge()}
      aria-label="Reconnect now"
      className={cx(CHIP, 'bg-warn-soft text-warn')}
      data-tip={'Connection lost\nThis page may be out of date. Click to reconnect now.'}
    >
      <StatusDot tone="warn" />
      <span>
        <span className="max-sm:hidden">Reconnecting</span>
        <span className="sm:hidden">{seconds > 0 ? 'Retry' : 'Retrying'}</span>
        {seconds > 0 && ` in ${seconds}s`}
      </span>
    </button>
  );
}
