/** The stored record of a command and its output. */
import type { CommandState } from './command-state';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** One operation sent to one host. The record is the truth; what an agent reports is evidence. */
export interface CommandRecord {
  id: string;
  hostId: string;
  operation: OperationId;
  state: CommandState;
  /** A repeated request with the same id makes no second command. */
  requestId: string;
  /** The command that this one acts on (stop, kill). */
  targetId: string | null;
  forced: boolean;
  userId: string;
  userName: string;
  address: string;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  outcome: CommandOutcome | null;
  exitCode: number | null;
  reason: string;
  /** Number of the last stored output line. */
  lines: number;
  /** The agent's number of the last stored line (protocol 3); repeated lines are dropped. */
  agentSeq: number;
  /** Characters of stored output. */
  outputSize: number;
  /** The limit on output size was reached: later lines were counted but not stored. */
  outputTruncated: boolean;
  /** The arguments of the operation (a colour, a pull request, a generation); null for most. */
  args: Record<string, unknown> | null;
  /** The pipeline that sent it. */
  pipelineId: string | null;
}

export interface OutputBatch {
  commandId: string;
  /** Consecutive: `lines[i].seq === lines[0].seq + i`. */
  lines: readonly OutputLine[];
}
