/** The fleet as gateways, pages and actions use it: the only owner of hosts and commands. */
import { AgentAdmission } from './agents/agent-admission';
import { HostApproval, type HostAdded } from './agents/host-approval';
import { AgentConnections } from './agents/agent-connections';
import { deadlineOf } from './commands/step-command';
import { CommandEngine } from './commands/command-engine';
import { FleetCore } from './turns/fleet-core';
import { CommandDispatcher } from './commands/command-dispatcher';
import * as events from './events';
import { DashboardOperations } from './commands/dashboard-operations';
import { HostSettings } from './commands/host-settings';
import { PipelineRunner } from './pipelines/pipeline-runner';
import { CommandQueue } from './commands/command-queue';
import { TimeShift } from './time-shift';
import { Version1Agents } from './agents/version-1-agents';
import { commandView, desiredView } from './hosts/host-views';
import type { CommandRecord } from './records/command-record';
import type { HostEntry } from './turns/entry';
import type { NewEvent } from './records/event-record';
import type {
  AddHostRequest,
  AnswerResult,
  DispatchRequest,
  DispatchResult,
  PipelineRequest,
  PipelineStart,
  Requester,
} from './records/requests';
import type { AgentIdentity, AgentInbox, HeldAgent } from './records/agent-port';
import type { EventFilter } from './records/store-port';
import type { SystemGenerations } from './records/generations-record';
import type { FleetOperator, FleetVitals } from './records/operator-port';
import { StepUpRule } from './commands/step-up-rule';
import type { LiveSource } from './records/publisher';
import type { V1Inbox } from './records/version-1-port';
import type { FleetOptions } from './turns/fleet-options';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { ConfirmSetting } from '@/lib/protocol/confirm-setting';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { PipelineSummary, PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import type { ServiceNotice } from '@/lib/protocol/live/views/service-notice';
import type { LimitUse } from '@/lib/limits/limit-use';

/** How often deadlines, probes and deferred events are checked. */
export const FLEET_TICK_MS = 1_000;
/** How often last-seen times and metrics, which change with every heartbeat, are stored. */
export const FACTS_FLUSH_MS = 15_000;
/** How often agents' tokens are checked for having expired. */
export const AGENT_RECHECK_MS = 60_000;

export class FleetService implements FleetOperator, LiveSource {
  readonly epoch: string;
  private readonly core: FleetCore;
  private readonly engine: CommandEngine;
  private readonly admission: AgentAdmission;
  private readonly approval: HostApproval;
  private readonly connections: AgentConnections;
  private readonly dashboardOperations: DashboardOperations;
  private readonly hostSettings: HostSettings;
  private readonly queue: CommandQueue;
  private readonly dispatcher: CommandDispatcher;
  private readonly pipelineRunner: PipelineRunner;
  private readonly stepUp: StepUpRule;
  private readonly version1: Version1Agents;
  private readonly timeShift: TimeShift;
  private isTicking = false;
  private cancelTick: () => void = () => undefined;
  private cancelRead: () => void = () => undefined;
  private tickedAt = 0;
  private readonly otherNotices = new Map<string, ServiceNotice>();
  private unsubscribe: (() => void) | null = null;
  private agentsCheckedAt = 0;

  constructor(options: FleetOptions) {
    this.epoch = options.epoch;
    const noticesChanged = () => options.publisher.other({ notices: this.notices() });
    // Each of these reaches the ones made after it through a function, called only once all are there.
    this.core = new FleetCore(options, noticesChanged, () => this.timeShift.apply());
    this.engine = new CommandEngine(this.core, {
      carryOut: (command) => this.dashboardOperations.carryOut(command),
      ended: (turn, command) => this.pipelineRunner.commandEnded(turn, command),
    });
    this.queue = new CommandQueue(this.core, this.engine);
    this.admission = new AgentAdmission(this.core, this.engine, {
      noticesChanged,
      polling: () => this.version1.polling,
    });
    this.approval = new HostApproval(this.core, (name) => this.admission.claimAgain(name));
    this.connections = new AgentConnections(this.core, this.engine, this.queue, this.admission);
    this.version1 = new Version1Agents(this.core, this.engine, this.admission);
    this.dashboardOperations = new DashboardOperations(this.core, this.engine, (name) =>
      this.admission.claimAgain(name),
    );
    this.hostSettings = new HostSettings(this.core);
    this.stepUp = new StepUpRule(this.core.memory, options.loop);
    this.dispatcher = new CommandDispatcher(this.core, this.engine, this.queue, this.dashboardOperations, this.stepUp);
    this.pipelineRunner = new PipelineRunner(
      this.core,
      // The step-up proof was given when the pipeline was started.
      (turn, entry, request) => this.dispatcher.dispatchTo(turn, entry, request, false),
      (turn, entry, command, by) => this.queue.cancelInTurn(turn, entry, command, by),
      this.stepUp,
    );
    this.timeShift = new TimeShift(this.core, this.engine, this.pipelineRunner, this.version1);
  }

  /** Receives what the agents' gateway reads. */
  get inbox(): AgentInbox {
    return this.connections;
  }

  /** Answers version-1 agents. */
  get v1Inbox(): V1Inbox {
    return this.version1;
  }

  /** Loads the fleet from the database and starts its tick. */
  async start(): Promise<void> {
    const { store, desired, loop, publisher } = this.core.options;
    const { memory } = this.core;
    const { hosts, commands, lastEnded } = await store.load();
    for (const record of hosts) memory.addEntry(record);
    for (const command of [...lastEnded, ...commands]) memory.place(command);
    await this.core.run('retry', (turn) => {
      for (const command of commands) this.engine.recovered(turn, command);
    });
    await this.stepUp.recover(store, this.core.now());
    await this.pipelineRunner.recover();
    for (const entry of memory.entries.values()) entry.view = memory.viewOf(entry);
    this.unsubscribe = desired.subscribe(() => {
      this.core.publish(memory.entries.keys());
      publisher.other({ desired: this.desiredView() });
    });
    this.core.lastFactsFlush = loop.now();
    this.tickedAt = loop.now();
    this.isTicking = true;
    this.armTick();
  }

  /** Stores everything pending and stops the tick. The gateway has to close its connections before. */
  async stop(): Promise<void> {
    this.isTicking = false;
    this.cancelTick();
    this.cancelRead();
    this.unsubscribe?.();
    this.dashboardOperations.stop();
    await this.core.flushAll();
  }

  /** Resolves when everything sent so far is stored and has taken effect, or was refused. */
  settled(): Promise<void> {
    return this.core.turns.idle();
  }

  dispatch(request: DispatchRequest): Promise<DispatchResult[]> {
    return this.dispatcher.dispatch(request);
  }

  needsStepUp(operations: readonly OperationId[], hostIds: readonly string[]): boolean {
    return this.stepUp.unproven(operations, hostIds) !== null;
  }

  addHost(request: AddHostRequest): Promise<DispatchResult> {
    return this.dashboardOperations.addHost(request);
  }

  setConfirm(hostIds: readonly string[], setting: ConfirmSetting, by: Requester): Promise<string | null> {
    return this.hostSettings.setConfirm(hostIds, setting, by);
  }

  cancel(commandId: string, by: Requester): Promise<boolean> {
    return this.queue.cancel(commandId, by);
  }

  extend(commandId: string, ms: number, by: Requester): Promise<boolean> {
    return this.dispatcher.extend(commandId, ms, by);
  }

  answerConfirmation(commandId: string, keep: boolean, by: Requester): Promise<AnswerResult> {
    return this.dispatcher.answer(commandId, keep, by);
  }

  startPipeline(request: PipelineRequest): Promise<PipelineStart> {
    return this.pipelineRunner.start(request);
  }

  cancelPipeline(id: string, { stopRunning }: { stopRunning: boolean }, by: Requester): Promise<boolean> {
    return this.pipelineRunner.cancel(id, stopRunning, by);
  }

  pipeline(id: string): Promise<PipelineView | null> {
    return this.pipelineRunner.view(id);
  }

  pipelines(limit: number): Promise<PipelineSummary[]> {
    return this.pipelineRunner.recent(limit);
  }

  pipelineViews(): PipelineView[] {
    return this.pipelineRunner.views();
  }

  pipelineHosts(id: string): readonly string[] | null {
    return this.pipelineRunner.hostsOf(id);
  }

  record(event: NewEvent): Promise<void> {
    return this.core.record(event);
  }

  /** How much of each limit on agents and hosts is in use, and by whom. */
  limits(): LimitUse[] {
    return this.admission.limits();
  }

  heldAgents(): HeldAgent[] {
    return this.admission.heldAgents();
  }

  approveHost(name: string, by: Requester): Promise<HostAdded> {
    return this.approval.approve(name, by);
  }

  enrolHost(name: string, address: string): Promise<HostAdded> {
    return this.approval.admitHost(name, (host, now) => events.hostAddedByAgent(host, 'enrolment-code', now, address));
  }

  connectedAs(hostId: string): AgentIdentity | null {
    return this.core.memory.entries.get(hostId)?.connection?.link.identity ?? null;
  }

  reconsiderAgents(): void {
    this.admission.reconsider();
  }

  hostViews(): HostView[] {
    return [...this.core.memory.entries.values()].map((entry) => entry.view ?? this.core.memory.viewOf(entry));
  }

  host(id: string): HostView | null {
    const entry = this.core.memory.entries.get(id);
    return entry ? (entry.view ?? this.core.memory.viewOf(entry)) : null;
  }

  desiredView(): DesiredView {
    return desiredView(this.core.options.desired.state);
  }

  /** Problems of the dashboard, and of agent connections that belong to no host. */
  notices(): ServiceNotice[] {
    const notices: ServiceNotice[] = [];
    if (this.core.storageFault !== null) {
      notices.push({
        level: 'error',
        message: `The database refuses writes: ${this.core.storageFault}. Nothing new is accepted until it works again.`,
      });
    }
    notices.push(...this.otherNotices.values());
    for (const message of this.admission.notices()) notices.push({ level: 'warning', message });
    return notices.slice(0, 8);
  }

  /** Sets the notice of another part of the dashboard, which every page shows; null removes it. */
  setNotice(source: string, notice: ServiceNotice | null): void {
    if (notice === null && !this.otherNotices.has(source)) return;
    if (notice) this.otherNotices.set(source, notice);
    else this.otherNotices.delete(source);
    this.core.options.publisher.other({ notices: this.notices() });
  }

  /** The state of the fleet service for health checks and metrics. */
  vitals(): FleetVitals {
    const { memory } = this.core;
    const connected = [...memory.entries.values()].flatMap((entry) =>
      entry.connection === null ? [] : [memory.current(entry).lastSeenAt ?? 0],
    );
    return {
      tickAgeMs: this.core.options.loop.now() - this.tickedAt,
      storageFault: this.core.storageFault,
      agents: { connected: connected.length, held: this.admission.heldCount },
      lastSeenAt: connected,
      queues: this.core.queueLengths,
    };
  }

  systemGenerations(hostId: string): Promise<SystemGenerations | null> {
    return this.core.options.store.systemGenerations(hostId);
  }

  async command(id: string): Promise<CommandView | null> {
    const command = await this.commandRecord(id);
    return command && commandView(command);
  }

  async commandsOf(hostId: string, limit: number): Promise<CommandView[]> {
    return (await this.core.options.store.commandsOf(hostId, limit)).map(commandView);
  }

  async outputAfter(
    commandId: string,
    after: number,
    limit: number,
    maxCharacters?: number,
  ): ReturnType<LiveSource['outputAfter']> {
    // Looked up first: the lines that are read then are at least those that it had at its end.
    const command = await this.commandRecord(commandId);
    if (!command) return null;
    const lines = await this.output(commandId, after, limit, maxCharacters);
    return { hostId: command.hostId, lines, ended: command.outcome !== null };
  }

  output(commandId: string, after: number, limit: number, maxCharacters?: number): Promise<OutputLine[]> {
    return this.core.options.store.output(commandId, after, limit, maxCharacters);
  }

  events(filter: EventFilter): Promise<EventView[]> {
    return this.core.options.store.events(filter);
  }

  private async commandRecord(id: string): Promise<CommandRecord | null> {
    return this.core.memory.liveCommand(id) ?? (await this.core.options.store.command(id));
  }

  /** Checks deadlines only after everything that had arrived was read: it may contain what they wait for. */
  private armTick(): void {
    const { clock, loop, log } = this.core.options;
    this.cancelTick = clock.after(FLEET_TICK_MS, () => {
      this.cancelRead = loop.afterRead(() => {
        this.tick()
          // Next keeps the process alive after any error: without its tick, the fleet would stop working unnoticed.
          .catch((error: unknown) => log.error({ err: error }, 'a tick of the fleet failed'))
          .finally(() => {
            if (this.isTicking) this.armTick();
          });
      });
    });
  }

  private async tick(): Promise<void> {
    const { core } = this;
    this.tickedAt = core.options.loop.now();
    // After the compensation of time in which the loop was blocked, and after every input that came before: one of them
    // may be what a deadline waits for.
    await core.run('drop', () => undefined);
    const now = core.now();
    for (const entry of core.memory.entries.values()) this.checkDeadlines(entry, now);
    this.admission.tick();
    this.version1.tick(now);
    if (Math.abs(now - this.agentsCheckedAt) >= AGENT_RECHECK_MS) {
      this.agentsCheckedAt = now;
      this.admission.reconsider();
    }
    core.turns.retryKept();
    if (!core.outputLog.isEmpty) core.armFlush();
    core.publishSeen();
    const isDue = this.tickedAt - core.lastFactsFlush >= FACTS_FLUSH_MS;
    // With nothing kept, an input must try whether the database works again.
    const mustTry = core.storageFault !== null && core.turns.keptCount === 0;
    core.sumPeerEvents();
    if (core.hasDeferred || isDue || mustTry) core.flushFacts();
    await this.pipelineRunner.tick();
  }

  private checkDeadlines(entry: HostEntry, now: number): void {
    for (const { id, state } of [entry.active, entry.control, entry.dashboardCommand, ...entry.queue].flatMap(
      (command) => command ?? [],
    )) {
      const deadline = deadlineOf(state);
      if (deadline === null || now < deadline) continue;
      this.core.about(entry, 'retry', (turn) => {
        const command = this.core.memory.liveCommand(id);
        if (!command) return;
        this.engine.feed(turn, command, { type: 'tick' });
        const isOver = turn.commands.get(id)?.state.phase === 'ended';
        if (isOver) turn.effects.push(() => this.dashboardOperations.abandon(id));
      });
    }
  }
}
