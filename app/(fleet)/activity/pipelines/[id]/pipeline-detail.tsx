'use client';

import { useState } from 'react';
import { duration } from '@/app/_ui/ages';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { cx } from '@/app/_ui/cx';
import { Elapsed, TimeAgo } from '@/app/_ui/time-ago';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { hostStages, PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { PipelineBar } from '../../../_pipelines/pipeline-bar';
import { PipelineBadge, ToneIcon } from '../../../_pipelines/pipeline-icon';
import { HOST_WORDS, progressText, stageWords, stepWord } from '../../../_pipelines/pipeline-words';
import { CancelDialog } from './cancel-dialog';
import { HostStages } from './host-stages';
import { usePipeline } from './use-pipeline';
import type { PipelineHostStatus } from '@/lib/protocol/pipeline-kinds';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

const STATUSES: PipelineHostStatus[] = ['running', 'waiting', 'failed', 'rolled-back', 'refused', 'skipped', 'done'];

/** Minimum widths by the number of digits. */
const DIGITS = ['', 'min-w-2', 'min-w-4', 'min-w-6', 'min-w-8'];

/** One pipeline, live: its stages, its progress, each host in each stage, and its cancellation. */
export function PipelineDetail({ initial }: { initial: PipelineView }) {
  const pipeline = usePipeline(initial);
  const [filter, setFilter] = useState<PipelineHostStatus | null>(null);
  const [cancelling, setCancelling] = useState(false);
  const { kind, stages, phase, reason, prelude, createdAt, endedAt, by, counts, parallelism, stopOnFailure } = pipeline;
  const { label } = PIPELINES[kind];
  // A filter that no longer matches any host would show an empty table.
  const shown = filter !== null && counts[filter] > 0 ? filter : null;
  const hosts = shown === null ? pipeline.hosts : pipeline.hosts.filter(({ status }) => status === shown);

  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h1 className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xl font-semibold tracking-tight">
            {label}
            <PipelineBadge pipeline={pipeline} />
          </h1>
          <p className="mt-1 text-xs text-muted">
            {stageWords(stages)} · started by {by} <TimeAgo at={createdAt} /> ·{' '}
            {endedAt === null ? <Elapsed since={createdAt} /> : `took ${duration(endedAt - createdAt)}`}
            {pipeline.hosts.length > 1 && ` · ${pace(parallelism, pipeline.hosts.length)}`}
            {stopOnFailure && ' · stops at the first failure'}
          </p>
        </div>
        {/* Its place stays reserved at the end: on a narrow window it has a separate line. */}
        <Button className={cx(phase === 'ended' && 'invisible')} onClick={() => setCancelling(true)}>
          {phase === 'running' ? 'Cancel …' : 'Stop running commands …'}
        </Button>
      </div>
      <PipelineBar pipeline={pipeline} label={`Progress of the “${label}” pipeline`} className="mt-4 h-1.5" />
      <p role="status" className="mt-2 min-h-5 text-sm max-sm:min-h-10" data-testid="pipeline-progress">
        {phase === 'ended' ? reason : `${progressText(pipeline)}.${reason === '' ? '' : ` ${reason}`}`}
      </p>
      {prelude && stages[0] && (
        <p className="mt-3 flex flex-wrap items-center gap-2 rounded-md bg-sunken px-3 py-2 text-sm">
          <ToneIcon tone={stepWord(prelude).tone} />
          <span className="font-medium">{OPERATIONS[stages[0]].label}</span>
          <span className="text-muted">{prelude.reason === '' ? stepWord(prelude).word : prelude.reason}</span>
        </p>
      )}
      <div role="group" aria-label="Filter by status" className="my-4 flex flex-wrap gap-1.5">
        <FilterButton pressed={shown === null} onPress={() => setFilter(null)}>
          All {pipeline.hosts.length}
        </FilterButton>
        {/* All of them, always: one that comes or goes would move the others under the pointer. */}
        {STATUSES.map((status) => (
          <FilterButton
            key={status}
            pressed={shown === status}
            disabled={counts[status] === 0}
            onPress={() => setFilter(shown === status ? null : status)}
          >
            {HOST_WORDS[status].word}
            {/* As wide as the number of all hosts: no button moves when a count gets another digit. */}
            <span className={cx('ml-1 text-right', DIGITS[String(pipeline.hosts.length).length])}>
              {counts[status]}
            </span>
          </FilterButton>
        ))}
      </div>
      <Card flush>
        <HostStages key={shown} stages={hostStages(stages)} hosts={hosts} all={pipeline.hosts} />
      </Card>
      {cancelling && phase !== 'ended' && <CancelDialog pipeline={pipeline} onClose={() => setCancelling(false)} />}
    </>
  );
}

function pace(parallelism: number, hosts: number): string {
  if (parallelism === 1) return 'one host at a time';
  return parallelism >= hosts ? 'all hosts in parallel' : `${parallelism} hosts in parallel`;
}

function FilterButton({
  pressed,
  disabled = false,
  onPress,
  children,
}: {
  pressed: boolean;
  disabled?: boolean;
  onPress: () => void;
  children: React.ReactNode;
}) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onPress}
      className={cx(
        'flex h-8 items-center rounded-md border px-2.5 text-xs font-medium pointer-coarse:min-h-11',
        pressed
          ? 'border-accent bg-accent-soft text-accent'
          : 'bg-surface text-muted enabled:hover:bg-hover enabled:hover:text-ink disabled:opacity-55',
      )}
    >
      {children}
    </button>
  );
}
