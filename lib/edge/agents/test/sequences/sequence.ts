/** One command: what an agent was seen to send for it, and how the command must end. */
import { answer, close, dial, type Expected, type Script } from '../../../testing/script';
import type { OperationId } from '@/lib/protocol/operation-ids';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

export interface Case {
  name: string;
  operation: OperationId;
  script: Script;
  ends: Expected;
  /** How the other requested operations end. */
  others?: Partial<Record<OperationId, Expected>>;
  /** What the agent registers with, beside its name. */
  register?: Record<string, unknown>;
}

/** After an idle command's status the agent is asked for a heartbeat, and gives it. */
export const quiet = answer();
export const restarted = [close(1000), dial()];
