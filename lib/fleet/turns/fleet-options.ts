/** What the fleet is built from. */
import type { DesiredSource } from '../hosts/desired';
import type { FlakeUpdates } from '../records/flake-update-port';
import type { AgentPolicy } from '../records/agent-port';
import type { Clock, FleetLog, LoopTime } from '../records/environment';
import type { FleetStore } from '../records/store-port';
import type { Publisher } from '../records/publisher';
import type { DashboardExecutors } from '../records/executor-port';

export interface FleetOptions {
  store: FleetStore;
  clock: Clock;
  /** What every wait for a sign of life is measured in. */
  loop: LoopTime;
  publisher: Publisher;
  desired: DesiredSource;
  /** Who may speak for which host. */
  agents: AgentPolicy;
  log: FleetLog;
  /** The version of this dashboard and of the agent that belongs to it. */
  version: string;
  epoch: string;
  /** Makes the id of a command: unique, and in order of time. */
  newId: () => string;
  /** Characters of output that are kept per command. */
  outputLimit: number;
  /** How long an agent's input may wait for those of others to share one transaction (milliseconds); 0: not at all. */
  groupMs: number;
  /** What the dashboard's own operations do outside of the fleet. */
  executors?: DashboardExecutors;
  /** Where pull requests are merged; null where no forge is configured. */
  flakeUpdates?: FlakeUpdates | null;
}
