'use client';

import dynamic from 'next/dynamic';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { useLive } from '@/app/_live/live';
import { CompartmentDialog } from './compartment-dialog';
import { DoubleClicks } from './double-click';
import { OperationDialog } from './operation-dialog';
import { OperationsContext, type Operations, type RunOptions } from './operations-context';
import { canWait, hostCount, needsReview, planOperation } from './plan';
import { sendOperation } from './send';
import type { ReviewedPullRequest } from '@/lib/fleet/records/requests';
import type { CompartmentName } from '@/lib/protocol/compartment-names';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

/** Loaded on demand, because they are rarely needed. */
const ColorDialog = dynamic(() => import('./color-dialog').then((part) => part.ColorDialog));
const PipelineDialog = dynamic(() => import('../_pipelines/pipeline-dialog').then((part) => part.PipelineDialog));
const GenerationDialog = dynamic(() => import('./generation-dialog').then((part) => part.GenerationDialog));
const ConfirmSettingDialog = dynamic(() =>
  import('./confirm-setting-dialog').then((part) => part.ConfirmSettingDialog),
);
const PolicyDialog = dynamic(() => import('./policy-dialog').then((part) => part.PolicyDialog));
const AddHostDialog = dynamic(() => import('./add-host-dialog').then((part) => part.AddHostDialog));

type OpenDialog =
  | { kind: 'operation'; operation: OperationId; hostIds: readonly string[]; options: RunOptions }
  | { kind: 'color'; hostIds: readonly string[] }
  | { kind: 'generation'; hostId: string }
  | { kind: 'confirm-setting'; hostIds: readonly string[] }
  | { kind: 'policy'; hostId: string }
  | { kind: 'add-host' }
  | { kind: 'pipeline'; pipeline: PipelineKind; hostIds: readonly string[]; pullRequest?: ReviewedPullRequest }
  | { kind: 'compartment'; hostId: string; compartment: CompartmentName };

/** Lets every page start operations, and shows the dialogs that some of them need. */
export function OperationsProvider({ children }: { children: ReactNode }) {
  const { store, facts } = useLive();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const [clicks] = useState(() => new DoubleClicks());
  const close = useCallback(() => setDialog(null), []);

  const operations = useMemo<Operations>(
    () => ({
      confirm: facts.confirm,
      run: (operation, hostIds, options = {}) => {
        const click = `${operation} ${hostIds.join(' ')}`;
        if (clicks.isSecond(click, performance.now())) return;
        if (operation === 'set-color') {
          setDialog({ kind: 'color', hostIds });
          return;
        }
        const [only] = hostIds;
        if (operation === 'switch-generation' && only !== undefined && hostIds.length === 1) {
          setDialog({ kind: 'generation', hostId: only });
          return;
        }
        const { byId } = store.get();
        const hosts = hostIds.flatMap((id) => byId.get(id) ?? []);
        const plan = planOperation(operation, hosts);
        const waits = options.queueForMs !== undefined && canWait(plan).length > 0;
        if (needsReview(plan) || (plan.ready.length === 0 && !waits))
          setDialog({ kind: 'operation', operation, hostIds, options });
        else {
          setDialog(null);
          clicks.sent(click, performance.now());
          // The whole selection is sent: the answer says why some hosts were skipped.
          void sendOperation(operation, hostIds, hostCount(hosts), options);
        }
      },
      setConfirm: (hostIds) => setDialog({ kind: 'confirm-setting', hostIds }),
      showPolicy: (hostId) => setDialog({ kind: 'policy', hostId }),
      addHost: () => setDialog({ kind: 'add-host' }),
      runPipeline: (pipeline, hostIds, pullRequest) => setDialog({ kind: 'pipeline', pipeline, hostIds, pullRequest }),
      inspect: (hostId, compartment) => setDialog({ kind: 'compartment', hostId, compartment }),
    }),
    [store, facts, clicks],
  );

  return (
    <OperationsContext value={operations}>
      {children}
      {dialog?.kind === 'operation' && (
        <OperationDialog
          operation={dialog.operation}
          hostIds={dialog.hostIds}
          queueForMs={dialog.options.queueForMs}
          onClose={close}
        />
      )}
      {dialog?.kind === 'color' && <ColorDialog hostIds={dialog.hostIds} onClose={close} />}
      {dialog?.kind === 'confirm-setting' && <ConfirmSettingDialog hostIds={dialog.hostIds} onClose={close} />}
      {dialog?.kind === 'generation' && <GenerationDialog hostId={dialog.hostId} onClose={close} />}
      {dialog?.kind === 'policy' && <PolicyDialog hostId={dialog.hostId} onClose={close} />}
      {dialog?.kind === 'pipeline' && (
        <PipelineDialog
          kind={dialog.pipeline}
          hostIds={dialog.hostIds}
          pullRequest={dialog.pullRequest}
          onClose={close}
        />
      )}
      {dialog?.kind === 'add-host' && <AddHostDialog onClose={close} />}
      {dialog?.kind === 'compartment' && (
        <CompartmentDialog hostId={dialog.hostId} compartment={dialog.compartment} onClose={close} />
      )}
    </OperationsContext>
  );
}
