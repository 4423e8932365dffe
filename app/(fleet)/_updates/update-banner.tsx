'use client';

import { ChevronDown, GitPullRequest, TriangleAlert } from 'lucide-react';
import dynamic from 'next/dynamic';
import Link from 'next/link';
import { useId, useState } from 'react';
import { useFlakeUpdates } from '@/app/_live/live';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { TimeAgo } from '@/app/_ui/time-ago';
import { DeployButton } from './deploy-button';
import { changeSentence, checksWords, FORGE_NAMES, mergeEmphasis } from './words';
import type { FlakeUpdatesView, FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/** Loaded on demand. */
const ChangedInputs = dynamic(() => import('./changed-inputs').then((part) => part.ChangedInputs));
const MergeDialog = dynamic(() => import('./merge-dialog').then((part) => part.MergeDialog));

/** The open flake update with its actions, or why the forge can't be checked for one. */
export function UpdateBanner() {
  const updates = useFlakeUpdates();
  // Kept here, so that the dialog stays open and says so when the update is closed meanwhile.
  const [merging, setMerging] = useState<FlakeUpdateView | null>(null);
  return (
    <>
      {updates.error !== null && <ForgeNotice updates={updates} error={updates.error} />}
      {updates.update !== null && <Banner key={updates.update.number} update={updates.update} onMerge={setMerging} />}
      {merging !== null && <MergeDialog opened={merging} onClose={() => setMerging(null)} />}
    </>
  );
}

function Banner({ update, onMerge }: { update: FlakeUpdateView; onMerge: (update: FlakeUpdateView) => void }) {
  const [expanded, setExpanded] = useState(false);
  const id = useId();
  const checks = checksWords(update.checks);
  return (
    <section
      aria-label="Flake update"
      data-testid="flake-update"
      className="mb-4 rounded-lg border border-accent bg-surface shadow-card"
    >
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
          <Button size="sm" variant={mergeEmphasis(update.checks)} onClick={() => onMerge(update)}>
            Merge …
          </Button>
        </div>
      </div>
      <div id={id} hidden={!expanded} className="border-t px-4 py-3">
        {expanded && <ChangedInputs update={update} />}
      </div>
    </section>
  );
}

function ForgeNotice({ updates, error }: { updates: FlakeUpdatesView; error: { message: string; since: number } }) {
  return (
    <p
      role="status"
      className="mb-4 flex items-start gap-2.5 rounded-lg bg-warn-soft px-4 py-2.5 text-xs font-medium text-pretty text-warn"
    >
      <TriangleAlert className="size-4 shrink-0" aria-hidden="true" />
      <span className="min-w-0 wrap-anywhere">
        Could not check {FORGE_NAMES[updates.source]} for flake updates. First failure:{' '}
        <span aria-live="off">
          <TimeAgo at={error.since} />
        </span>
        . {error.message}{' '}
        <Link href="/settings/forge" className="underline underline-offset-2">
          Settings
        </Link>
      </span>
    </p>
  );
}
