/** Creates the events of the fleet. `events/` says what belongs to each code. */
import { OPERATIONS } from './operations/operations';
import type { AgentFault } from './events/agent-event-kinds';
import type { EventParams } from './events/event-table';
import type { Blocked } from './records/blocked';
import type { CommandRecord } from './records/command-record';
import type { ConfirmSetting } from '@/lib/protocol/confirm-setting';
import type { HostRecord } from './records/host-record';
import type { EventHead, NewEvent } from './records/event-record';
import type { DispatchRequest, Requester } from './records/requests';
import { generationIn } from '@/lib/protocol/agent/system-generations';
import type { OperationId } from '@/lib/protocol/operation-ids';

export { chainOf } from './events/event-table';
export { heldSentence } from './events/held-reasons';

type Host = Pick<HostRecord, 'id' | 'name'>;

/** The empty subject of an event: no user, no host, no command. */
export const NOBODY = { userId: null, address: '', hostId: null, hostName: '', commandId: null } as const;

/** The actor of what the dashboard does without an operator. */
export const BY_DASHBOARD = { actorKind: 'dashboard', actor: 'dashboard' } as const;

export function byOperator(by: Requester): Pick<EventHead, 'actorKind' | 'actor' | 'userId' | 'address'> {
  return { actorKind: 'operator', actor: by.userName, userId: by.userId, address: by.address };
}

const about = ({ id, name }: Host) => ({ hostId: id, hostName: name });

const byAgent = (host: Host | null, address: string) => ({
  ...NOBODY,
  actorKind: 'agent' as const,
  actor: host ? `agent ${host.name}` : 'agent',
  address,
  hostId: host?.id ?? null,
  hostName: host?.name ?? '',
});

// ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function operatorOnCommand(host: Host, command: CommandRecord, at: number, by: Requester): EventHead {
  return { ...NOBODY, ...byOperator(by), at, ...about(host), commandId: command.id };
}

function dashboardOnCommand(host: Host, command: CommandRecord, at: number): EventHead {
  return { ...NOBODY, ...BY_DASHBOARD, at, ...about(host), commandId: command.id };
}

type Args = Readonly<Record<string, unknown>>;

/** What names a command in its events: its operation, and the generation that it switches to. */
function nameOf({ operation, args }: Pick<CommandRecord, 'operation'> & { args?: Args | null | undefined }): {
  operation: OperationId;
  generation?: number;
} {
  const generation = generationIn(args ?? null);
  return generation === null ? { operation } : { operation, generation };
}

export function commandRequested(host: Host, command: CommandRecord, at: number, by: Requester): NewEvent {
  const { forced, args } = command;
  return {
    ...operatorOnCommand(host, command, at, by),
    action: 'command.requested',
    params: { ...nameOf(command), forced, ...(args === null ? {} : { args }) },
  };
}

/** `polls`: the host is online with a version-1 agent, which fetches its commands itself. */
export function commandQueued(host: Host, command: CommandRecord, polls: boolean, at: number): NewEvent {
  const { state } = command;
  return {
    ...dashboardOnCommand(host, command, at),
    action: 'command.queued',
    params: {
      ...nameOf(command),
      waitsFor: polls ? 'poll' : 'connection',
      expiresAt: state.phase === 'queued' ? state.deadline : at,
    },
  };
}

export function commandDequeued(host: Host, command: CommandRecord, at: number): NewEvent {
  const { userName } = command;
  return {
    ...dashboardOnCommand(host, command, at),
    action: 'command.dequeued',
    params: { ...nameOf(command), requestedBy: userName },
  };
}

export function commandHandedOut(host: Host, command: CommandRecord, at: number): NewEvent {
  const { userName } = command;
  return {
    ...dashboardOnCommand(host, command, at),
    action: 'command.handed-out',
    params: { ...nameOf(command), requestedBy: userName },
  };
}

export function commandCancelled(host: Host, command: CommandRecord, at: number, by: Requester): NewEvent {
  return {
    ...operatorOnCommand(host, command, at, by),
    action: 'command.cancelled',
    params: nameOf(command),
  };
}

export function commandExtended(host: Host, command: CommandRecord, ms: number, at: number, by: Requester): NewEvent {
  return {
    ...operatorOnCommand(host, command, at, by),
    action: 'command.extended',
    params: { ...nameOf(command), minutes: Math.round(ms / 60_000) },
  };
}

export function commandAnswered(
  host: Host,
  command: CommandRecord,
  keep: boolean,
  at: number,
  by: Requester,
): NewEvent {
  const answer = keep ? ('keep' as const) : ('revert' as const);
  return {
    ...operatorOnCommand(host, command, at, by),
    action: 'command.answered',
    params: { operation: command.operation, answer },
  };
}

export function commandBlocked(
  host: Host,
  request: Pick<DispatchRequest, 'operation' | 'args' | 'by'>,
  { code, reason }: Blocked,
  at: number,
): NewEvent {
  return {
    ...NOBODY,
    ...byOperator(request.by),
    at,
    ...about(host),
    action: 'command.blocked',
    params: { request: 'operation', ...nameOf(request), code, reason },
  };
}

/** The refusal of a request that names no known host. */
export function refusedWithoutHost(
  params: Exclude<EventParams<'command.blocked'>, { request: 'operation' }>,
  at: number,
  by: Requester,
): NewEvent {
  return { ...NOBODY, ...byOperator(by), at, action: 'command.blocked', params };
}

export function commandEnded(host: Host, command: CommandRecord, at: number): NewEvent {
  const { operation, outcome, exitCode, reason } = command;
  const { runs } = OPERATIONS[operation];
  return {
    ...dashboardOnCommand(host, command, at),
    ...(runs === 'dashboard' ? {} : ({ actorKind: 'agent', actor: `agent ${host.name}` } as const)),
    action: 'command.ended',
    params: { ...nameOf(command), outcome: outcome ?? 'lost', exitCode, reason },
  };
}

/** A result corrected the end of a command. The event of its first end stays. */
export function commandCorrected(host: Host, command: CommandRecord, at: number): NewEvent {
  const { outcome, reason } = command;
  return {
    ...dashboardOnCommand(host, command, at),
    actorKind: 'agent',
    actor: `agent ${host.name}`,
    action: 'command.late-result',
    params: { ...nameOf(command), outcome: outcome ?? 'lost', reason },
  };
}

export function commandWarning(host: Host, command: CommandRecord, why: string, at: number): NewEvent {
  return {
    ...dashboardOnCommand(host, command, at),
    action: 'command.warning',
    params: { ...nameOf(command), why },
  };
}

// ── hosts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export function hostAdded(host: Host, at: number, by: Requester): NewEvent {
  return { ...NOBODY, ...byOperator(by), at, ...about(host), action: 'host.added', params: { by: 'operator' } };
}

/** `by`: how its agent became a host. */
export function hostAddedByAgent(
  host: Host,
  by: Exclude<EventParams<'host.added'>['by'], 'operator'>,
  at: number,
  address: string,
): NewEvent {
  return { ...byAgent(host, address), at, action: 'host.added', params: { by } };
}

export function hostApproved(host: Host, at: number, by: Requester): NewEvent {
  return { ...NOBODY, ...byOperator(by), at, ...about(host), action: 'host.approved', params: {} };
}

export function hostConfirmSet(host: Host, setting: ConfirmSetting, at: number, by: Requester): NewEvent {
  return { ...NOBODY, ...byOperator(by), at, ...about(host), action: 'host.confirm-set', params: { setting } };
}

export function hostRemoved(host: Host, commandId: string, at: number, by: Requester): NewEvent {
  return { ...NOBODY, ...byOperator(by), at, ...about(host), commandId, action: 'host.removed', params: {} };
}

// ── agents ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `version`: as the agent reports it; empty when it does not. `polls`: it is a version-1 agent. */
export function agentConnected(host: Host, version: string, polls: boolean, at: number, address: string): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.connected', params: { polls, version } };
}

export function agentDisconnected(
  host: Host,
  params: EventParams<'agent.disconnected'>,
  at: number,
  address: string,
): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.disconnected', params };
}

/** It connected more than `connects` times within an hour. */
export function agentUnsteady(host: Host, connects: number, at: number, address: string): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.unsteady', params: { connects } };
}

/** `host`: null when the agent belongs to none. */
export function agentHeld(host: Host | null, why: EventParams<'agent.held'>, at: number, address: string): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.held', params: why };
}

/** `address`: where most of the closed connections came from. */
export function agentLimit(params: EventParams<'agent.limit'>, at: number, address: string): NewEvent {
  return { ...byAgent(null, address), at, action: 'agent.limit', params };
}

/** `host`: null while the agent speaks for none. */
export function agentFault(host: Host | null, fault: AgentFault, at: number, address: string): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.fault', params: fault };
}

export function agentPolicy(host: Host, params: EventParams<'agent.policy'>, at: number, address: string): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.policy', params };
}

export function agentReport(host: Host, params: EventParams<'agent.report'>, at: number, address: string): NewEvent {
  return { ...byAgent(host, address), at, action: 'agent.report', params };
}
