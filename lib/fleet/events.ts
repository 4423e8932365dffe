/** The fleet's events, worded once. */
import type { CommandOutcome, EventLevel } from '@/lib/protocol/live';
import { OPERATIONS } from './operations/operations';
import type { CommandRecord } from './records/command-record';
import type { HostRecord } from './records/host-record';
import type { NewEvent } from './records/event-record';
import type { Requester } from './records/requests';

type Host = Pick<HostRecord, 'id' | 'name'>;

/** An event's fields about whom and what it concerns, where it concerns none. */
export const NOBODY = { userId: null, address: '', hostId: null, hostName: '', commandId: null, outcome: '' } as const;

/** What the dashboard did of itself. */
export const BY_DASHBOARD = { actorKind: 'dashboard', actor: 'dashboard' } as const;

const LEVELS: Record<CommandOutcome, EventLevel> = {
  succeeded: 'success',
  unchanged: 'success',
  partial: 'warning',
  failed: 'error',
  stopped: 'warning',
  'timed-out': 'error',
  rejected: 'warning',
  cancelled: 'info',
  expired: 'warning',
  superseded: 'info',
  skipped: 'info',
  lost: 'error',
};

export function byOperator(by: Requester): Pick<NewEvent, 'actorKind' | 'actor' | 'userId' | 'address'> {
  return { actorKind: 'operator', actor: by.userName, userId: by.userId, address: by.address };
}

export function commandRequested(host: Host, command: CommandRecord, at: number, by: Requester): NewEvent {
  const { label } = OPERATIONS[command.operation];
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'command',
    level: 'info',
    action: 'command.requested',
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `${label} was asked for on ${host.name}${command.forced ? ', by force' : ''}.`,
    ...(command.args === null ? {} : { data: { args: command.args } }),
  };
}

/** `polls`: the host is there, with a version-1 agent that has to ask for it. */
export function commandQueued(host: Host, command: CommandRecord, polls: boolean, at: number): NewEvent {
  const until = command.state.phase === 'queued' ? new Date(command.state.deadline).toISOString() : '';
  const whom = polls ? `until the version-1 agent of ${host.name} asks` : `for ${host.name}, which is offline`;
  return {
    ...NOBODY,
    ...BY_DASHBOARD,
    at,
    category: 'command',
    level: 'info',
    action: 'command.queued',
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `${OPERATIONS[command.operation].label} waits ${whom}, until ${until} at the latest.`,
  };
}

export function commandDequeued(host: Host, command: CommandRecord, at: number): NewEvent {
  return {
    ...NOBODY,
    ...BY_DASHBOARD,
    at,
    category: 'command',
    level: 'info',
    action: 'command.dequeued',
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `${host.name} is back: ${OPERATIONS[command.operation].label}, which ${command.userName} had asked for, was sent.`,
  };
}

export function commandHandedOut(host: Host, command: CommandRecord, at: number): NewEvent {
  return {
    ...NOBODY,
    ...BY_DASHBOARD,
    at,
    category: 'command',
    level: 'info',
    action: 'command.handed-out',
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `The version-1 agent of ${host.name} was given ${OPERATIONS[command.operation].label}, which ${command.userName} had asked for.`,
  };
}

export function commandCancelled(host: Host, command: CommandRecord, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'command',
    level: 'info',
    action: 'command.cancelled',
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `${OPERATIONS[command.operation].label} for ${host.name} was taken back before it was sent.`,
  };
}

export function commandBlocked(host: Host, label: string, reason: string, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'command',
    level: 'warning',
    action: 'command.blocked',
    hostId: host.id,
    hostName: host.name,
    outcome: 'blocked',
    message: `${label} on ${host.name} was refused: ${reason}`,
  };
}

export function commandEnded(host: Host, command: CommandRecord, at: number): NewEvent {
  const { label, runs } = OPERATIONS[command.operation];
  const outcome = command.outcome ?? 'lost';
  const exit = command.exitCode === null ? '' : ` (exit code ${command.exitCode})`;
  return {
    ...NOBODY,
    at,
    category: 'command',
    level: LEVELS[outcome],
    action: 'command.ended',
    ...(runs === 'dashboard' ? BY_DASHBOARD : ({ actorKind: 'agent', actor: `agent ${host.name}` } as const)),
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    outcome,
    message: `${label} on ${host.name}: ${outcome}${exit}.${command.reason === '' ? '' : ` ${command.reason}`}`,
  };
}

export function commandWarning(host: Host, command: CommandRecord, why: string, at: number): NewEvent {
  return {
    ...NOBODY,
    at,
    category: 'command',
    level: 'warning',
    action: 'command.warning',
    ...BY_DASHBOARD,
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `${OPERATIONS[command.operation].label} on ${host.name}: ${why}`,
  };
}

/** A refusal that is about no host that is known. */
export function refusedWithoutHost(what: string, reason: string, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'command',
    level: 'warning',
    action: 'command.blocked',
    outcome: 'blocked',
    message: `${what} was refused: ${reason}`,
  };
}

export function hostAdded(host: Host, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'fleet',
    level: 'success',
    action: 'host.added',
    hostId: host.id,
    hostName: host.name,
    outcome: 'succeeded',
    message: `${host.name} was added. It is taken for that host when its agent connects.`,
  };
}

export function hostRemoved(host: Host, commandId: string, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'fleet',
    level: 'warning',
    action: 'host.removed',
    hostId: host.id,
    hostName: host.name,
    commandId,
    outcome: 'succeeded',
    message: `${host.name} was removed, with its commands, their output and its metrics. An agent of that name that connects comes as a new host.`,
  };
}

/** Something about an agent: it came, went, is held, sent what can't be read. */
export function agentEvent(
  action: string,
  level: EventLevel,
  message: string,
  at: number,
  address: string,
  host: Host | null,
  data?: Record<string, unknown>,
): NewEvent {
  return {
    ...NOBODY,
    at,
    category: 'agent',
    level,
    action,
    actorKind: 'agent',
    actor: host ? `agent ${host.name}` : 'agent',
    address,
    hostId: host?.id ?? null,
    hostName: host?.name ?? '',
    message,
    data,
  };
}

export function commandExtended(host: Host, command: CommandRecord, ms: number, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'command',
    level: 'info',
    action: 'command.extended',
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    message: `${OPERATIONS[command.operation].label} on ${host.name} was given ${Math.round(ms / 60_000)} more minutes.`,
  };
}

export function hostApproved(host: Host, at: number, by: Requester): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(by),
    at,
    category: 'fleet',
    level: 'success',
    action: 'host.approved',
    hostId: host.id,
    hostName: host.name,
    message: `${host.name} was approved.`,
  };
}

export function hostEnrolled(host: Host, at: number, address: string): NewEvent {
  return agentEvent('host.added', 'success', `${host.name} came in with an enrolment code.`, at, address, host);
}
