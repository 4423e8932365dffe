'use client';

import { useState } from 'react';
import { usePipelines } from '@/app/_live/live';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { StatusSlot } from '../_status/status-slot';
import { PipelineBar } from './pipeline-bar';
import { ToneIcon } from './pipeline-icon';
import { PipelineStrip } from './pipeline-strip';
import { hostsOver, pipelineWord } from './pipeline-words';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** Running pipelines, and those that ended while this page was open until they are dismissed. */
export function PipelineSlot() {
  const pipelines = usePipelines();
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const [endedBefore] = useState(() => new Set(pipelines.flatMap(({ id, phase }) => (phase === 'ended' ? [id] : []))));
  const shown = pipelines.filter(({ id, phase }) => phase !== 'ended' || (!endedBefore.has(id) && !dismissed.has(id)));
  const first = shown.find(({ phase }) => phase !== 'ended') ?? shown.at(-1);
  if (!first) return null;
  return (
    <StatusSlot
      name="Pipelines"
      className="relative overflow-hidden border bg-surface text-ink"
      summary={<Summary pipeline={first} more={shown.length - 1} />}
    >
      <PipelineStrip pipelines={shown} onDismiss={(id) => setDismissed((known) => new Set([...known, id]))} />
    </StatusSlot>
  );
}

function Summary({ pipeline, more }: { pipeline: PipelineView; more: number }) {
  const { over, all } = hostsOver(pipeline);
  const { label } = PIPELINES[pipeline.kind];
  return (
    <>
      <ToneIcon tone={pipelineWord(pipeline).tone} />
      <span className="one-line">
        <span className="max-sm:sr-only">{label} </span>
        <span className="text-muted">
          {over}
          <span aria-hidden="true">/</span>
          <span className="sr-only"> of </span>
          {all}
        </span>
        {more > 0 && <span className="text-muted max-sm:sr-only"> +{more}</span>}
        <span className="sr-only"> {pipelineWord(pipeline).word}</span>
      </span>
      <span className="absolute inset-x-0 bottom-0" aria-hidden="true">
        <PipelineBar pipeline={pipeline} label="" className="block h-0.5 rounded-none" />
      </span>
    </>
  );
}
