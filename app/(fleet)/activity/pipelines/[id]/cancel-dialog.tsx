'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { capitalised } from '@/app/_ui/sentence';
import { toast } from '@/app/_ui/toast-store';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { cancelPipeline } from '../../../_pipelines/actions';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** Cancels a pipeline: running commands finish, or are stopped too. */
export function CancelDialog({ pipeline, onClose }: { pipeline: PipelineView; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const name = `the “${PIPELINES[pipeline.kind].label}” pipeline`;
  const { running, waiting } = pipeline.counts;
  const wasCancelled = pipeline.phase === 'cancelling';

  const cancel = async (stopRunning: boolean) => {
    setBusy(true);
    try {
      const result = await answerOf(cancelPipeline({ id: pipeline.id, stopRunning }));
      if (!result.ok) {
        const body = result.error.kind === 'failed' ? result.error.message : 'Your session has ended. Sign in again.';
        toast({ tone: 'error', title: `Could not cancel ${name}`, body });
      } else if (!result.value) {
        toast({ tone: 'warning', title: `${capitalised(name)} had already ended` });
      }
    } catch {
      toast({ tone: 'error', title: `Could not cancel ${name}`, body: 'The dashboard can’t be reached. Try again.' });
    }
    onClose();
  };

  return (
    <Dialog
      open
      onClose={onClose}
      keepsHeight
      title={wasCancelled ? `Stop the running commands of ${name}?` : `Cancel ${name}?`}
      description={
        wasCancelled
          ? 'The pipeline no longer starts new stages.'
          : `No host starts another stage. ${skipSentence(waiting)}`
      }
      footer={
        <>
          <Button onClick={onClose} data-autofocus>
            Back
          </Button>
          {running > 0 && (
            <Button variant="danger" busy={busy} onClick={() => void cancel(true)}>
              {wasCancelled ? 'Stop running commands' : 'Cancel and stop running commands'}
            </Button>
          )}
          {!wasCancelled && (
            <Button variant="primary" busy={busy} onClick={() => void cancel(false)}>
              {running > 0 ? 'Cancel, let commands finish' : 'Cancel pipeline'}
            </Button>
          )}
        </>
      }
    >
      {running > 0 && (
        <p className="text-sm text-muted">
          {running === 1 ? '1 host is' : `${running} hosts are`} running a stage. If you let{' '}
          {running === 1 ? 'it' : 'them'} finish, no stage is interrupted. Stopping is quicker, but counts as a failure.
        </p>
      )}
    </Dialog>
  );
}

function skipSentence(hosts: number): string {
  if (hosts === 0) return 'All hosts have started.';
  return hosts === 1
    ? '1 host has not started and will be skipped.'
    : `${hosts} hosts have not started and will be skipped.`;
}
