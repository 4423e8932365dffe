/** The type for a refused operation. */
import type { OperationId } from '@/lib/protocol/operation-ids';

/** Why an operation can't be sent now. */
export interface Blocked {
  code: string;
  /** A sentence for the operator. */
  reason: string;
  /** The operation that would unblock it. */
  unblock: OperationId | null;
  /** The operator may override it. */
  forceable: boolean;
}
