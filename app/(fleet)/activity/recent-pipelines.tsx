import Link from 'next/link';
import { Card } from '@/app/_ui/card';
import { PipelineList } from '../_pipelines/pipeline-list';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

/** Pipelines shown above the events. */
export const RECENT_PIPELINES = 3;

/** The latest pipelines, with a link to all. */
export function RecentPipelines({ initial }: { initial: readonly PipelineSummary[] }) {
  return (
    <Card
      flush
      className="mb-4"
      title="Pipelines"
      actions={
        <Link href="/activity/pipelines" className="text-xs text-accent underline underline-offset-2">
          All pipelines
        </Link>
      }
    >
      {/* As many as at first: one more would move the events below. */}
      <PipelineList initial={initial} limit={Math.max(1, initial.length)} />
    </Card>
  );
}
