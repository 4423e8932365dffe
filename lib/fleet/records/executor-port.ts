/** The port to whoever does the part of a dashboard operation that lies outside of the fleet. */
import type { CommandOutcome, OperationId } from '@/lib/protocol/live';
import type { Requester } from './requests';

/** What an operation of the dashboard's own came to. */
export interface DashboardOperationEnd {
  outcome: Extract<CommandOutcome, 'succeeded' | 'unchanged' | 'partial' | 'failed'>;
  /** A sentence for the operator. */
  reason: string;
}

/** One such operation on one host, as it is handed to who does it. */
export interface DashboardOperationTask {
  commandId: string;
  host: { id: string; name: string };
  args: Readonly<Record<string, unknown>>;
  by: Requester;
  /** Writes a line into the output of the command. */
  note(text: string): void;
  /** Aborted when the operation has run out of its time, or the dashboard stops. */
  signal: AbortSignal;
}

/**
 * Does the part of an operation that lies outside of the fleet, e.g. writes a colour back into the configuration
 * repository. It begins after the fleet's own part was stored. What it rejects with ends the command as failed.
 */
export type DashboardExecutor = (task: DashboardOperationTask) => Promise<DashboardOperationEnd>;

/** By operation. Without one there is nothing to do outside. Read at each use, so that one can be put in later. */
export type DashboardExecutors = Partial<Record<OperationId, DashboardExecutor>>;
