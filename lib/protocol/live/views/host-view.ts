import { z } from 'zod';
import { CAPABILITIES } from '../../agent/capabilities';
import { COMPARTMENT_NAMES } from '../../compartment-names';
import { CONFIRM_SETTINGS } from '../../confirm-setting';
import { commandViewSchema } from './command-view';
import { compartmentViewSchema } from './compartment-view';
import { policyViewSchema } from './policy-view';

export const metricsViewSchema = z.object({
  cpu: z.number().nullable(),
  ram: z.number().nullable(),
  swap: z.number().nullable(),
  load: z.number().nullable(),
});
export type MetricsView = z.infer<typeof metricsViewSchema>;

export const hostViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** 'nixos' or 'macos'; anything else as the agent reports it. */
  type: z.string(),
  online: z.boolean(),
  /** When anything was last received from the host; null when it was never seen. */
  lastSeenAt: z.number().nullable(),
  heartbeatIntervalS: z.number(),
  location: z.string(),
  deviceType: z.string(),
  /** `#rrggbb`. */
  themeColor: z.string(),
  /** An operator chose the colour; the agent's is ignored. */
  themeColorPinned: z.boolean(),
  agentVersion: z.string(),
  /** 1: a version-1 agent that polls; 2: the Go agent; 3: commands with ids and acknowledged output; 0: unknown. */
  protocol: z.number(),
  /** What this dashboard could ask of an agent and this host's agent can't do; usually empty. */
  missingCapabilities: z.array(z.enum(CAPABILITIES)),
  /** A dashboard runs on this machine, so that its switches are confirmed only when an operator asks for it. */
  hostsDashboard: z.boolean(),
  /** Whether its switches are confirmed, as an operator set it. */
  confirmSwitches: z.enum(CONFIRM_SETTINGS),
  /** What the host accepts; null until its agent reports it. Agents without the capability `policy` never do. */
  policy: policyViewSchema.nullable(),
  osVersion: z.string(),
  generation: z.string(),
  /** Without credentials. */
  repoUrl: z.string(),
  /** Comment and criticality that an older dashboard had stored; several lines, or empty. */
  note: z.string(),
  compartments: z.record(z.enum(COMPARTMENT_NAMES), compartmentViewSchema),
  metrics: metricsViewSchema.nullable(),
  /** The command that keeps the host busy. */
  command: commandViewSchema.nullable(),
  /** A stop, kill, restart or reboot that is under way. */
  control: commandViewSchema.nullable(),
  /** A running dashboard operation on this host: writing its colour back, or removing it. */
  dashboardCommand: commandViewSchema.nullable(),
  /** Commands that wait for the host to reconnect, in the order in which they will be sent. */
  queue: z.array(commandViewSchema),
  /** The last command that ended. */
  lastCommand: commandViewSchema.nullable(),
  /** What the agent is running without a command of this dashboard; empty when nothing. */
  foreignCommand: z.string(),
  /** A problem with this host's connection ("a second agent uses this name from …"); empty when there is none. */
  notice: z.string(),
});
export type HostView = z.infer<typeof hostViewSchema>;
