import type { CompartmentName } from '../../compartment-names';
import type { CompartmentView } from './compartment-view';
import type { CommandView } from './command-view';

export interface MetricsView {
  cpu: number | null;
  ram: number | null;
  swap: number | null;
  load: number | null;
}

export interface HostView {
  id: string;
  name: string;
  /** 'nixos' or 'macos'; anything else as the agent said it. */
  type: string;
  online: boolean;
  /** Last sign of life; null when the host was never seen. */
  lastSeenAt: number | null;
  heartbeatIntervalS: number;
  location: string;
  deviceType: string;
  /** `#rrggbb`. */
  themeColor: string;
  /** An operator chose the colour: what the agent says of it does not count. */
  themeColorPinned: boolean;
  agentVersion: string;
  /** 1: a version-1 agent that polls; 2: the Go agent; 3: commands with ids and acknowledged output; 0: not known yet. */
  protocol: number;
  osVersion: string;
  nixpkgsVersion: string;
  generation: string;
  /** Without credentials. */
  repoUrl: string;
  repoDir: string;
  compartments: Record<CompartmentName, CompartmentView>;
  metrics: MetricsView | null;
  /** The command that the host is busy with. */
  command: CommandView | null;
  /** A stop, kill, restart or reboot that is under way. */
  control: CommandView | null;
  /** What the dashboard itself is doing about this host: a colour that is written back, its removal. */
  dashboardCommand: CommandView | null;
  /** Commands that wait for the host to come back, in the order in which they will be sent. */
  queue: CommandView[];
  /** The last command that ended. */
  lastCommand: CommandView | null;
  /** What the agent says it is running although no command of ours accounts for it; empty when nothing. */
  foreignCommand: string;
  /** Something the operator should know about this host's connection ("a second agent uses this name from …"). */
  notice: string;
}
