import type { OperationId } from '../../operation-ids';
import type { CompartmentStatus } from '../../compartment-names';

export interface CompartmentView {
  status: CompartmentStatus;
  /** The fact, as a sentence. */
  message: string;
  /** When the fact was learnt; null when there is none. */
  checkedAt: number | null;
  /** The operation that would mend it, when there is one. */
  next: OperationId | null;
}
