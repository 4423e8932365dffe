'use client';

import { Meter, type ProgressTone } from '@/app/_ui/progress';
import { cx } from '@/app/_ui/cx';
import type { MetricsView } from '@/lib/protocol/live/views/host-view';

/** Percentage from which a metric is highlighted. Never in red: a busy host has not failed. */
const HIGH = 90;

/** CPU, memory and load as measured by the agent. `stale`: the last values of an offline host. */
export function MetricCells({ metrics, stale }: { metrics: MetricsView | null; stale: boolean }) {
  const { cpu = null, ram = null, swap = null, load = null } = metrics ?? {};
  const swapLine = swap === null ? '' : `\nSwap ${swap.toFixed(0)} %`;
  return (
    <div className="grid grid-cols-3 gap-3 [grid-area:metrics] max-xl:lg:hidden lg:px-3">
      <Metric label="CPU" value={cpu} tip={`CPU ${percent(cpu).trim()}`} stale={stale} />
      <Metric label="Memory" value={ram} tip={`Memory ${percent(ram).trim()}${swapLine}`} stale={stale} />
      <div role="cell" className="lg:pb-[7px]" data-tip={'Load\nAverage number of processes that run or wait.'}>
        <Figure label="Load" text={load === null ? '–' : load.toFixed(load < 10 ? 2 : 1)} stale={stale} />
      </div>
    </div>
  );
}

function percent(value: number | null): string {
  // Figure spaces are as wide as digits, so that nothing moves when the number grows.
  return value === null ? '–' : `${value.toFixed(0).padStart(3, '\u2007')} %`;
}

export function metricTone(value: number | null, stale: boolean): ProgressTone {
  return value === null || stale || value < HIGH ? 'idle' : 'warn';
}

function Metric({ label, value, tip, stale }: { label: string; value: number | null; tip: string; stale: boolean }) {
  const tone = metricTone(value, stale);
  return (
    <div role="cell" data-tip={tip}>
      <Figure label={label} text={percent(value)} high={tone === 'warn'} stale={stale} />
      <Meter share={value === null ? null : value / 100} tone={tone} className={cx('mt-1', stale && 'opacity-40')} />
    </div>
  );
}

function Figure({ label, text, high = false, stale }: { label: string; text: string; high?: boolean; stale: boolean }) {
  return (
    <p className="flex justify-between gap-1 text-2xs whitespace-nowrap lg:justify-end">
      <span className="text-faint lg:hidden">{label}</span>
      <span className={cx(high ? 'font-semibold text-warn' : stale || text === '–' ? 'text-faint' : 'text-muted')}>
        {text}
      </span>
    </p>
  );
}
