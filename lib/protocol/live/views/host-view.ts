import { z } from 'zod';
import { COMPARTMENT_NAMES } from '../../compartment-names';
import { commandViewSchema } from './command-view';
import { compartmentViewSchema } from './compartment-view';

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
  /** 'nixos' or 'macos'; anything else as the agent said it. */
  type: z.string(),
  online: z.boolean(),
  /** Last sign of life; null when the host was never seen. */
  lastSeenAt: z.number().nullable(),
  heartbeatIntervalS: z.number(),
  location: z.string(),
  deviceType: z.string(),
  /** `#rrggbb`. */
  themeColor: z.string(),
  /** An operator chose the colour: what the agent says of it does not count. */
  themeColorPinned: z.boolean(),
  agentVersion: z.string(),
  /** 1: a version-1 agent that polls; 2: the Go agent; 3: commands with ids and acknowledged output; 0: not known yet. */
  protocol: z.number(),
  osVersion: z.string(),
  generation: z.string(),
  /** Without credentials. */
  repoUrl: z.string(),
  /** Comment and criticality that an older dashboard had stored; several lines, or empty. */
  note: z.string(),
  compartments: z.record(z.enum(COMPARTMENT_NAMES), compartmentViewSchema),
  metrics: metricsViewSchema.nullable(),
  /** The command that the host is busy with. */
  command: commandViewSchema.nullable(),
  /** A stop, kill, restart or reboot that is under way. */
  control: commandViewSchema.nullable(),
  /** What the dashboard itself is doing about this host: a colour that is written back, its removal. */
  dashboardCommand: commandViewSchema.nullable(),
  /** Commands that wait for the host to come back, in the order in which they will be sent. */
  queue: z.array(commandViewSchema),
  /** The last command that ended. */
  lastCommand: commandViewSchema.nullable(),
  /** What the agent says it is running although no command of ours accounts for it; empty when nothing. */
  foreignCommand: z.string(),
  /** Something the operator should know about this host's connection ("a second agent uses this name from …"). */
  notice: z.string(),
});
export type HostView = z.infer<typeof hostViewSchema>;
