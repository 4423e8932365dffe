'use client';

import { ChevronDown, GitPullRequest } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useId, useState } from 'react';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { TimeAgo } from '@/app/_ui/time-ago';
import { DeployButton } from './deploy-button';
import { changeSentence, checksWords, mergeEmphasis } from './words';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/** Loaded on demand. */
const ChangedInputs = dynamic(() => import('./changed-inputs').then((part) => part.ChangedInputs));

/** The open flake update, with its changes and actions. */
export function UpdatePanel({
  update,
  onMerge,
}: {
  update: FlakeUpdateView;
  onMerge: (update: FlakeUpdateView) => void;
}) {
  const [expanded, setExpanded] = useState(false);
  const id = useId();
  const checks = checksWords(update.checks);
  return (
    <div data-testid="flake-update">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
        <div className="flex min-w-0 grow basis-64 items-start gap-3">
          <GitPullRequest className="mt-0.5 size-4 shrink-0 text-accent" aria-hidden="true" />
          <div className="min-w-0">
            <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm font-medium">
              <a
                href={update.url}
                target="_blank"
                rel="noreferrer"
                className="wrap-anywhere underline decoration-line-strong underline-offset-2 hover:text-accent"
              >
                #{update.number} {update.title}
              </a>
              <Badge tone={checks.tone}>{checks.text}</Badge>
            </p>
            <p className="mt-0.5 text-xs text-pretty text-muted">
              {changeSentence(update)} · opened <TimeAgo at={update.createdAt} />
              {update.blocked !== '' && <span className="text-warn"> · {update.blocked}</span>}
            </p>
          </div>
        </div>
        <div className="flex flex-wrap items-center gap-2 max-sm:w-full max-sm:*:grow">
          <Button
            size="sm"
            variant="ghost"
            aria-expanded={expanded}
            aria-controls={id}
            onClick={() => setExpanded(!expanded)}
            icon={<ChevronDown className={cx('size-3.5', expanded && 'rotate-180')} aria-hidden="true" />}
          >
            Show changes
          </Button>
          <DeployButton update={update} />
          <Button size="sm" variant={mergeEmphasis(update)} onClick={() => onMerge(update)}>
            Merge …
          </Button>
        </div>
      </div>
      <div id={id} hidden={!expanded} className="border-t px-4 py-3">
        {expanded && <ChangedInputs update={update} />}
      </div>
    </div>
  );
}
