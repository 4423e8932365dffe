'use client';

import Link from 'next/link';
import { usePipelines } from '@/app/_live/live';
import { duration } from '@/app/_ui/ages';
import { Elapsed, TimeAgo } from '@/app/_ui/time-ago';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { PipelineBadge } from './pipeline-icon';
import { progressText, stageWords } from './pipeline-words';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

/** Pipelines, newest first: as rendered by the server, updated live. `limit`: the maximum number. */
export function PipelineList({ initial, limit }: { initial: readonly PipelineSummary[]; limit: number }) {
  const live = usePipelines();
  const byId = new Map<string, PipelineSummary>(initial.map((pipeline) => [pipeline.id, pipeline]));
  for (const pipeline of live) byId.set(pipeline.id, pipeline);
  const shown = [...byId.values()].sort((a, b) => b.createdAt - a.createdAt).slice(0, limit);
  if (shown.length === 0) return <p className="px-5 py-2.5 text-sm text-muted">No pipelines yet.</p>;
  return (
    <ul data-testid="pipeline-list">
      {shown.map((pipeline) => (
        <li key={pipeline.id} className="border-t first:border-t-0">
          <Link
            href={`/activity/pipelines/${pipeline.id}`}
            prefetch={false}
            className="grid gap-x-3 gap-y-1 px-5 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 md:grid-cols-[8rem_minmax(0,1fr)_minmax(0,14rem)_10rem] md:items-center"
          >
            <span>
              <PipelineBadge pipeline={pipeline} />
            </span>
            <span className="min-w-0 text-sm">
              <span className="font-medium">{PIPELINES[pipeline.kind].label}</span>{' '}
              <span className="text-xs text-muted">{stageWords(pipeline.stages)}</span>
            </span>
            <span className="text-xs text-muted">{progressText(pipeline)}</span>
            <span className="text-xs text-faint md:text-right">
              {pipeline.by} · <TimeAgo at={pipeline.createdAt} short />
              {' · '}
              {pipeline.endedAt === null ? (
                <Elapsed since={pipeline.createdAt} />
              ) : (
                duration(pipeline.endedAt - pipeline.createdAt)
              )}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
