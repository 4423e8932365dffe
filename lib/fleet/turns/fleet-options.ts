/** The options of the fleet service. */
import type { EventBudget } from '@/lib/limits/event-budget';
import type { DesiredSource } from '../hosts/desired';
import type { ConfirmPolicy } from '../operations/operation-rules';
import type { FlakeUpdates } from '../records/flake-update-port';
import type { AgentPolicy } from '../records/agent-port';
import type { Clock, FleetLog, LoopTime } from '../records/environment';
import type { FleetStore } from '../records/store-port';
import type { Publisher } from '../records/publisher';
import type { DashboardExecutors } from '../records/executor-port';

export interface FleetOptions {
  store: FleetStore;
  clock: Clock;
  /** Every wait for a sign of life is measured in it. */
  loop: LoopTime;
  publisher: Publisher;
  desired: DesiredSource;
  /** Who may speak for which host. */
  agents: AgentPolicy;
  log: FleetLog;
  /** The version of this dashboard and of the agent that belongs to it. */
  version: string;
  epoch: string;
  /** Makes a command id: unique, and ordered by time. */
  newId: () => string;
  /** Characters of output stored per command at most. */
  outputLimit: number;
  /** The part of dashboard operations outside of the fleet. */
  executors?: DashboardExecutors;
  /** Whether switches are confirmed. Default: they are, with the default window. */
  confirm?: ConfirmPolicy;
  /** Merges pull requests; null if no forge is configured. */
  flakeUpdates?: FlakeUpdates | null;
  /** Default: that of `EventBudget`. */
  eventBudget?: EventBudget;
}
