import Link from 'next/link';
import { duration } from '@/app/_ui/ages';
import { Elapsed, TimeAgo } from '@/app/_ui/time-ago';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { PipelineBadge } from './pipeline-icon';
import { progressText, stageWords } from './pipeline-words';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

/** The given pipelines. Each row has a fixed height, so that one that changes or takes the place of another moves none. */
export function PipelineList({ pipelines }: { pipelines: readonly PipelineSummary[] }) {
  if (pipelines.length === 0) return <p className="px-5 py-2.5 text-sm text-muted">No pipelines yet.</p>;
  return (
    <ul data-testid="pipeline-list">
      {pipelines.map((pipeline) => (
        <li key={pipeline.id} className="border-t first:border-t-0">
          <Link
            href={`/activity/pipelines/${pipeline.id}`}
            prefetch={false}
            className="grid gap-x-3 gap-y-1 px-5 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 md:grid-cols-[8rem_minmax(0,1fr)_minmax(0,14rem)_10rem] md:items-center"
          >
            <span>
              <PipelineBadge pipeline={pipeline} />
            </span>
            <span className="one-line text-sm">
              <span className="font-medium">{PIPELINES[pipeline.kind].label}</span>{' '}
              <span className="text-xs text-muted">{stageWords(pipeline.stages)}</span>
            </span>
            <span className="one-line min-h-4 text-xs text-muted">{progressText(pipeline)}</span>
            <span className="one-line text-xs text-faint md:text-right">
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
