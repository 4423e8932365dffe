'use client';

import { useState, type ReactNode } from 'react';
import { usePipelines } from '@/app/_live/live';
import { Card } from '@/app/_ui/card';
import { NewItems } from '@/app/_ui/new-items';
import { steadyRows, useKept } from '@/app/_ui/steady';
import { PipelineList } from './pipeline-list';
import type { PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

const idOf = ({ id }: PipelineSummary) => id;

/**
 * Pipelines, newest first: as rendered by the server, updated live. While the pointer is over them, none moves another.
 * `limit`: the maximum number.
 */
export function PipelineCard({
  initial,
  limit,
  keepsHeight = false,
  className,
  actions,
}: {
  initial: readonly PipelineSummary[];
  limit: number;
  /** It grows only when the operator asks for what is new, because something is below it. */
  keepsHeight?: boolean;
  className?: string;
  actions?: ReactNode;
}) {
  const live = usePipelines();
  const byId = new Map<string, PipelineSummary>(initial.map((pipeline) => [pipeline.id, pipeline]));
  for (const pipeline of live) byId.set(pipeline.id, pipeline);
  const all = [...byId.values()].sort((a, b) => b.createdAt - a.createdAt).slice(0, limit);
  const [room, setRoom] = useState(keepsHeight ? initial.length : limit);
  const newest = all.slice(0, room);
  const { kept, keep, over } = useKept(all);
  const { rows } = steadyRows(kept?.slice(0, room) ?? null, newest, idOf);
  const shown = new Set(rows.map(({ item }) => item.id));
  const arrived = all.filter(({ id }) => !shown.has(id)).length;
  const show = () => {
    setRoom(limit);
    if (kept) keep();
  };
  return (
    <div className={className} {...over}>
      <Card
        flush
        title="Pipelines"
        actions={
          <>
            <NewItems count={arrived} of={arrived === 1 ? 'pipeline' : 'pipelines'} onShow={show} />
            {actions}
          </>
        }
      >
        <PipelineList pipelines={rows.map(({ item }) => item)} />
      </Card>
    </div>
  );
}
