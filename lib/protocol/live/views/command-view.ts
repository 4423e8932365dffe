import type { OperationId } from '../../operation-ids';
import type { CommandOutcome, CommandPhase } from '../../command-phases';

export interface ProgressView {
  /** What is going on: the agent's phase, or what the output shows ("building"). */
  label: string;
  current: number;
  total: number;
}

export interface CommandView {
  id: string;
  hostId: string;
  operation: OperationId;
  phase: CommandPhase;
  outcome: CommandOutcome | null;
  /** Why it ended so, or what it waits for. A sentence; may be empty while it runs. */
  reason: string;
  progress: ProgressView | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  exitCode: number | null;
  /** Who asked for it. */
  by: string;
  /** Number of the last stored output line. */
  lines: number;
  /** While it waits for its host to come back: when it is given up. */
  expiresAt: number | null;
}
