'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { toast } from '@/app/_ui/toast-store';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-kinds';
import type { PipelineView } from '@/lib/protocol/live';
import { cancelPipeline } from '../../../_pipelines/actions';

/** How a pipeline is to end before its end: what runs goes on, or is stopped too. */
export function CancelDialog({ pipeline, onClose }: { pipeline: PipelineView; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const { label } = PIPELINES[pipeline.kind];
  const { running, waiting } = pipeline.counts;
  const wasCancelled = pipeline.phase === 'cancelling';

  const cancel = async (stopRunning: boolean) => {
    setBusy(true);
    try {
      const result = await answerOf(cancelPipeline({ id: pipeline.id, stopRunning }));
      if (!result.ok) {
        const body = result.error.kind === 'failed' ? result.error.message : 'Your session has ended. Sign in again.';
        toast({ tone: 'error', title: `${label} was not cancelled`, body });
      } else if (!result.value) {
        toast({ tone: 'warning', title: `${label} had ended already` });
      }
    } catch {
      toast({ tone: 'error', title: `${label}: no answer`, body: 'The dashboard can’t be reached. Try again.' });
    }
    onClose();
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={wasCancelled ? `Stop what ${label} still runs?` : `Cancel ${label}?`}
      description={
        wasCancelled
          ? 'It begins nothing more already.'
          : `${count(waiting)} not begun and will be skipped; no host begins a further stage.`
      }
      footer={
        <>
          <Button onClick={onClose} data-autofocus>
            Back
          </Button>
          {running > 0 && (
            <Button variant="danger" busy={busy} onClick={() => void cancel(true)}>
              {wasCancelled ? 'Stop what runs' : 'Cancel and stop what runs'}
            </Button>
          )}
          {!wasCancelled && (
            <Button variant="primary" busy={busy} onClick={() => void cancel(false)}>
              {running > 0 ? 'Cancel, let it finish' : 'Cancel it'}
            </Button>
          )}
        </>
      }
    >
      {running > 0 && (
        <p className="text-sm text-muted">
          {running === 1 ? 'One host is' : `${running} hosts are`} under way. Letting {running === 1 ? 'it' : 'them'}{' '}
          finish the present stage leaves no host in the middle of one; stopping is quicker, and what was stopped counts
          as failed.
        </p>
      )}
    </Dialog>
  );
}

function count(hosts: number): string {
  return hosts === 0 ? 'No host is' : hosts === 1 ? 'One host is' : `${hosts} hosts are`;
}
