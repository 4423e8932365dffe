/** The serializer of hosts, commands and the desired state, used by pages, the live socket and the API. */
import { isDeepStrictEqual } from 'node:util';
import { missingCapabilities } from './agent-capabilities';
import { CompartmentMemo } from './compartment-memo';
import { judgeCompartments, type CompartmentInput } from './compartments';
import type { DesiredSource, DesiredState } from './desired';
import type { CommandRecord } from '../records/command-record';
import type { Confirmation } from '../records/command-state';
import type { HostRecord } from '../records/host-record';
import { generationIn } from '@/lib/protocol/agent/system-generations';
import type { CommandView, ConfirmationView } from '@/lib/protocol/live/views/command-view';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { HostPatch } from '@/lib/protocol/live/changes';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Records are replaced, never changed, so the view of one is made once. */
const commandViews = new WeakMap<CommandRecord, CommandView>();

export function commandView(command: CommandRecord): CommandView {
  const known = commandViews.get(command);
  if (known) return known;
  const view = newCommandView(command);
  commandViews.set(command, view);
  return view;
}

function newCommandView(command: CommandRecord): CommandView {
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
    generation: generationIn(command.args),
    by: command.userName,
    lines: command.lines,
    expiresAt: state.phase === 'queued' ? state.deadline : null,
    confirmation: 'confirmation' in state && state.confirmation ? confirmationView(state.confirmation) : null,
  };
}

function confirmationView(confirmation: Confirmation): ConfirmationView {
  const { stage, endsAt, reached, checks, reason, system, previous, answer } = confirmation;
  return {
    stage,
    endsAt,
    reached,
    checks,
    reason,
    system,
    previous,
    answer: answer && { keep: answer.keep, by: answer.by },
  };
}

/** One object, so that two views of a host compare fast. */
const NO_QUEUE: CommandView[] = [];

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

/** `judge`: makes the compartments; a caller that remembers them gives its own. */
export function hostView(
  parts: HostParts,
  desired: DesiredSource,
  version: string,
  judge: (input: CompartmentInput) => HostView['compartments'] = judgeCompartments,
): HostView {
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
    hostsDashboard: record.hostsDashboard,
    confirmSwitches: record.confirmSwitches,
    policy: record.policy,
    osVersion: record.osVersion,
    generation: record.generation,
    repoUrl: record.repoUrl,
    note: record.note,
    compartments: judge({
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
    queue: parts.queue.length === 0 ? NO_QUEUE : parts.queue.map(commandView),
    lastCommand: parts.last && commandView(parts.last),
    foreignCommand: parts.foreignCommand,
    notice: parts.notice,
  };
}

/** Makes the views of the hosts of one fleet, and remembers what rarely changes in them. */
export class HostViewer {
  private readonly compartments = new CompartmentMemo();

  constructor(
    private readonly desired: DesiredSource,
    private readonly version: string,
  ) {}

  /** `host`: the identity of the host. */
  view(host: object, parts: HostParts): HostView {
    return hostView(parts, this.desired, this.version, (input) => this.compartments.of(host, input));
  }
}

export function desiredView(state: DesiredState): DesiredView {
  const { source, branch, commit, message, committedAt, commitUrl, fetchedAt, error, hint } = state;
  return { source, branch, commit, message, committedAt, commitUrl, fetchedAt, error, hint };
}

/**
 * The change between two views of one host; null if nothing changed. Compartments count as one field. Called for every
 * heartbeat: what both views have in common should be the same object.
 */
export function hostPatch(before: HostView | null, after: HostView): HostPatch | null {
  if (!before) return after;
  const patch: Record<string, unknown> = {};
  let isChanged = false;
  for (const key of Object.keys(after) as (keyof HostView)[]) {
    if (isDeepStrictEqual(before[key], after[key])) continue;
    patch[key] = after[key];
    isChanged = true;
  }
  return isChanged ? { ...patch, id: after.id } : null;
}
