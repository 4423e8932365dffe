/** The events of the fleet: one function per kind, with its sentence. */
import { nounPhrase, OUTCOME_PHRASES } from './operations/operation-words';
import { OPERATIONS } from './operations/operations';
import type { CommandRecord } from './records/command-record';
import type { HostRecord } from './records/host-record';
import type { NewEvent } from './records/event-record';
import type { Requester } from './records/requests';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { EventLevel } from '@/lib/protocol/event-categories';
import type { OperationId } from '@/lib/protocol/operation-ids';

type Host = Pick<HostRecord, 'id' | 'name'>;

/** The empty subject of an event: no user, no host, no command. */
export const NOBODY = { userId: null, address: '', hostId: null, hostName: '', commandId: null, outcome: '' } as const;

/** The actor of what the dashboard does without an operator. */
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
    message: `The ${nounPhrase(command.operation, host.name)} was requested${command.forced ? ' despite a failed precondition' : ''}.`,
    ...(command.args === null ? {} : { data: { args: command.args } }),
  };
}

/** `polls`: the host is online with a version-1 agent, which fetches its commands itself. */
export function commandQueued(host: Host, command: CommandRecord, polls: boolean, at: number): NewEvent {
  const until = command.state.phase === 'queued' ? new Date(command.state.deadline).toISOString() : '';
  const event = polls ? 'its version-1 agent polls' : 'the host is online';
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
    message: `The ${nounPhrase(command.operation, host.name)} is queued until ${event}. It expires at ${until}.`,
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
    message: `${host.name} is back online: the ${nounPhrase(command.operation)} requested by ${command.userName} was sent.`,
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
    message: `The version-1 agent of ${host.name} fetched the ${nounPhrase(command.operation)} requested by ${command.userName}.`,
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
    message: `The ${nounPhrase(command.operation, host.name)} was cancelled before it was sent.`,
  };
}

export function commandBlocked(
  host: Host,
  operation: OperationId,
  reason: string,
  at: number,
  by: Requester,
): NewEvent {
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
    message: `The ${nounPhrase(operation, host.name)} was refused: ${reason}`,
  };
}

export function commandEnded(host: Host, command: CommandRecord, at: number): NewEvent {
  const { runs } = OPERATIONS[command.operation];
  const outcome = command.outcome ?? 'lost';
  const what = nounPhrase(command.operation, host.name);
  // 0 adds nothing to a success, and a reason may name the code already.
  const isShown = command.exitCode !== null && command.exitCode !== 0;
  const exit =
    isShown && !command.reason.includes(`exit code ${command.exitCode}`) ? ` (exit code ${command.exitCode})` : '';
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
    message: `The ${what} ${OUTCOME_PHRASES[outcome]}${exit}.${command.reason === '' ? '' : ` ${command.reason}`}`,
  };
}

/** A result corrected the end of a command. The event of its first end stays. */
export function commandCorrected(host: Host, command: CommandRecord, at: number): NewEvent {
  const outcome = command.outcome ?? 'lost';
  return {
    ...NOBODY,
    at,
    category: 'command',
    level: LEVELS[outcome],
    action: 'command.late-result',
    actorKind: 'agent',
    actor: `agent ${host.name}`,
    hostId: host.id,
    hostName: host.name,
    commandId: command.id,
    outcome,
    message: `The ${nounPhrase(command.operation, host.name)} ${OUTCOME_PHRASES[outcome]}. ${command.reason}`,
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
    message: `The ${nounPhrase(command.operation, host.name)} needs attention. ${why}`,
  };
}

/** The refusal of a request that names no known host. */
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
    message: `${host.name} was added. An agent that connects with this name is assigned to it.`,
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
    message: `${host.name} was removed, together with its commands, their output and its metrics. An agent that connects with this name becomes a new host.`,
  };
}

/** An event about an agent: it connected, disconnected, is held, or sent something that can't be read. */
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
  const minutes = Math.round(ms / 60_000);
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
    message: `The deadline of the ${nounPhrase(command.operation, host.name)} was extended by ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
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
  return agentEvent('host.added', 'success', `${host.name} was enrolled with an enrolment code.`, at, address, host);
}
