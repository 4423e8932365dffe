'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useEffect, useState } from 'react';
import { useConnection, useLivePipeline } from '@/app/_live/live';
import { answered } from '@/app/_output/drawer/answered';
import type { PipelineView } from '@/lib/protocol/live';
import { readPipeline } from '../../../_pipelines/actions';

/**
 * A pipeline as it is now: live while the dashboard speaks of it, then as it was last known. One that ended while there
 * was no connection is read again.
 */
export function usePipeline(painted: PipelineView): PipelineView {
  const { id } = painted;
  const live = useLivePipeline(id);
  const isConnected = useConnection().kind === 'live';
  const [known, setKnown] = useState(painted);
  // What was live stays known after the dashboard has stopped speaking of it.
  if (live && live !== known) setKnown(live);
  const mayBeStale = isConnected && live === null && known.phase !== 'ended';

  useEffect(() => {
    if (!mayBeStale) return;
    let left = false;
    void answered(answerOf(readPipeline({ id }))).then((read) => {
      if (!left && read) setKnown(read);
    });
    return () => {
      left = true;
    };
  }, [mayBeStale, id]);

  return live ?? known;
}
