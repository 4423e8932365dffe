/**
 * What crosses the socket between the dashboard and a browser (`/live`), and what a page is first painted from: one
 * set of views, one serializer. Times are epoch milliseconds by the dashboard's clock.
 */
import type { OutputStream } from './agent';
import type { FlakeUpdatesView } from './flake-updates';

/** Everything that can be done, by the name that code, pages and API use. Defined in `lib/fleet/operations/operations.ts`. */
export const OPERATION_IDS = [
  'pull',
  'switch',
  'pull-switch',
  'test',
  'rollback',
  'update',
  'stop',
  'kill',
  'restart',
  'reboot',
  'check-version',
  'refresh-git',
  'refresh-lock',
  'refresh-system',
  'refresh-all',
  'force-update',
  'merge-pr',
  'set-color',
  'remove-host',
  'add-host',
] as const;
export type OperationId = (typeof OPERATION_IDS)[number];

export const COMPARTMENT_NAMES = ['agent', 'git', 'lock', 'system', 'tests'] as const;
export type CompartmentName = (typeof COMPARTMENT_NAMES)[number];
export type CompartmentStatus = 'ok' | 'outdated' | 'error' | 'working' | 'unknown';

export interface CompartmentView {
  status: CompartmentStatus;
  /** The fact, as a sentence. */
  message: string;
  /** When the fact was learnt; null when there is none. */
  checkedAt: number | null;
  /** The operation that would mend it, when there is one. */
  next: OperationId | null;
}

/** Ends of a command. Every end has a reason that a person can read. */
export const COMMAND_OUTCOMES = [
  'succeeded',
  'unchanged',
  'partial',
  'failed',
  'stopped',
  'timed-out',
  'rejected',
  'cancelled',
  'expired',
  'superseded',
  'skipped',
  'lost',
] as const;
export type CommandOutcome = (typeof COMMAND_OUTCOMES)[number];

export const COMMAND_PHASES = [
  'queued',
  'sent',
  'running',
  'warning',
  'stopping',
  'awaiting-reconnect',
  'verifying',
  'ended',
] as const;
export type CommandPhase = (typeof COMMAND_PHASES)[number];

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
  generation: string;
  /** Without credentials. */
  repoUrl: string;
  /** Comment and criticality that an older dashboard had stored; several lines, or empty. */
  note: string;
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

export interface DesiredView {
  source: 'none' | 'feed' | 'git';
  branch: string;
  commit: string;
  message: string;
  committedAt: number | null;
  commitUrl: string | null;
  fetchedAt: number | null;
  error: { message: string; since: number } | null;
  hint: string | null;
}

export type EventLevel = 'info' | 'success' | 'warning' | 'error';
export type EventCategory = 'fleet' | 'command' | 'auth' | 'agent' | 'system';

export interface EventView {
  id: number;
  at: number;
  category: EventCategory;
  level: EventLevel;
  /** What happened, in dotted form: `command.ended`. */
  action: string;
  /** Who: an operator's name, `agent <name>` or `dashboard`. */
  actor: string;
  address: string;
  hostId: string | null;
  hostName: string;
  commandId: string | null;
  outcome: string;
  /** A sentence for a person. */
  message: string;
}

/** One line of a command's output. Colours (SGR) are kept in `text`; nothing else of a terminal is. */
export interface OutputLine {
  seq: number;
  at: number;
  /** `note`: written by the dashboard, not by the host ("3 lines are missing here"). */
  stream: OutputStream | 'note';
  text: string;
}

export const PIPELINE_KINDS = ['do-all', 'merge-deploy', 'update-agent', 'force-rebuild', 'custom'] as const;
export type PipelineKind = (typeof PIPELINE_KINDS)[number];

/**
 * `succeeded`: every host went through all stages; `partial`: some did; `failed`: none did; `cancelled`: an operator
 * ended it before.
 */
export const PIPELINE_OUTCOMES = ['succeeded', 'partial', 'failed', 'cancelled'] as const;
export type PipelineOutcome = (typeof PIPELINE_OUTCOMES)[number];

/** One stage of a pipeline on one host, or the one that the dashboard does before all hosts. */
export interface PipelineStepView {
  /** `waiting`: the host can't take it yet; `reason` says why. */
  status: 'waiting' | 'running' | 'done' | 'failed';
  /** Its output; null where no command was sent. */
  commandId: string | null;
  outcome: CommandOutcome | null;
  startedAt: number;
  endedAt: number | null;
  reason: string;
}

export type PipelineHostStatus = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

export interface PipelineHostView {
  hostId: string;
  name: string;
  status: PipelineHostStatus;
  /** One for each stage that was begun, in order. */
  steps: PipelineStepView[];
  /** Why it dropped out or was skipped; empty otherwise. */
  reason: string;
}

/** A pipeline without its hosts, as lists show it. */
export interface PipelineSummary {
  id: string;
  kind: PipelineKind;
  /** All stages in order, also the one that the dashboard does. */
  stages: OperationId[];
  parallelism: number;
  stopOnFailure: boolean;
  phase: 'running' | 'cancelling' | 'ended';
  outcome: PipelineOutcome | null;
  /** How it ended, or why it begins nothing more. A sentence; may be empty while it runs. */
  reason: string;
  /** The stage that the dashboard does once, before the hosts; null when there is none. */
  prelude: PipelineStepView | null;
  counts: Record<PipelineHostStatus, number>;
  /** Who asked for it. */
  by: string;
  createdAt: number;
  endedAt: number | null;
}

export interface PipelineView extends PipelineSummary {
  hosts: PipelineHostView[];
}

/** `hosts`: those that changed. */
export type PipelinePatch = { id: string } & Partial<Omit<PipelineView, 'id'>>;

/** Something that is wrong with the dashboard itself, shown on every page until it is mended. */
export interface ServiceNotice {
  level: 'warning' | 'error';
  message: string;
}

/** The whole fleet as a browser knows it, at one version. */
export interface FleetView {
  /** Changes with each start of the dashboard; versions of different epochs do not compare. */
  epoch: string;
  version: number;
  hosts: HostView[];
  desired: DesiredView;
  updates: FlakeUpdatesView;
  notices: ServiceNotice[];
  /** Those that have not ended, and the last ones that did. */
  pipelines: PipelineView[];
}

export type HostPatch = { id: string } & Partial<Omit<HostView, 'id'>>;

/** Everything that changed from one version to another. A host that is not known yet comes whole. */
export interface FleetChanges {
  /** Applies to a view of this version only. */
  from: number;
  version: number;
  hosts?: HostPatch[];
  removed?: string[];
  desired?: DesiredView;
  updates?: FlakeUpdatesView;
  notices?: ServiceNotice[];
  events?: EventView[];
  /** A pipeline that is not known yet comes whole. */
  pipelines?: PipelinePatch[];
  removedPipelines?: string[];
}

export type LiveServerMessage =
  | { t: 'hello'; buildId: string; serverTime: number; demo: boolean }
  | { t: 'snapshot'; fleet: FleetView }
  | ({ t: 'changes' } & FleetChanges)
  /** Lines of a command that this browser watches; `done` after the last line of an ended command. */
  | { t: 'output'; commandId: string; lines: OutputLine[]; done?: true }
  /** The command or its output is not there (any more). */
  | { t: 'no-output'; commandId: string; reason: string }
  | { t: 'pong'; serverTime: number }
  /** The server is about to restart: reconnect soon. */
  | { t: 'goodbye'; reason: string };

/** What a browser sends. Parsed by `live-client.ts`, which stays on the server. */
export type LiveClientMessage =
  /** First message: what the page was painted with, if anything; the server answers with what is missing. */
  | { t: 'hello'; epoch?: string; version?: number }
  /** After a gap: send everything again. */
  | { t: 'resync' }
  /** Follow the output of a command, from the line after `after`. */
  | { t: 'watch'; commandId: string; after: number }
  | { t: 'unwatch'; commandId: string }
  | { t: 'ping' };

/** Close codes of `/live` beside the standard ones. */
export const LIVE_CLOSE = {
  /** The session ended: sign in again, do not reconnect. */
  SIGNED_OUT: 4401,
  /** The message was not of the protocol. */
  BAD_MESSAGE: 4400,
} as const;

/** Applies changes to a view, or gives null when they do not follow it (then ask for everything: `resync`). */
export function applyChanges(view: FleetView, changes: FleetChanges): FleetView | null {
  if (changes.from !== view.version) return null;
  let hosts = view.hosts;
  if (changes.hosts?.length || changes.removed?.length) {
    const byId = new Map(hosts.map((host) => [host.id, host]));
    for (const id of changes.removed ?? []) byId.delete(id);
    for (const patch of changes.hosts ?? []) {
      const known = byId.get(patch.id);
      if (known) byId.set(patch.id, { ...known, ...patch });
      else if (isWholeHost(patch)) byId.set(patch.id, patch);
      else return null;
    }
    hosts = [...byId.values()];
  }
  const pipelines = patchPipelines(view.pipelines, changes);
  if (!pipelines) return null;
  return {
    epoch: view.epoch,
    version: changes.version,
    hosts,
    pipelines,
    desired: changes.desired ?? view.desired,
    updates: changes.updates ?? view.updates,
    notices: changes.notices ?? view.notices,
  };
}

function isWholeHost(patch: HostPatch): patch is HostView {
  return patch.compartments !== undefined && patch.name !== undefined;
}

function patchPipelines(known: PipelineView[], changes: FleetChanges): PipelineView[] | null {
  if (!changes.pipelines?.length && !changes.removedPipelines?.length) return known;
  const byId = new Map(known.map((pipeline) => [pipeline.id, pipeline]));
  for (const id of changes.removedPipelines ?? []) byId.delete(id);
  for (const patch of changes.pipelines ?? []) {
    const before = byId.get(patch.id);
    if (before) byId.set(patch.id, { ...before, ...patch, hosts: patchPipelineHosts(before.hosts, patch.hosts) });
    else if (isWholePipeline(patch)) byId.set(patch.id, patch);
    else return null;
  }
  return [...byId.values()];
}

function isWholePipeline(patch: PipelinePatch): patch is PipelineView {
  return patch.stages !== undefined && patch.hosts !== undefined;
}

/** Puts changed hosts in the place of what was known of them, in their order. */
export function patchPipelineHosts(
  known: PipelineHostView[],
  changed: readonly PipelineHostView[] | undefined,
): PipelineHostView[] {
  if (!changed || changed.length === 0) return known;
  const byId = new Map(changed.map((host) => [host.hostId, host]));
  return known.map((host) => byId.get(host.hostId) ?? host);
}
