'use client';

import { createContext, use } from 'react';
import type { ReviewedPullRequest } from '@/lib/fleet/records/requests';
import type { ConfirmPolicy } from '@/lib/fleet/operations/operation-rules';
import type { CompartmentName } from '@/lib/protocol/compartment-names';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

export interface RunOptions {
  /** Queue the operation for offline hosts, for at most this long. */
  queueForMs?: number;
}

export interface Operations {
  /** Whether switches are confirmed. */
  confirm: ConfirmPolicy;
  /** Runs an operation on hosts: at once if there is nothing to decide, else after a dialog. */
  run: (operation: OperationId, hostIds: readonly string[], options?: RunOptions) => void;
  /** Opens the setting whether switches of these hosts are confirmed. */
  setConfirm: (hostIds: readonly string[]) => void;
  /** Opens what a host accepts. */
  showPolicy: (hostId: string) => void;
  /** Opens the dialog that adds a host. */
  addHost: () => void;
  /** Opens the dialog that starts a pipeline; `pullRequest` is merged first, if that is a stage. */
  runPipeline: (kind: PipelineKind, hostIds: readonly string[], pullRequest?: ReviewedPullRequest) => void;
  /** Opens a compartment of a host: its status, its age and the next step. */
  inspect: (hostId: string, compartment: CompartmentName) => void;
}

export const OperationsContext = createContext<Operations | null>(null);

export function useOperations(): Operations {
  const operations = use(OperationsContext);
  if (!operations) throw new Error('useOperations needs an OperationsProvider above it');
  return operations;
}
