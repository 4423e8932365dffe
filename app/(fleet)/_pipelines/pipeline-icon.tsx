import { Ban, CircleCheck, CircleDashed, CircleX, Hourglass, TriangleAlert, Undo2 } from 'lucide-react';
import { Badge } from '@/app/_ui/badge';
import { cx } from '@/app/_ui/cx';
import { Spinner } from '@/app/_ui/spinner';
import { pipelineWord, type PipelineWord } from './pipeline-words';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

const TEXT: Record<PipelineWord['tone'], string> = {
  ok: 'text-ok',
  warn: 'text-warn',
  bad: 'text-bad',
  back: 'text-warn',
  busy: 'text-busy',
  idle: 'text-idle',
};

const SHAPES = { ok: CircleCheck, warn: TriangleAlert, bad: CircleX, back: Undo2, idle: CircleDashed };

/** A coloured icon. Decorative: show the word beside it. */
export function ToneIcon({
  tone,
  waits = false,
  className,
}: {
  tone: PipelineWord['tone'];
  waits?: boolean;
  className?: string;
}) {
  const classes = cx('size-3.5 shrink-0', TEXT[tone], className);
  if (waits) return <Hourglass aria-hidden="true" className={classes} />;
  if (tone === 'busy') return <Spinner size="sm" className={cx(TEXT.busy, className)} />;
  const Shape = SHAPES[tone];
  return <Shape aria-hidden="true" className={classes} />;
}

/** The state of a pipeline: icon, colour and word. */
export function PipelineBadge({ pipeline }: { pipeline: PipelineSummary }) {
  const { word, tone } = pipelineWord(pipeline);
  const icon =
    pipeline.outcome === 'cancelled' ? <Ban aria-hidden="true" className="size-3.5" /> : <ToneIcon tone={tone} />;
  return (
    <span
      data-testid="pipeline-state"
      data-phase={pipeline.phase}
      data-outcome={pipeline.outcome ?? ''}
      className="inline-flex"
    >
      <Badge tone={tone} icon={icon}>
        {word}
      </Badge>
    </span>
  );
}
