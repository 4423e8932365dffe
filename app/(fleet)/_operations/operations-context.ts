'use client';

import { createContext, use } from 'react';
import type { CompartmentName, OperationId, PipelineKind } from '@/lib/protocol/live';
import type { ReviewedPullRequest } from '@/lib/fleet/records/requests';

export interface RunOptions {
  /** Hosts that are offline are waited for, so long at most. */
  queueForMs?: number;
}

export interface Operations {
  /** Does an operation on hosts: at once where nothing is to be decided, else after a look. */
  run: (operation: OperationId, hostIds: readonly string[], options?: RunOptions) => void;
  /** Asks what a new host is called, and makes it known. */
  addHost: () => void;
  /** Looks at a pipeline over hosts before it is started; `pullRequest` is merged first, where that is a stage. */
  runPipeline: (kind: PipelineKind, hostIds: readonly string[], pullRequest?: ReviewedPullRequest) => void;
  /** Shows a host's compartment: the fact, its age, and the next step. */
  inspect: (hostId: string, compartment: CompartmentName) => void;
}

export const OperationsContext = createContext<Operations | null>(null);

export function useOperations(): Operations {
  const operations = use(OperationsContext);
  if (!operations) throw new Error('useOperations needs an OperationsProvider above it');
  return operations;
}
