/** The serializer of hosts, commands and the desired state, used by pages, the live socket and the API. */
import { missingCapabilities } from './agent-capabilities';
import { judgeCompartments } from './compartments';
import type { DesiredSource, DesiredState } from './desired';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { HostPatch } from '@/lib/protocol/live/changes';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export function commandView(command: CommandRecord): CommandView {
  const { state } = command;
  return {
    id: command.id,
    hostId: command.hostId,
    operation: command.operation,
    phase: state.phase,
    outcome: command.outcome,
    reason: state.phase === 'warning' ? state.why : command.reason,
    progress: 'progress' in state ? state.progress : null,
    createdAt: command.createdAt,
    startedAt: command.startedAt,
    endedAt: command.endedAt,
    exitCode: command.exitCode,
    by: command.userName,
    lines: command.lines,
    expiresAt: state.phase === 'queued' ? state.deadline : null,
  };
}

export interface HostParts {
  record: HostRecord;
  online: boolean;
  active: CommandRecord | null;
  control: CommandRecord | null;
  dashboardCommand: CommandRecord | null;
  queue: readonly CommandRecord[];
  last: CommandRecord | null;
  foreignCommand: string;
  notice: string;
}

export function hostView(parts: HostParts, desired: DesiredSource, version: string): HostView {
  const { record } = parts;
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    online: parts.online,
    lastSeenAt: record.lastSeenAt,
    heartbeatIntervalS: record.heartbeatIntervalS,
    location: record.location,
    deviceType: record.deviceType,
    themeColor: record.themeColor,
    themeColorPinned: record.themeColorPinned,
    agentVersion: record.agentVersion,
    protocol: record.protocol,
    missingCapabilities: missingCapabilities(record),
    osVersion: record.osVersion,
    generation: record.generation,
    repoUrl: record.repoUrl,
    note: record.note,
    compartments: judgeCompartments({
      host: record,
      desired: desired.state,
      relation: desired.relate(record.generation),
      version,
      running: parts.active?.operation ?? null,
    }),
    metrics: record.metrics,
    command: parts.active && commandView(parts.active),
    control: parts.control && commandView(parts.control),
    dashboardCommand: parts.dashboardCommand && commandView(parts.dashboardCommand),
    queue: parts.queue.map(commandView),
    lastCommand: parts.last && commandView(parts.last),
    foreignCommand: parts.foreignCommand,
    notice: parts.notice,
  };
}

export function desiredView(state: DesiredState): DesiredView {
  const { source, branch, commit, message, committedAt, commitUrl, fetchedAt, error, hint } = state;
  return { source, branch, commit, message, committedAt, commitUrl, fetchedAt, error, hint };
}

/** The change between two views of one host; null if nothing changed. Compartments count as one field. */
export function hostPatch(before: HostView | null, after: HostView): HostPatch | null {
  if (!before) return after;
  const changed = (Object.keys(after) as (keyof HostView)[]).filter((key) => !sameValue(before[key], after[key]));
  if (changed.length === 0) return null;
  return { id: after.id, ...Object.fromEntries(changed.map((key) => [key, after[key]])) };
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
