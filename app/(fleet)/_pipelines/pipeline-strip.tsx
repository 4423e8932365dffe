'use client';

import Link from 'next/link';
import { X } from 'lucide-react';
import { IconButton } from '@/app/_ui/icon-button';
import { Elapsed } from '@/app/_ui/time-ago';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { PipelineBar } from './pipeline-bar';
import { PipelineBadge } from './pipeline-icon';
import { progressText } from './pipeline-words';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** One line for each pipeline; those that ended can be dismissed. */
export function PipelineStrip({
  pipelines,
  onDismiss,
}: {
  pipelines: readonly PipelineView[];
  onDismiss: (id: string) => void;
}) {
  return (
    <ul aria-label="Pipelines" className="grid gap-2 p-2" data-testid="pipeline-strip">
      {pipelines.map((pipeline) => (
        <Line key={pipeline.id} pipeline={pipeline} onDismiss={() => onDismiss(pipeline.id)} />
      ))}
    </ul>
  );
}

function Line({ pipeline, onDismiss }: { pipeline: PipelineView; onDismiss: () => void }) {
  const { id, kind, phase, createdAt } = pipeline;
  const { label } = PIPELINES[kind];
  return (
    <li className="flex items-center gap-1 rounded-lg border bg-surface pr-1.5 shadow-card">
      <Link
        href={`/activity/pipelines/${id}`}
        prefetch={false}
        className="min-w-0 grow rounded-lg px-3.5 py-2.5 hover:bg-hover focus-visible:-outline-offset-2"
      >
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          <span className="font-medium">{label}</span>
          <PipelineBadge pipeline={pipeline} />
          <span className="text-xs text-muted">{progressText(pipeline)}</span>
          {phase !== 'ended' && <Elapsed since={createdAt} className="ml-auto text-xs text-faint" />}
        </span>
        <PipelineBar pipeline={pipeline} label={`Progress of the “${label}” pipeline`} className="mt-2" />
      </Link>
      {phase === 'ended' && (
        <IconButton size="sm" label={`Dismiss the “${label}” pipeline`} tip="Dismiss" onClick={onDismiss}>
          <X className="size-4" aria-hidden="true" />
        </IconButton>
      )}
    </li>
  );
}
