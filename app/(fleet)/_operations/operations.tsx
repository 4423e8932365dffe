'use client';

import dynamic from 'next/dynamic';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { useLive } from '@/app/_live/live';
import type { CompartmentName, OperationId, PipelineKind } from '@/lib/protocol/live';
import { CompartmentDialog } from './compartment-dialog';
import { DoubleClicks } from './double-click';
import { OperationDialog } from './operation-dialog';
import { OperationsContext, type Operations, type RunOptions } from './operations-context';
import { canWait, hostCount, needsLook, planOperation } from './plan';
import { sendOperation } from './send';
import type { ReviewedPullRequest } from '@/lib/fleet/records/requests';

/** Fetched when they are asked for, which is rare. */
const ColorDialog = dynamic(() => import('./color-dialog').then((part) => part.ColorDialog));
const PipelineDialog = dynamic(() => import('../_pipelines/pipeline-dialog').then((part) => part.PipelineDialog));
const AddHostDialog = dynamic(() => import('./add-host-dialog').then((part) => part.AddHostDialog));

type Asked =
  | { kind: 'operation'; operation: OperationId; hostIds: readonly string[]; options: RunOptions }
  | { kind: 'color'; hostIds: readonly string[] }
  | { kind: 'add-host' }
  | { kind: 'pipeline'; pipeline: PipelineKind; hostIds: readonly string[]; pullRequest?: ReviewedPullRequest }
  | { kind: 'compartment'; hostId: string; compartment: CompartmentName };

/** Gives every page the way to operations, with the dialogs that some of them need. */
export function OperationsProvider({ children }: { children: ReactNode }) {
  const { store } = useLive();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [clicks] = useState(() => new DoubleClicks());
  const close = useCallback(() => setAsked(null), []);

  const operations = useMemo<Operations>(
    () => ({
      run: (operation, hostIds, options = {}) => {
        const click = `${operation} ${hostIds.join(' ')}`;
        if (clicks.isSecond(click, performance.now())) return;
        if (operation === 'set-color') {
          setAsked({ kind: 'color', hostIds });
          return;
        }
        const { byId } = store.get();
        const hosts = hostIds.flatMap((id) => byId.get(id) ?? []);
        const plan = planOperation(operation, hosts);
        const waits = options.queueForMs !== undefined && canWait(plan).length > 0;
        if (needsLook(plan) || (plan.ready.length === 0 && !waits))
          setAsked({ kind: 'operation', operation, hostIds, options });
        else {
          setAsked(null);
          clicks.sent(click, performance.now());
          // The whole selection is sent: for what can't be done now, the answer says why.
          void sendOperation(operation, hostIds, hostCount(hosts), options);
        }
      },
      addHost: () => setAsked({ kind: 'add-host' }),
      runPipeline: (pipeline, hostIds, pullRequest) => setAsked({ kind: 'pipeline', pipeline, hostIds, pullRequest }),
      inspect: (hostId, compartment) => setAsked({ kind: 'compartment', hostId, compartment }),
    }),
    [store, clicks],
  );

  return (
    <OperationsContext value={operations}>
      {children}
      {asked?.kind === 'operation' && (
        <OperationDialog
          operation={asked.operation}
          hostIds={asked.hostIds}
          queueForMs={asked.options.queueForMs}
          onClose={close}
        />
      )}
      {asked?.kind === 'color' && <ColorDialog hostIds={asked.hostIds} onClose={close} />}
      {asked?.kind === 'pipeline' && (
        <PipelineDialog kind={asked.pipeline} hostIds={asked.hostIds} pullRequest={asked.pullRequest} onClose={close} />
      )}
      {asked?.kind === 'add-host' && <AddHostDialog onClose={close} />}
      {asked?.kind === 'compartment' && (
        <CompartmentDialog hostId={asked.hostId} compartment={asked.compartment} onClose={close} />
      )}
    </OperationsContext>
  );
}
