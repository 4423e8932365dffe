import { cx } from '@/app/_ui/cx';
import { hostsOver, progressText } from './pipeline-words';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

/** The progress of a pipeline: the shares of done, failed, refused, rolled back, skipped and running hosts. Drawn without style attributes. */
export function PipelineBar({
  pipeline,
  label,
  className,
}: {
  pipeline: PipelineSummary;
  label: string;
  className?: string;
}) {
  const { over, all } = hostsOver(pipeline);
  const total = Math.max(1, all);
  const { done, failed, 'rolled-back': rolledBack, refused, skipped, running } = pipeline.counts;
  // Each is drawn over the one before, from the left.
  const parts = [
    ['fill-busy/50', over + running],
    ['fill-idle', done + failed + refused + rolledBack + skipped],
    ['fill-warn', done + failed + refused + rolledBack],
    ['fill-bad', done + failed + refused],
    ['fill-ok', done],
  ] as const;
  return (
    <svg
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((over / total) * 100)}
      aria-valuetext={progressText(pipeline)}
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      className={cx('h-1 w-full overflow-hidden rounded-full', className)}
    >
      <rect width="100" height="4" className="fill-idle/25" />
      {parts.map(
        ([fill, hosts]) => hosts > 0 && <rect key={fill} width={(hosts / total) * 100} height="4" className={fill} />,
      )}
    </svg>
  );
}
