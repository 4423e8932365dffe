/** The fleet as gateways, pages and actions use it: the only owner of hosts and commands. */
import { AgentAdmission } from './agents/agent-admission';
import { AgentConnections } from './agents/agent-connections';
import { deadlineOf } from './commands/step-command';
import { CommandEngine } from './commands/command-engine';
import { FleetCore } from './turns/fleet-core';
import { CommandDispatcher } from './commands/command-dispatcher';
import * as events from './events';
import { DashboardOperations } from './commands/dashboard-operations';
import { PipelineRunner } from './pipelines/pipeline-runner';
import { CommandQueue } from './commands/command-queue';
import { TimeShift } from './time-shift';
import { Version1Agents } from './agents/version-1-agents';
import { commandView, desiredView } from './hosts/host-views';
import type { NewEvent } from './records/event-record';
import type {
  AddHostRequest,
  DispatchRequest,
  DispatchResult,
  PipelineRequest,
  PipelineStart,
  Requester,
} from './records/requests';
import type { AgentIdentity, AgentInbox, HeldAgent } from './records/agent-port';
import type { EventFilter } from './records/store-port';
import type { FleetOperator, FleetVitals } from './records/operator-port';
import type { LiveSource } from './records/publisher';
import type { V1Inbox } from './records/version-1-port';
import type { FleetOptions } from './turns/fleet-options';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { PipelineSummary, PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import type { ServiceNotice } from '@/lib/protocol/live/views/service-notice';
import type { LimitUse } from '@/lib/limits/limit-use';

/** How often deadlines, probes and deferred events are checked. */
export const FLEET_TICK_MS = 1_000;
/** How long an agent's input may wait for those of others to share one write to the disk. */
export const GROUP_INPUTS_MS = 4;
/** How often last-seen times and metrics, which change with every heartbeat, are stored. */
export const FACTS_FLUSH_MS = 15_000;
/** How often agents' tokens are checked for having expired. */
export const AGENT_RECHECK_MS = 60_000;

export class FleetService implements FleetOperator, LiveSource {
  readonly epoch: string;
  private readonly core: FleetCore;
  private readonly engine: CommandEngine;
  private readonly admission: AgentAdmission;
  private readonly connections: AgentConnections;
  private readonly dashboardOperations: DashboardOperations;
  private readonly queue: CommandQueue;
  private readonly dispatcher: CommandDispatcher;
  private readonly pipelineRunner: PipelineRunner;
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
    this.core = new FleetCore(options, noticesChanged, () => this.timeShift.apply());
    this.engine = new CommandEngine(this.core);
    this.queue = new CommandQueue(this.core, this.engine);
    this.admission = new AgentAdmission(this.core, this.engine, noticesChanged);
    this.connections = new AgentConnections(this.core, this.engine, this.queue, this.admission);
    this.version1 = new Version1Agents(this.core, this.engine, this.admission);
    this.dashboardOperations = new DashboardOperations(this.core, this.engine, (name) =>
      this.admission.claimAgain(name),
    );
    this.dispatcher = new CommandDispatcher(this.core, this.engine, this.queue, this.dashboardOperations);
    this.pipelineRunner = new PipelineRunner(
      this.core,
      // The step-up proof was given when the pipeline was started.
      (turn, entry, request) => this.dispatcher.dispatchTo(turn, entry, request, false),
      (turn, entry, command, by) => this.queue.cancelInTurn(turn, entry, command, by),
    );
    this.timeShift = new TimeShift(this.core, this.engine, this.pipelineRunner, this.version1);
    this.engine.onEnd = (turn, command) => this.pipelineRunner.commandEnded(turn, command);
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
  start(): void {
    const { hosts, commands, lastEnded } = this.core.options.store.load();
    for (const record of hosts) this.core.addEntry(record);
    for (const command of lastEnded) this.core.place(command);
    for (const command of commands) this.core.place(command);
    this.core.run('retry', (turn) => {
      for (const command of commands) this.engine.feed(turn, command, { type: 'recovered' });
    });
    this.pipelineRunner.recover();
    for (const entry of this.core.entries.values()) entry.view = this.core.viewOf(entry);
    this.unsubscribe = this.core.options.desired.subscribe(() => {
      this.core.publish([...this.core.entries.keys()]);
      this.core.options.publisher.other({ desired: this.desiredView() });
    });
    this.core.lastFactsFlush = this.core.options.loop.now();
    this.tickedAt = this.core.options.loop.now();
    this.isTicking = true;
    this.armTick();
  }

  /** Stores everything pending and stops the tick. The gateway has to close its connections before. */
  stop(): void {
    this.isTicking = false;
    this.cancelTick();
    this.cancelRead();
    this.unsubscribe?.();
    this.dashboardOperations.stop();
    this.core.flushAll();
  }

  dispatch(request: DispatchRequest): DispatchResult[] {
    return this.dispatcher.dispatch(request);
  }

  needsStepUp(operation: OperationId, hostIds: readonly string[]): boolean {
    return this.dispatcher.needsStepUp(operation, hostIds);
  }

  addHost(request: AddHostRequest): DispatchResult {
    return this.dashboardOperations.addHost(request);
  }

  cancel(commandId: string, by: Requester): boolean {
    return this.queue.cancel(commandId, by);
  }

  extend(commandId: string, ms: number, by: Requester): boolean {
    return this.dispatcher.extend(commandId, ms, by);
  }

  startPipeline(request: PipelineRequest): PipelineStart {
    return this.pipelineRunner.start(request);
  }

  cancelPipeline(id: string, { stopRunning }: { stopRunning: boolean }, by: Requester): boolean {
    return this.pipelineRunner.cancel(id, stopRunning, by);
  }

  pipeline(id: string): PipelineView | null {
    return this.pipelineRunner.view(id);
  }

  pipelines(limit: number): PipelineSummary[] {
    return this.pipelineRunner.recent(limit);
  }

  pipelineViews(): PipelineView[] {
    return this.pipelineRunner.views();
  }

  record(event: NewEvent): void {
    this.core.run('retry', (turn) => turn.events.push(event));
  }

  /** How much of each limit on agents and hosts is in use, and by whom. */
  limits(): LimitUse[] {
    return this.admission.limits();
  }

  heldAgents(): HeldAgent[] {
    return this.admission.heldAgents();
  }

  approveHost(name: string, by: Requester): { ok: true; hostId: string } | { ok: false; reason: string } {
    return this.admission.approve(name, by);
  }

  enrolHost(name: string, address: string): { ok: true; hostId: string } | { ok: false; reason: string } {
    return this.admission.admitHost(name, (host, now) => events.hostEnrolled(host, now, address));
  }

  connectedAs(hostId: string): AgentIdentity | null {
    return this.core.entries.get(hostId)?.connection?.link.identity ?? null;
  }

  reconsiderAgents(): void {
    this.admission.reconsider();
  }

  hostViews(): HostView[] {
    return [...this.core.entries.values()].map((entry) => entry.view ?? this.core.viewOf(entry));
  }

  host(id: string): HostView | null {
    const entry = this.core.entries.get(id);
    return entry ? (entry.view ?? this.core.viewOf(entry)) : null;
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
    const connected = [...this.core.entries.values()].flatMap(({ connection, record }) =>
      connection === null ? [] : [record.lastSeenAt ?? 0],
    );
    return {
      tickAgeMs: this.core.options.loop.now() - this.tickedAt,
      storageFault: this.core.storageFault,
      agents: { connected: connected.length, held: this.admission.heldCount },
      lastSeenAt: connected,
      queues: this.core.queueLengths,
    };
  }

  command(id: string): CommandView | null {
    const command = this.core.liveCommand(id) ?? this.core.options.store.command(id);
    return command && commandView(command);
  }

  commandsOf(hostId: string, limit: number): CommandView[] {
    return this.core.options.store.commandsOf(hostId, limit).map(commandView);
  }

  outputAfter(
    commandId: string,
    after: number,
    limit: number,
    maxCharacters?: number,
  ): { lines: OutputLine[]; ended: boolean } | null {
    const command = this.core.liveCommand(commandId) ?? this.core.options.store.command(commandId);
    if (!command) return null;
    return { lines: this.output(commandId, after, limit, maxCharacters), ended: command.outcome !== null };
  }

  output(commandId: string, after: number, limit: number, maxCharacters?: number): OutputLine[] {
    return this.core.options.store.output(commandId, after, limit, maxCharacters);
  }

  events(filter: EventFilter): EventView[] {
    return this.core.options.store.events(filter);
  }

  /** Checks deadlines only after everything that had arrived was read: it may contain what they wait for. */
  private armTick(): void {
    const { clock, loop } = this.core.options;
    this.cancelTick = clock.after(FLEET_TICK_MS, () => {
      this.cancelRead = loop.afterRead(() => {
        try {
          this.tick();
        } catch (error) {
          // Next keeps the process alive after any error: without its tick, the fleet would stop working unnoticed.
          this.core.options.log.error({ err: error }, 'a tick of the fleet failed');
        }
        if (this.isTicking) this.armTick();
      });
    });
  }

  private tick(): void {
    this.tickedAt = this.core.options.loop.now();
    // Compensates the time that the loop was blocked, and processes inputs that wait for their group.
    this.core.turns.settle();
    const now = this.core.options.clock.now();
    for (const entry of this.core.entries.values()) {
      for (const command of [entry.active, entry.control, entry.dashboardCommand, ...entry.queue]) {
        const deadline = command && deadlineOf(command.state);
        if (command && deadline !== null && now >= deadline) {
          this.core.run('retry', (turn) => this.engine.feed(turn, command, { type: 'tick' }));
          if (this.core.liveCommand(command.id)?.outcome !== null) this.dashboardOperations.abandon(command.id);
        }
      }
    }
    this.admission.tick();
    this.version1.tick(now);
    if (Math.abs(now - this.agentsCheckedAt) >= AGENT_RECHECK_MS) {
      this.agentsCheckedAt = now;
      this.admission.reconsider();
    }
    this.pipelineRunner.tick();
    if (this.core.storageFault !== null && !this.core.outputLog.isEmpty) this.core.flushOutput();
    if (
      this.core.hasDeferred ||
      this.core.storageFault !== null ||
      this.tickedAt - this.core.lastFactsFlush >= FACTS_FLUSH_MS
    ) {
      this.core.flushFacts();
    }
    this.core.publish([...this.core.dirty]);
  }
}
