/**
 * Runs pipelines: stores the result of each input in the turn that brought it, and sends the next stages. A stage's command
 * and the host's step are stored in one transaction before anything is sent. A stage's request id is made of pipeline and
 * stage, so that no second command can be made for it.
 */
import type { FleetCore } from '../turns/fleet-core';
import { KeyedQueue } from '@/lib/limits/work-queue';
import { OPERATIONS } from '../operations/operations';
import { hasPulled, runningCommand, stageOf, stepPipeline, waitingSteps, type PipelineInput } from './pipeline-machine';
import * as events from './pipeline-events';
import { mergeFirst } from './pipeline-merge';
import { planPipeline, stagesOf } from './pipeline-plan';
import type { PipelineHostRecord, PipelineRecord, PipelineRun } from '../records/pipeline-state';
import { pipelinePatch, pipelineSummary, pipelineView } from './pipeline-views';
import { isPrelude, MAX_RUNNING_PIPELINES, PIPELINES } from './pipeline-definitions';
import type { StepUpRule } from '../commands/step-up-rule';
import type { Turn } from '../turns/turn';
import type { CommandRecord } from '../records/command-record';
import type { DispatchRequest, DispatchResult, PipelineRequest, PipelineStart, Requester } from '../records/requests';
import { notBusy } from '../operations/preconditions';
import { checkOperation, stepUpMissing } from '../operations/operation-rules';
import type { HostEntry } from '../turns/entry';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { PipelineSummary, PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** Ended pipelines that are still published live, so that someone watching one sees its end. */
export const ENDED_SHOWN = 4;

/** Creates a command in a turn, as for any request. */
export type DispatchTo = (turn: Turn, entry: HostEntry, request: DispatchRequest) => DispatchResult;

/** Cancels a queued command in a turn. */
export type CancelQueued = (turn: Turn, entry: HostEntry, command: CommandRecord, by: Requester) => void;

export class PipelineRunner {
  /** Pipelines that have not ended. */
  private readonly runs = new Map<string, PipelineRun>();
  private ended: PipelineRun[] = [];
  /** Commands whose end is stored but not yet processed by their pipeline. */
  private readonly justEnded: CommandRecord[] = [];
  /** Pipelines whose pull request is being merged now. */
  private readonly merging = new Set<string>();
  private readonly requests = new KeyedQueue();

  constructor(
    private readonly core: FleetCore,
    private readonly dispatchTo: DispatchTo,
    private readonly cancelQueuedCommand: CancelQueued,
    private readonly stepUp: StepUpRule,
  ) {}

  /** Loads pipelines that have not ended. Their waiting stages are sent by later ticks, when the hosts are back. */
  async recover(): Promise<void> {
    for (const run of await this.core.options.store.unendedPipelines()) {
      this.runs.set(run.pipeline.id, run);
      this.notePlan(run);
    }
    await this.core.run('retry', (turn) => {
      for (const id of this.runs.keys()) this.feed(turn, id, { type: 'recovered' });
    });
  }

  /** A repeated request starts nothing: its answer names the first pipeline. */
  start(request: PipelineRequest): Promise<PipelineStart> {
    return this.requests.run(request.requestId, () => this.startOnce(request));
  }

  private async startOnce(request: PipelineRequest): Promise<PipelineStart> {
    const known = await this.byRequest(request.requestId);
    if (known) return { kind: 'started', pipelineId: known.pipeline.id };
    let answer: PipelineStart = { kind: 'refused', reason: '' };
    const refused = await this.core.run('drop', (turn) => {
      answer = this.startInTurn(turn, request);
    });
    return refused === null ? answer : { kind: 'not-stored', reason: refused };
  }

  private startInTurn(turn: Turn, request: PipelineRequest): PipelineStart {
    if (this.runs.size >= MAX_RUNNING_PIPELINES) {
      const reason = `${MAX_RUNNING_PIPELINES} pipelines are already running: wait until one ends, or cancel one.`;
      return { kind: 'refused', reason };
    }
    const unproven = request.stepUp === true ? null : this.stepUp.unproven(stagesOf(request), request.hostIds);
    if (unproven) return { kind: 'refused', reason: stepUpMissing(unproven).reason };
    if (stagesOf(request).some(isPrelude) && (this.core.options.flakeUpdates?.state.source ?? 'none') === 'none') {
      return { kind: 'refused', reason: 'No forge is configured, so no pull request can be merged.' };
    }
    const plan = planPipeline(request, this.candidates(request.hostIds), this.core.options.newId(), turn.now);
    if (plan.kind === 'refused') return plan;
    const { id } = plan.run.pipeline;
    turn.events.push(events.pipelineStarted(plan.run, turn.now, request.by));
    this.put(turn, null, stepPipeline(plan.run, { type: 'begin' }, turn.now));
    turn.effects.push(() => this.advance(id));
    return { kind: 'started', pipelineId: id };
  }

  async cancel(id: string, stopRunning: boolean, by: Requester): Promise<boolean> {
    const found = { isRunning: false };
    const refused = await this.core.run('drop', (turn) => {
      const run = this.runs.get(id);
      found.isRunning = run !== undefined;
      if (!run) return;
      turn.events.push(events.pipelineCancelled(run.pipeline, stopRunning, turn.now, by));
      this.feed(turn, id, { type: 'cancel', by: by.userName });
      this.cancelQueuedCommands(turn, run, by);
      if (stopRunning) this.stopCommands(turn, run, by);
    });
    return found.isRunning && refused === null;
  }

  /**
   * Call this in the turn that stores a command's end. Its pipeline continues in a separate turn right after: turns of
   * several hosts may share a transaction, and none of them may depend on the pipeline's state before the others.
   */
  commandEnded(turn: Turn, command: CommandRecord): void {
    if (command.pipelineId === null || command.outcome === null) return;
    turn.apply.push(() => this.justEnded.push(command));
    turn.effects.push(() => this.processEnded());
  }

  /** Moves the deadlines of waiting stages, in the caller's turn. */
  timeShifted(turn: Turn, ms: number): void {
    for (const id of this.runs.keys()) this.feed(turn, id, { type: 'time-shifted', ms });
  }

  /** Sends waiting stages to hosts that are ready, and processes ends that caused no input. */
  async tick(): Promise<void> {
    for (const id of [...this.runs.keys()]) {
      this.advance(id);
      const missed: PipelineInput[] = [];
      for (const host of this.runs.get(id)?.hosts ?? []) {
        const end = await this.missedEnd(host);
        if (end) missed.push(end);
      }
      if (missed.length > 0) this.advanceAfter(id, missed);
    }
  }

  views(): PipelineView[] {
    return [...this.ended, ...this.runs.values()].map(pipelineView);
  }

  /** Ids of the hosts of a pipeline in `views`; null when it is none of them. */
  hostsOf(id: string): readonly string[] | null {
    const run = this.runs.get(id) ?? this.ended.find(({ pipeline }) => pipeline.id === id);
    return run?.hosts.map(({ hostId }) => hostId) ?? null;
  }

  async view(id: string): Promise<PipelineView | null> {
    const run = this.runs.get(id) ?? (await this.core.options.store.pipeline(id));
    return run && pipelineView(run);
  }

  async recent(limit: number): Promise<PipelineSummary[]> {
    const stored = await this.core.options.store.pipelines(limit);
    return stored.map(({ pipeline, counts }) => pipelineSummary(pipeline, counts));
  }

  private async byRequest(requestId: string): Promise<PipelineRun | null> {
    for (const run of this.runs.values()) if (run.pipeline.requestId === requestId) return run;
    return this.core.options.store.pipelineByRequest(requestId);
  }

  private candidates(hostIds: readonly string[]) {
    const elsewhere = new Map<string, string>();
    for (const { pipeline, hosts } of this.runs.values()) {
      const name = `${PIPELINES[pipeline.kind].label} by ${pipeline.userName}`;
      for (const host of hosts) {
        if (host.status === 'waiting' || host.status === 'running') elsewhere.set(host.hostId, name);
      }
    }
    return [...new Set(hostIds)].map((hostId) => {
      const entry = this.core.memory.entries.get(hostId);
      return { hostId, host: entry ? this.core.memory.viewOf(entry) : null, elsewhere: elsewhere.get(hostId) ?? null };
    });
  }

  // ── stages ────────────────────────────────────────────────────────────────────────────────────────────────────────

  private advance(id: string): void {
    const run = this.runs.get(id);
    if (!run) return;
    if (run.pipeline.state.prelude?.status === 'running') this.merge(run.pipeline);
    else if (waitingSteps(run).length > 0) this.core.post('drop', (turn) => this.sendWaiting(turn, id, () => true));
  }

  /** Processes the commands that ended in the turns just stored: one turn per pipeline. */
  private processEnded(): void {
    const inputs = new Map<string, PipelineInput[]>();
    for (const { pipelineId, hostId, id: commandId, outcome, reason } of this.justEnded.splice(0)) {
      if (pipelineId === null || outcome === null) continue;
      const known = inputs.get(pipelineId) ?? [];
      inputs.set(pipelineId, [...known, { type: 'command-ended', hostId, commandId, outcome, reason }]);
    }
    for (const [id, ended] of inputs) this.advanceAfter(id, ended);
  }

  /** Feeds ends to a pipeline and sends the next stages in the same turn. If the database refuses, the next tick retries. */
  private advanceAfter(id: string, inputs: readonly PipelineInput[]): void {
    this.core.post('drop', (turn) => {
      for (const input of inputs) this.feed(turn, id, input);
      // Only stages that were never attempted; the tick retries those that were not ready.
      this.sendWaiting(turn, id, (host) => {
        const step = host.steps.at(-1);
        return step?.status === 'waiting' && step.reason === '';
      });
    });
  }

  private sendWaiting(turn: Turn, id: string, isIncluded: (host: PipelineHostRecord) => boolean): void {
    const tried = new Set<string>();
    // A host that fails makes room for another one, which is attempted at once: each stage of each host once per turn.
    for (;;) {
      const run = turn.pipelines.get(id) ?? this.runs.get(id);
      const waiting = run ? waitingSteps(run).filter(isIncluded) : [];
      const next = waiting.find((host) => !tried.has(`${host.stage}:${host.hostId}`));
      if (!next) return;
      tried.add(`${next.stage}:${next.hostId}`);
      this.feed(turn, id, this.attempt(turn, id, next));
    }
  }

  /** Sends a host's next stage if the host can run it now. */
  private attempt(turn: Turn, id: string, host: PipelineHostRecord): PipelineInput {
    const { hostId } = host;
    const run = turn.pipelines.get(id) ?? this.runs.get(id);
    const operation = run && stageOf(run, host);
    const entry = this.core.memory.entries.get(hostId);
    if (!run || !operation || !entry) return { type: 'host-removed', hostId };
    const { pipeline } = run;
    const view = this.core.memory.viewOf(entry);
    const busy = notBusy(view);
    if (!view.online) return { type: 'not-ready', hostId, reason: `${view.name} is offline.` };
    if (busy) return { type: 'not-ready', hostId, reason: busy.reason };
    // Until its first heartbeat, it is unknown what an agent that came back is running.
    if (entry.connection?.state.pending === null) {
      return { type: 'not-ready', hostId, reason: `${view.name} is back; its first heartbeat has not arrived yet.` };
    }
    const first = checkOperation(OPERATIONS[operation], view, null, pipeline.forced);
    // After a successful pull the host has the newest configuration; the known desired state may be older.
    const force = pipeline.forced || (first?.code === 'behind' && hasPulled(run, host));
    const blocked = force ? checkOperation(OPERATIONS[operation], view, null, true) : first;
    if (blocked) return { type: 'blocked', hostId, reason: blocked.reason };
    const result = this.dispatchTo(turn, entry, {
      operation,
      hostIds: [hostId],
      requestId: `${id}:${host.stage}`,
      force,
      pipelineId: id,
      ...(typeof pipeline.args?.confirm === 'boolean' ? { confirm: pipeline.args.confirm } : {}),
      by: requesterOf(pipeline),
    });
    // For a version-1 agent, which polls, it waits in the queue with a deadline.
    if (result.kind === 'accepted' || result.kind === 'queued')
      return { type: 'sent', hostId, commandId: result.commandId };
    return {
      type: 'blocked',
      hostId,
      reason: result.kind === 'blocked' ? result.blocked.reason : 'The command was not accepted.',
    };
  }

  /** The end of a running stage that caused no input: its host was removed, or its command is no longer live. */
  private async missedEnd(host: PipelineHostRecord): Promise<PipelineInput | null> {
    const { hostId } = host;
    const commandId = runningCommand(host);
    if (commandId === null) return null;
    if (!this.core.memory.entries.has(hostId)) return { type: 'host-removed', hostId };
    const live = this.core.memory.liveCommand(commandId);
    if (live && live.outcome === null) return null;
    const command = live ?? (await this.core.options.store.command(commandId));
    const outcome: CommandOutcome = command?.outcome ?? 'lost';
    return {
      type: 'command-ended',
      hostId,
      commandId,
      outcome,
      reason: command?.reason ?? 'The record of the command no longer exists.',
    };
  }

  /** A queued command (for a version-1 agent that has not polled) must not be sent after the cancel. */
  private cancelQueuedCommands(turn: Turn, run: PipelineRun, by: Requester): void {
    for (const host of run.hosts) {
      const entry = this.core.memory.entries.get(host.hostId);
      const queued = entry?.queue.find(({ id }) => id === runningCommand(host));
      if (entry && queued) this.cancelQueuedCommand(turn, entry, queued, by);
    }
  }

  private stopCommands(turn: Turn, run: PipelineRun, by: Requester): void {
    for (const host of run.hosts) {
      const entry = this.core.memory.entries.get(host.hostId);
      if (!entry || entry.active === null || entry.active.id !== runningCommand(host)) continue;
      const requestId = `${run.pipeline.id}:stop`;
      this.dispatchTo(turn, entry, { operation: 'stop', hostIds: [host.hostId], requestId, by });
    }
  }

  /** Runs the merge, once at a time per pipeline. */
  private merge(pipeline: PipelineRecord): void {
    const { id } = pipeline;
    if (this.merging.has(id)) return;
    this.merging.add(id);
    this.mergeAndGoOn(pipeline)
      .catch((error: unknown) => this.core.options.log.error({ err: error, pipeline: id }, 'a merge failed'))
      // If its end could not be stored, the next tick merges again: the forge answers that it is merged.
      .finally(() => this.merging.delete(id));
  }

  private async mergeAndGoOn(pipeline: PipelineRecord): Promise<void> {
    const { id } = pipeline;
    const { ok, reason } = await mergeFirst(pipeline, this.core.options);
    const work = (turn: Turn) => {
      this.feed(turn, id, { type: 'prelude-ended', ok, reason });
      turn.effects.push(() => this.advance(id));
    };
    await this.core.turns.ended({ keys: 'everything', onRefusal: 'retry', work });
  }

  // ── storing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private feed(turn: Turn, id: string, input: PipelineInput): void {
    const before = turn.pipelines.get(id) ?? this.runs.get(id);
    if (before) this.put(turn, before, stepPipeline(before, input, turn.now));
  }

  private put(turn: Turn, before: PipelineRun | null, after: PipelineRun): void {
    if (before === after) return;
    const { pipeline, hosts } = after;
    const { id } = pipeline;
    if (!turn.pipelines.has(id)) {
      const shown = this.runs.get(id) ?? null;
      turn.apply.push(() => this.apply(turn.pipelines.get(id) ?? after, shown));
    }
    turn.pipelines.set(id, after);
    if (pipeline !== before?.pipeline) turn.pipelineRecords.set(id, pipeline);
    hosts.forEach((host, index) => {
      if (host !== before?.hosts[index]) turn.pipelineHosts.set(`${id}:${host.position}`, host);
    });
    if (pipeline.phase === 'ended') turn.events.push(events.pipelineEnded(pipeline, turn.now));
  }

  private notePlan({ pipeline, hosts }: PipelineRun): void {
    const open = hosts.filter(({ status }) => status === 'waiting' || status === 'running');
    const hostIds = pipeline.phase === 'ended' ? [] : open.map(({ hostId }) => hostId);
    this.stepUp.isPlanned(pipeline.id, { stages: pipeline.stages, hostIds });
  }

  /** Replaces a pipeline by its stored next state, and publishes it. */
  private apply(run: PipelineRun, before: PipelineRun | null): void {
    const { id, phase } = run.pipeline;
    const removedPipelines: string[] = [];
    this.notePlan(run);
    if (phase === 'ended') {
      this.runs.delete(id);
      this.ended.push(run);
      for (const old of this.ended.splice(0, Math.max(0, this.ended.length - ENDED_SHOWN))) {
        removedPipelines.push(old.pipeline.id);
      }
    } else {
      this.runs.set(id, run);
    }
    this.core.options.publisher.other({ pipelines: [pipelinePatch(before, run)], removedPipelines });
  }
}

function requesterOf({ userId, userName, address }: PipelineRecord): Requester {
  return { userId, userName, address };
}
