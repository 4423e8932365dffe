import Link from 'next/link';
import { PipelineCard } from '../_pipelines/pipeline-card';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

/** Pipelines shown above the events. */
export const RECENT_PIPELINES = 3;

/** The latest pipelines, with a link to all. */
export function RecentPipelines({ initial }: { initial: readonly PipelineSummary[] }) {
  return (
    <PipelineCard
      initial={initial}
      limit={RECENT_PIPELINES}
      keepsHeight
      className="mb-4"
      actions={
        <Link href="/activity/pipelines" className="text-xs text-accent underline underline-offset-2">
          All pipelines
        </Link>
      }
    />
  );
}
