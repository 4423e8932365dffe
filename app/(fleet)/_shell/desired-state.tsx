'use client';

import { GitBranch } from 'lucide-react';
import { useDesired } from '@/app/_live/live';
import { TimeAgo } from '@/app/_ui/time-ago';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';

/** The desired state: branch, commit, message and age. Problems are shown in a bar above. */
export function DesiredStateBar() {
  const desired = useDesired();
  if (desired.source === 'none') {
    return (
      <p
        className="one-line text-xs text-muted"
        data-tip={
          'No desired state configured\nSet NIXFLEET_CONFIG_REPO or NIXFLEET_VERSION_URL to compare hosts with it.'
        }
      >
        No desired state configured
      </p>
    );
  }
  return (
    <div
      className="-m-1 flex min-w-0 items-center gap-2 overflow-hidden p-1 text-xs text-muted"
      data-testid="desired-state"
    >
      {desired.commit !== '' && <Commit desired={desired} />}
    </div>
  );
}

function Commit({ desired }: { desired: DesiredView }) {
  const short = desired.commit.slice(0, 7);
  const hash = 'rounded-sm bg-sunken px-1.5 py-0.5 font-mono text-2xs text-ink';
  return (
    <>
      {desired.branch !== '' && (
        <span
          className="flex min-w-0 items-center gap-1 font-medium text-ink sm:shrink-0"
          data-tip="Branch that hosts follow"
        >
          <GitBranch className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
          <span className="one-line max-w-32">{desired.branch}</span>
        </span>
      )}
      {desired.commitUrl ? (
        <a
          href={desired.commitUrl}
          target="_blank"
          rel="noreferrer"
          className={`${hash} underline decoration-line-strong underline-offset-2 hover:text-accent`}
          data-tip={`Commit ${desired.commit}\nClick to open it on the forge.`}
        >
          {short}
        </a>
      ) : (
        <code className={hash} data-tip={`Commit ${desired.commit}`}>
          {short}
        </code>
      )}
      <span className="one-line max-sm:hidden" data-tip={desired.message}>
        {desired.message}
      </span>
      {desired.committedAt !== null && (
        <TimeAgo
          at={desired.committedAt}
          className="shrink-0 text-faint before:mr-2 before:content-['·'] max-sm:before:hidden max-[24rem]:hidden"
        />
      )}
    </>
  );
}
