/** An operator's request for some hosts: one command per host, or the reason for refusing it, stored in one turn. */
import * as events from '../events';
import { stepUpMissing } from '../operations/operation-rules';
import { KeyedQueue } from '@/lib/limits/work-queue';
import type { CommandRecord } from '../records/command-record';
import type { AnswerResult, DispatchRequest, DispatchResult, Requester } from '../records/requests';
import type { HostEntry } from '../turns/entry';
import type { FleetCore } from '../turns/fleet-core';
import type { Turn } from '../turns/turn';
import type { CommandEngine } from './command-engine';
import type { CommandQueue } from './command-queue';
import type { DashboardOperations } from './dashboard-operations';
import { planDispatch } from './dispatch';
import { answerRefusal, isAnswered } from './step-confirming';
import type { StepUpRule } from './step-up-rule';

/** The longest extension that an operator can give a command at once. */
export const MAX_EXTENSION_MS = 60 * 60_000;

export class CommandDispatcher {
  private readonly requests = new KeyedQueue();

  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly queue: CommandQueue,
    private readonly dashboardOperations: DashboardOperations,
    private readonly stepUp: StepUpRule,
  ) {}

  /** A repeated request causes no second command: its answer names the first. */
  dispatch(request: DispatchRequest): Promise<DispatchResult[]> {
    return this.requests.run(request.requestId, () => this.dispatchOnce(request));
  }

  private async dispatchOnce(request: DispatchRequest): Promise<DispatchResult[]> {
    const results: DispatchResult[] = [];
    const hostIds = [...new Set(request.hostIds)];
    const stored = await this.core.options.store.commandsByRequest(request.requestId, hostIds);
    const repeated = new Map(stored.map((command) => [command.hostId, command]));
    const work = (turn: Turn) => {
      results.length = 0;
      const unproven = request.stepUp !== true && this.stepUp.unproven([request.operation], hostIds) !== null;
      for (const hostId of hostIds) {
        const entry = this.core.memory.entries.get(hostId);
        if (!entry) {
          const asked = { request: 'unknown-host', operation: request.operation } as const;
          turn.events.push(events.refusedWithoutHost(asked, turn.now, request.by));
          results.push({ kind: 'unknown-host', hostId, hostName: hostId });
          continue;
        }
        const known = repeated.get(hostId);
        results.push(known ? answerOf(entry, known) : this.dispatchTo(turn, entry, request, unproven));
      }
    };
    const refused = await this.core.run('drop', work);
    if (refused === null) return results;
    return results.map((result) =>
      result.kind === 'accepted' || result.kind === 'queued'
        ? { kind: 'not-stored', hostId: result.hostId, hostName: result.hostName, reason: refused }
        : result,
    );
  }

  /** The same for one host, in the caller's turn. `unproven`: the step-up proof that the operation needs is missing. */
  dispatchTo(turn: Turn, entry: HostEntry, request: DispatchRequest, unproven: boolean): DispatchResult {
    const { record } = entry;
    const named = { hostId: record.id, hostName: record.name };
    const plan = unproven
      ? ({ kind: 'blocked', blocked: stepUpMissing(request.operation) } as const)
      : planDispatch(
          request,
          this.core.memory.viewOf(entry),
          entry,
          this.core.options.newId(),
          turn.now,
          this.engine.confirmPolicy,
        );
    if (plan.kind === 'blocked') {
      turn.events.push(events.commandBlocked(record, request, plan.blocked, turn.now));
      return { kind: 'blocked', ...named, blocked: plan.blocked };
    }
    const { command } = plan;
    turn.events.push(events.commandRequested(record, command, turn.now, request.by));
    turn.commands.set(command.id, command);
    turn.apply.push(() => this.stepUp.wasRequested(command.operation, record.id));
    turn.touched.add(record.id);
    if (plan.kind === 'dashboard') {
      this.dashboardOperations.begin(turn, entry, command);
      return { kind: 'accepted', ...named, commandId: command.id };
    }
    if (plan.kind === 'queued') {
      this.queue.add(turn, entry, command);
      return { kind: 'queued', ...named, commandId: command.id };
    }
    const { target } = plan;
    this.queue.supersede(turn, entry, command);
    this.engine.send(turn, entry, command);
    if (target) this.engine.feed(turn, target, { type: 'stop-requested', how: plan.how });
    return { kind: 'accepted', ...named, commandId: command.id };
  }

  async extend(commandId: string, ms: number, by: Requester): Promise<boolean> {
    const hostId = this.core.memory.liveCommand(commandId)?.hostId;
    if (hostId === undefined) return false;
    const extensionMs = Math.min(ms, MAX_EXTENSION_MS);
    const found = { isWarning: false };
    const refused = await this.core.runAbout(hostId, 'drop', (turn) => {
      const entry = this.core.memory.entries.get(hostId);
      const command = this.core.memory.liveCommand(commandId);
      found.isWarning = command?.state.phase === 'warning';
      if (!entry || !command || !found.isWarning) return;
      turn.events.push(events.commandExtended(entry.record, command, extensionMs, turn.now, by));
      this.engine.feed(turn, command, { type: 'extend', ms: extensionMs });
    });
    return found.isWarning && refused === null;
  }

  /** Keeps the new system of a confirmed switch, or goes back to the previous one. The first operator's answer counts. */
  async answer(commandId: string, keep: boolean, by: Requester): Promise<AnswerResult> {
    const hostId = this.core.memory.liveCommand(commandId)?.hostId;
    const over = { ok: false, reason: 'The command has ended.' } as const;
    if (hostId === undefined) return over;
    const found: { refusal: string | null } = { refusal: over.reason };
    const refused = await this.core.runAbout(hostId, 'drop', (turn) => {
      const entry = this.core.memory.entries.get(hostId);
      const command = this.core.memory.liveCommand(commandId);
      if (!entry || !command || command.outcome !== null) return;
      found.refusal = answerRefusal(command.state, keep);
      if (found.refusal !== null || isAnswered(command.state)) return;
      turn.events.push(events.commandAnswered(entry.record, command, keep, turn.now, by));
      this.engine.feed(turn, command, { type: 'answered', keep, by: by.userName });
    });
    const reason = refused ?? found.refusal;
    return reason === null ? { ok: true } : { ok: false, reason };
  }
}

/** The answer to a request that this command was made for. */
function answerOf({ record }: HostEntry, { id, state }: CommandRecord): DispatchResult {
  const kind = state.phase === 'queued' ? 'queued' : 'accepted';
  return { kind, hostId: record.id, hostName: record.name, commandId: id };
}
