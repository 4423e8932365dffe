/** What follows from the table of operations: whether one can be done now, in which lane, with which proof. */
import type { OperationId } from '@/lib/protocol/live';
import type { Blocked } from '../records/blocked';
import type { HostFacts, Operation } from './operation';
import { OPERATIONS } from './operations';

/** The first reason why an operation can't be done on a host now, or null. With `force`, only what can't be forced. */
export function checkOperation(operation: Operation, facts: HostFacts, force = false): Blocked | null {
  for (const precondition of operation.preconditions) {
    const blocked = precondition(facts);
    if (blocked && !(force && blocked.forceable)) return blocked;
  }
  return null;
}

/**
 * The lanes of a host: one command of each runs at a time. `active`: what the host is busy with; `control`: what acts
 * upon that; `dashboardCommand`: what the dashboard does itself, which the host does not notice.
 */
export type Lane = 'active' | 'control' | 'dashboardCommand';

export function laneOf({ runs, bypassesBusy }: Operation): Lane {
  if (runs === 'dashboard') return 'dashboardCommand';
  return bypassesBusy ? 'control' : 'active';
}

/** Whether it is something that the host did, and not what was done about it or to another command. */
export function isDoneByHost({ runs, ends }: Operation): boolean {
  return runs === 'agent' && ends !== 'target';
}

/** Whether an operation on this many hosts needs a fresh proof of who asks. */
export function requiresStepUp(id: OperationId, hostCount: number): boolean {
  const { needsStepUp } = OPERATIONS[id];
  return needsStepUp === 'always' || (needsStepUp === 'bulk' && hostCount > 1);
}

/** Why an operation that needs a fresh proof is refused without one. */
export function stepUpMissing(id: OperationId): Blocked {
  const reason = `${OPERATIONS[id].label} needs a fresh code from your authenticator app, or your password where there is none.`;
  return { code: 'step-up-required', reason, unblock: null, forceable: false };
}

/** The operation that goes by this name on the wire, e.g. of a status frame; null for an unknown one. */
export function operationOfWire(name: string): Operation | null {
  return (
    Object.values(OPERATIONS).find(
      (operation) => operation.wire?.kind === 'command' && operation.wire.command === name,
    ) ?? null
  );
}
