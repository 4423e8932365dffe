'use client';

import { GitPullRequest } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { useFlakeUpdates } from '@/app/_live/live';
import { StatusDot } from '@/app/_ui/status-dot';
import { StatusSlot } from '../_status/status-slot';
import { UpdatePanel } from './update-panel';
import { checksWords } from './words';
import type { Tone } from '@/app/_ui/badge';
import type { DotTone } from '@/app/_ui/status-dot';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/** Loaded on demand. */
const MergeDialog = dynamic(() => import('./merge-dialog').then((part) => part.MergeDialog));

/** The open flake update. */
export function UpdateSlot() {
  const { update } = useFlakeUpdates();
  // Kept here, so that the dialog stays open and says so when the update is closed meanwhile.
  const [merging, setMerging] = useState<FlakeUpdateView | null>(null);
  return (
    <>
      {update !== null && (
        <StatusSlot
          key={update.number}
          name="Flake update"
          className="border border-accent bg-surface text-ink"
          summary={<Summary update={update} />}
        >
          <UpdatePanel update={update} onMerge={setMerging} />
        </StatusSlot>
      )}
      {merging !== null && <MergeDialog opened={merging} onClose={() => setMerging(null)} />}
    </>
  );
}

function Summary({ update: { number, checks } }: { update: FlakeUpdateView }) {
  const { tone, text } = checksWords(checks);
  return (
    <>
      <GitPullRequest className="size-3.5 shrink-0 text-accent" aria-hidden="true" />
      <span className="one-line">
        <span className="max-sm:sr-only">Update </span>#{number}
        <span className="text-muted max-lg:sr-only"> {text}</span>
      </span>
      <StatusDot tone={DOTS[tone]} className="max-sm:hidden lg:hidden" />
    </>
  );
}

const DOTS: Record<Tone, DotTone> = {
  ok: 'ok',
  warn: 'warn',
  bad: 'bad',
  busy: 'busy',
  idle: 'idle',
  back: 'warn',
  accent: 'busy',
};
