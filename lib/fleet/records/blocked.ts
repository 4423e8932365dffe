/** Why an operation can’t be done now. */
import type { OperationId } from '@/lib/protocol/live';

/** Why an operation can't be done now. */
export interface Blocked {
  code: string;
  /** A sentence for the operator. */
  reason: string;
  /** The operation that would unblock it. */
  unblock: OperationId | null;
  /** The operator may go ahead all the same. */
  forceable: boolean;
}
