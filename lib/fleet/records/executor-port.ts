/** The port for the part of a dashboard operation that happens outside of the fleet. */
import type { Requester } from './requests';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** How a dashboard operation ended. */
export interface DashboardOperationEnd {
  outcome: Extract<CommandOutcome, 'succeeded' | 'unchanged' | 'partial' | 'failed'>;
  /** A sentence for the operator. */
  reason: string;
}

/** One dashboard operation on one host, as its executor receives it. */
export interface DashboardOperationTask {
  commandId: string;
  host: { id: string; name: string };
  args: Readonly<Record<string, unknown>>;
  by: Requester;
  /** Writes a line into the output of the command. */
  note(text: string): void;
  /** Aborted when the operation times out or the dashboard stops. */
  signal: AbortSignal;
}

/**
 * Carries out the part of an operation outside of the fleet, e.g. writes a colour back to the configuration repository. It
 * starts after the fleet's part was stored. If it rejects, the command ends as failed.
 */
export type DashboardExecutor = (task: DashboardOperationTask) => Promise<DashboardOperationEnd>;

/** Executors by operation; an operation without one has no outside part. Read at each use, so one can be added later. */
export type DashboardExecutors = Partial<Record<OperationId, DashboardExecutor>>;
