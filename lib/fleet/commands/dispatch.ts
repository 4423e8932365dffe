/** Turns a request into a command, or into the reason for refusing it. Pure. */
import { QUEUED_MS } from './command-step';
import { nounPhrase } from '../operations/operation-words';
import { OPERATIONS } from '../operations/operations';
import { parseArgs } from '../operations/operation-args';
import { queueMs } from '../operations/queue-time';
import type { Operation } from '../operations/operation';
import type { CommandRecord } from '../records/command-record';
import type { DispatchRequest } from '../records/requests';
import { checkHostCount, checkOperation, unwanted, type ConfirmPolicy } from '../operations/operation-rules';
import type { Blocked } from '../records/blocked';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** How long a command waits for a version-1 agent to poll; three of its intervals if those are longer. */
export const V1_WAIT_MS = 5 * 60_000;

export type DispatchPlan =
  | { kind: 'blocked'; blocked: Blocked }
  /** It waits for the host to come back online. */
  | { kind: 'queued'; command: CommandRecord }
  /** The dashboard carries it out. */
  | { kind: 'dashboard'; command: CommandRecord }
  | {
      kind: 'command';
      command: CommandRecord;
      /** The running command that it acts on, and how. */
      target: CommandRecord | null;
      how: 'stop' | 'kill' | 'restart' | 'reboot';
    };

export function planDispatch(
  request: DispatchRequest,
  host: HostView,
  running: { active: CommandRecord | null },
  id: string,
  now: number,
  policy: ConfirmPolicy,
): DispatchPlan {
  const operation = OPERATIONS[request.operation];
  if (operation.scope === 'fleet') {
    const reason = `The ${nounPhrase(operation.id)} applies to the whole fleet and can’t be sent to a host.`;
    return { kind: 'blocked', blocked: { code: 'fleet-scope', reason, unblock: null, forceable: false } };
  }
  const severalHosts = checkHostCount(operation, new Set(request.hostIds).size);
  if (severalHosts) return { kind: 'blocked', blocked: severalHosts };
  const parsed = parseArgs(operation.id, request.args);
  if ('blocked' in parsed) return { kind: 'blocked', blocked: parsed.blocked };
  const blocked = checkOperation(operation, host, request.pipelineId === undefined ? now : null, request.force);
  const confirmation = confirmationOf(operation, host, policy, request.confirm);
  const queued = (deadline: number) => ({ phase: 'queued', deadline, ...confirmation }) as const;
  const command: CommandRecord = {
    ...newCommand(request, host.id, id, now),
    state: queued(now + QUEUED_MS),
    args: parsed.args,
  };
  if (blocked && blocked.code === 'offline' && operation.queueable && request.queueForMs !== undefined) {
    const deadline = now + queueMs(request.queueForMs);
    return { kind: 'queued', command: { ...command, state: queued(deadline) } };
  }
  if (blocked) return { kind: 'blocked', blocked };
  if (!operation.wire) return { kind: 'dashboard', command };
  if (host.protocol === 1) {
    // Nothing can be sent to a version-1 agent: it polls for its commands.
    const deadline = now + Math.max(V1_WAIT_MS, host.heartbeatIntervalS * 3_000);
    return { kind: 'queued', command: { ...command, state: queued(deadline) } };
  }
  const target = operation.bypassesBusy ? running.active : null;
  const how =
    operation.id === 'kill' || operation.id === 'restart' || operation.id === 'reboot' ? operation.id : 'stop';
  return { kind: 'command', command: { ...command, targetId: target?.id ?? null }, target, how };
}

/** What a queued command keeps of the choice to confirm it, so that it means the same when it is sent later. */
function confirmationOf(
  operation: Operation,
  host: HostView,
  policy: ConfirmPolicy,
  choice: boolean | undefined,
): { confirmS?: number } {
  const isWanted = operation.confirmable && unwanted(host, policy, choice ?? null) === null;
  return isWanted ? { confirmS: policy.windowS } : {};
}

/** The record of a command that was requested and not yet sent. */
export function newCommand(
  request: Pick<DispatchRequest, 'operation' | 'requestId' | 'force' | 'pipelineId' | 'by'>,
  hostId: string,
  id: string,
  now: number,
): CommandRecord {
  return {
    id,
    hostId,
    operation: request.operation,
    state: { phase: 'queued', deadline: now + QUEUED_MS },
    requestId: request.requestId,
    targetId: null,
    forced: request.force ?? false,
    userId: request.by.userId,
    userName: request.by.userName,
    address: request.by.address,
    createdAt: now,
    startedAt: null,
    endedAt: null,
    outcome: null,
    exitCode: null,
    reason: '',
    lines: 0,
    agentSeq: 0,
    outputSize: 0,
    outputTruncated: false,
    args: null,
    pipelineId: request.pipelineId ?? null,
  };
}
