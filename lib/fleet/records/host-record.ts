/** The stored record of a host. */
import type { CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { ConfirmSetting } from '@/lib/protocol/confirm-setting';
import type { MetricsView } from '@/lib/protocol/live/views/host-view';
import type { PolicyView } from '@/lib/protocol/live/views/policy-view';

/** What a host reported about one of its compartments, and for which generation that holds. */
export interface CompartmentReport {
  status: CompartmentStatus;
  message: string;
  /**
   * The agent's time of the report: the same report sent again proves nothing new. For a conclusion of the dashboard: a
   * mark of the report it replaces, so that repeating that does not restore it; or empty.
   */
  saidAt: string;
  /** By the dashboard's clock: when it was first reported. */
  at: number;
  /** The host's generation when it was reported; a report for another generation proves nothing. */
  generation: string;
}

/** A host as it is stored. `id` is the only key; `name` is what its agent calls itself, lower-case. */
export interface HostRecord {
  id: string;
  name: string;
  type: string;
  location: string;
  deviceType: string;
  themeColor: string;
  /** Set by an operator: an agent's register no longer overwrites the colour. */
  themeColorPinned: boolean;
  /** Whether its switches are confirmed, as an operator set it. */
  confirmSwitches: ConfirmSetting;
  /** Comment and criticality that an older dashboard had stored; several lines, or empty. Never changed. */
  note: string;
  agentVersion: string;
  protocol: number;
  /**
   * What its agent named in its last `register`; null when it named none. Kept in memory only: after a restart of the
   * dashboard it is null until the agent registers again.
   */
  capabilities: readonly string[] | null;
  /** A dashboard runs on this machine. Kept in memory only, as the capabilities. */
  hostsDashboard: boolean;
  /** What the host accepts, as its agent reported it last; null when it does not report that. */
  policy: PolicyView | null;
  osVersion: string;
  generation: string;
  repoUrl: string;
  storePath: string;
  binaryHash: string;
  lockHash: string;
  heartbeatIntervalS: number;
  lock: CompartmentReport | null;
  system: CompartmentReport | null;
  tests: CompartmentReport | null;
  metrics: MetricsView | null;
  metricsAt: number | null;
  createdAt: number;
  lastSeenAt: number | null;
}

/** A host's metrics at one moment, for charts. */
export interface MetricsSample {
  hostId: string;
  at: number;
  metrics: MetricsView;
}
