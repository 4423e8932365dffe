'use client';

import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { useLive } from '@/app/_live/live';
import type { CompartmentName, OperationId } from '@/lib/protocol/live';
import { CompartmentDialog } from './compartment-dialog';
import { OperationDialog } from './operation-dialog';
import { OperationsContext, type Operations } from './operations-context';
import { hostCount, needsLook, planOperation } from './plan';
import { sendOperation } from './send';

type Asked =
  | { kind: 'operation'; operation: OperationId; hostIds: readonly string[] }
  | { kind: 'compartment'; hostId: string; compartment: CompartmentName };

/** Gives every page the way to operations, with the dialogs that some of them need. */
export function OperationsProvider({ children }: { children: ReactNode }) {
  const { store } = useLive();
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = useCallback(() => setAsked(null), []);

  const operations = useMemo<Operations>(
    () => ({
      run: (operation, hostIds) => {
        const { byId } = store.get();
        const hosts = hostIds.flatMap((id) => byId.get(id) ?? []);
        const plan = planOperation(operation, hosts);
        if (needsLook(plan) || plan.ready.length === 0) setAsked({ kind: 'operation', operation, hostIds });
        else {
          setAsked(null);
          // The whole selection is sent: for what can't be done now, the answer says why.
          void sendOperation(operation, hostIds, false, hostCount(hosts));
        }
      },
      inspect: (hostId, compartment) => setAsked({ kind: 'compartment', hostId, compartment }),
    }),
    [store],
  );

  return (
    <OperationsContext value={operations}>
      {children}
      {asked?.kind === 'operation' && (
        <OperationDialog operation={asked.operation} hostIds={asked.hostIds} onClose={close} />
      )}
      {asked?.kind === 'compartment' && (
        <CompartmentDialog hostId={asked.hostId} compartment={asked.compartment} onClose={close} />
      )}
    </OperationsContext>
  );
}
