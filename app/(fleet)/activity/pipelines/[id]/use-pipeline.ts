'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useEffect, useState } from 'react';
import { useConnection, useLivePipeline } from '@/app/_live/live';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { readPipeline } from '../../../_pipelines/actions';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/**
 * A pipeline: live while the dashboard sends it, then its last known state. One that ended without a connection is read
 * again.
 */
export function usePipeline(initial: PipelineView): PipelineView {
  const { id } = initial;
  const live = useLivePipeline(id);
  const isConnected = useConnection().kind === 'live';
  const [known, setKnown] = useState(initial);
  // Keep the last live state after the dashboard stops sending it.
  if (live && live !== known) setKnown(live);
  const mayBeStale = isConnected && live === null && known.phase !== 'ended';

  useEffect(() => {
    if (!mayBeStale) return;
    let left = false;
    void valueOrNull(answerOf(readPipeline({ id }))).then((read) => {
      if (!left && read) setKnown(read);
    });
    return () => {
      left = true;
    };
  }, [mayBeStale, id]);

  return live ?? known;
}
