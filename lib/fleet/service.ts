/** The fleet, as the gateways, pages and actions see it: the one owner of hosts and commands. */
import type {
  CommandView,
  DesiredView,
  EventView,
  HostView,
  OperationId,
  OutputLine,
  PipelineSummary,
  PipelineView,
  ServiceNotice,
} from '@/lib/protocol/live';
import type { LimitUse } from '@/lib/protocol/limit-use';
import { Admissions } from './admissions';
import { AgentDesk } from './agent-desk';
import { deadlineOf } from './command';
import { CommandEngine } from './command-engine';
import { FleetCore, type Entry, type FleetOptions } from './core';
import { frameOf, planDispatch } from './dispatch';
import * as events from './events';
import { OPERATIONS, requiresStepUp, stepUpMissing } from './operations';
import { OwnDesk } from './own-desk';
import { PipelineDesk } from './pipeline-desk';
import type {
  AddHostRequest,
  AgentIdentity,
  AgentInbox,
  DispatchRequest,
  DispatchResult,
  EventFilter,
  FleetOperator,
  FleetVitals,
  HeldAgent,
  LiveSource,
  PipelineRequest,
  PipelineStart,
  Requester,
  V1Inbox,
} from './ports';
import { CommandQueue } from './queue';
import type { NewEvent } from './records';
import { TimeShift } from './time-shift';
import type { Turn } from './turn';
import { V1Desk } from './v1-desk';
import { commandView, desiredView } from './views';

/** Deadlines, probes and deferred events are looked at this often. */
export const FLEET_TICK_MS = 1_000;
/** So long may an agent's input wait for those of others, to share one write to the disk. */
export const GROUP_INPUTS_MS = 4;
/** Last-seen times and metrics, which change with every heartbeat, are stored this often. */
export const FACTS_FLUSH_MS = 15_000;
/** Tokens that end by themselves are looked for this often. */
export const AGENT_RECHECK_MS = 60_000;
/** An operator may give a command this much more time at once. */
export const MAX_EXTENSION_MS = 60 * 60_000;

export class FleetService implements FleetOperator, LiveSource {
  readonly epoch: string;
  private readonly core: FleetCore;
  private readonly engine: CommandEngine;
  private readonly admissions: Admissions;
  private readonly desk: AgentDesk;
  private readonly own: OwnDesk;
  private readonly queue: CommandQueue;
  private readonly pipelineDesk: PipelineDesk;
  private readonly v1: V1Desk;
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
    this.admissions = new Admissions(this.core, this.engine, noticesChanged);
    this.desk = new AgentDesk(this.core, this.engine, this.queue, this.admissions);
    this.v1 = new V1Desk(this.core, this.engine, this.admissions);
    this.own = new OwnDesk(this.core, this.engine, (name) => this.admissions.claimAgain(name));
    this.pipelineDesk = new PipelineDesk(
      this.core,
      // What needed a fresh proof was proven when the pipeline was started.
      (turn, entry, request) => this.dispatchTo(turn, entry, request, false),
      (turn, entry, command, by) => this.queue.takeBack(turn, entry, command, by),
    );
    this.timeShift = new TimeShift(this.core, this.engine, this.pipelineDesk, this.v1);
    this.engine.onEnd = (turn, command) => this.pipelineDesk.commandEnded(turn, command);
  }

  /** Where the agents' gateway delivers to. */
  get inbox(): AgentInbox {
    return this.desk;
  }

  /** Where version-1 agents are answered. */
  get v1Inbox(): V1Inbox {
    return this.v1;
  }

  /** Takes the fleet up from the database and starts its clock. */
  start(): void {
    const { hosts, commands, lastEnded } = this.core.options.store.load();
    for (const record of hosts) this.core.addEntry(record);
    for (const command of lastEnded) this.core.place(command);
    for (const command of commands) this.core.place(command);
    this.core.run('retry', (turn) => {
      for (const command of commands) this.engine.feed(turn, command, { type: 'recovered' });
    });
    this.pipelineDesk.recover();
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

  /** Stores what waits and stops the clock. Connections are the gateway's to close, before. */
  stop(): void {
    this.isTicking = false;
    this.cancelTick();
    this.cancelRead();
    this.unsubscribe?.();
    this.own.stop();
    this.core.flushAll();
  }

  dispatch(request: DispatchRequest): DispatchResult[] {
    const results: DispatchResult[] = [];
    const unproven = request.stepUp !== true && this.needsStepUp(request.operation, request.hostIds);
    const work = (turn: Turn) => {
      results.length = 0;
      for (const hostId of new Set(request.hostIds)) {
        const entry = this.core.entries.get(hostId);
        if (!entry) {
          const what = OPERATIONS[request.operation].label;
          turn.events.push(events.refusedWithoutHost(what, 'its host is not known any more.', turn.now, request.by));
          results.push({ kind: 'unknown-host', hostId, hostName: hostId });
          continue;
        }
        results.push(this.dispatchTo(turn, entry, request, unproven));
      }
    };
    const refused = this.core.run('drop', work);
    if (refused === null) return results;
    return results.map((result) =>
      result.kind === 'accepted' || result.kind === 'queued'
        ? { kind: 'not-stored', hostId: result.hostId, hostName: result.hostName, reason: refused }
        : result,
    );
  }

  needsStepUp(operation: OperationId, hostIds: readonly string[]): boolean {
    const hosts = new Set(hostIds);
    for (const [hostId, { active }] of this.core.entries) if (active?.operation === operation) hosts.add(hostId);
    return requiresStepUp(operation, hosts.size);
  }

  private dispatchTo(turn: Turn, entry: Entry, request: DispatchRequest, unproven: boolean): DispatchResult {
    const { record } = entry;
    const named = { hostId: record.id, hostName: record.name };
    const repeated = this.core.options.store.commandByRequest(request.requestId, record.id);
    if (repeated) {
      const kind = repeated.state.phase === 'queued' ? 'queued' : 'accepted';
      return { kind, ...named, commandId: repeated.id };
    }
    const plan = unproven
      ? ({ kind: 'blocked', blocked: stepUpMissing(request.operation) } as const)
      : planDispatch(request, this.core.viewOf(entry), entry, this.core.options.newId(), turn.now);
    if (plan.kind === 'blocked') {
      const { label } = OPERATIONS[request.operation];
      turn.events.push(events.commandBlocked(record, label, plan.blocked.reason, turn.now, request.by));
      return { kind: 'blocked', ...named, blocked: plan.blocked };
    }
    const { command } = plan;
    turn.events.push(events.commandRequested(record, command, turn.now, request.by));
    turn.commands.set(command.id, command);
    turn.touched.add(record.id);
    if (plan.kind === 'own') {
      this.own.begin(turn, entry, command);
      return { kind: 'accepted', ...named, commandId: command.id };
    }
    if (plan.kind === 'queued') {
      this.queue.add(turn, entry, command);
      return { kind: 'queued', ...named, commandId: command.id };
    }
    const { target } = plan;
    this.queue.supersede(turn, entry, command);
    const { storePath, binaryHash, generation } = record;
    this.engine.feed(turn, command, { type: 'sent', before: { storePath, binaryHash, generation } });
    if (target) this.engine.feed(turn, target, { type: 'stop-requested', how: plan.how });
    turn.effects.push(() => {
      const { connection } = entry;
      if (!connection) return;
      const frame = frameOf(command, connection.protocol);
      if (frame) connection.link.send(frame);
    });
    return { kind: 'accepted', ...named, commandId: command.id };
  }

  addHost(request: AddHostRequest): DispatchResult {
    return this.own.addHost(request);
  }

  cancel(commandId: string, by: Requester): boolean {
    return this.queue.cancel(commandId, by);
  }

  extend(commandId: string, ms: number, by: Requester): boolean {
    const command = this.core.liveCommand(commandId);
    const entry = command && this.core.entries.get(command.hostId);
    if (!entry || command.state.phase !== 'warning') return false;
    const given = Math.min(ms, MAX_EXTENSION_MS);
    return (
      this.core.run('drop', (turn) => {
        turn.events.push(events.commandExtended(entry.record, command, given, turn.now, by));
        this.engine.feed(turn, command, { type: 'extend', ms: given });
      }) === null
    );
  }

  startPipeline(request: PipelineRequest): PipelineStart {
    return this.pipelineDesk.start(request);
  }

  cancelPipeline(id: string, { stopRunning }: { stopRunning: boolean }, by: Requester): boolean {
    return this.pipelineDesk.cancel(id, stopRunning, by);
  }

  pipeline(id: string): PipelineView | null {
    return this.pipelineDesk.view(id);
  }

  pipelines(limit: number): PipelineSummary[] {
    return this.pipelineDesk.newest(limit);
  }

  pipelineViews(): PipelineView[] {
    return this.pipelineDesk.views();
  }

  record(event: NewEvent): void {
    this.core.run('retry', (turn) => turn.events.push(event));
  }

  /** How much of what bounds agents and hosts is in use, and by whom. */
  limits(): LimitUse[] {
    return this.admissions.limits();
  }

  heldAgents(): HeldAgent[] {
    return this.admissions.heldAgents();
  }

  approveHost(name: string, by: Requester): { ok: true; hostId: string } | { ok: false; reason: string } {
    return this.admissions.approve(name, by);
  }

  enrolHost(name: string, address: string): { ok: true; hostId: string } | { ok: false; reason: string } {
    return this.admissions.takeIn(name, (host, now) => events.hostEnrolled(host, now, address));
  }

  connectedAs(hostId: string): AgentIdentity | null {
    return this.core.entries.get(hostId)?.connection?.link.identity ?? null;
  }

  reconsiderAgents(): void {
    this.admissions.reconsider();
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

  /** What is wrong with the dashboard or with connections that belong to no host. */
  notices(): ServiceNotice[] {
    const notices: ServiceNotice[] = [];
    if (this.core.storageFault !== null) {
      notices.push({
        level: 'error',
        message: `The database refuses to store: ${this.core.storageFault}. Nothing new is accepted until it does again.`,
      });
    }
    notices.push(...this.otherNotices.values());
    for (const message of this.admissions.notices()) notices.push({ level: 'warning', message });
    return notices.slice(0, 8);
  }

  /** Shows a sentence of another part of the dashboard on every page, in the place of the one that it said before. */
  setNotice(source: string, notice: ServiceNotice | null): void {
    if (notice === null && !this.otherNotices.has(source)) return;
    if (notice) this.otherNotices.set(source, notice);
    else this.otherNotices.delete(source);
    this.core.options.publisher.other({ notices: this.notices() });
  }

  /** How the fleet itself does: for health checks and metrics. */
  vitals(): FleetVitals {
    const connected = [...this.core.entries.values()].flatMap(({ connection, record }) =>
      connection === null ? [] : [record.lastSeenAt ?? 0],
    );
    return {
      tickAgeMs: this.core.options.loop.now() - this.tickedAt,
      storageFault: this.core.storageFault,
      agents: { connected: connected.length, held: this.admissions.heldCount },
      heardAt: connected,
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

  /** Deadlines are judged only when what had arrived before was read: it may hold what they wait for. */
  private armTick(): void {
    const { clock, loop } = this.core.options;
    this.cancelTick = clock.after(FLEET_TICK_MS, () => {
      this.cancelRead = loop.afterRead(() => {
        try {
          this.tick();
        } catch (error) {
          // Next keeps the process alive whatever is thrown: without its clock, the fleet would stand still unnoticed.
          this.core.options.log.error({ err: error }, 'a tick of the fleet failed');
        }
        if (this.isTicking) this.armTick();
      });
    });
  }

  private tick(): void {
    this.tickedAt = this.core.options.loop.now();
    // Gives back the time that the loop was held, and works out what was read and waits for its group.
    this.core.turns.settle();
    const now = this.core.options.clock.now();
    for (const entry of this.core.entries.values()) {
      for (const command of [entry.active, entry.control, entry.own, ...entry.queue]) {
        const deadline = command && deadlineOf(command.state);
        if (command && deadline !== null && now >= deadline) {
          this.core.run('retry', (turn) => this.engine.feed(turn, command, { type: 'tick' }));
          if (this.core.liveCommand(command.id)?.outcome !== null) this.own.abandon(command.id);
        }
      }
    }
    this.admissions.tick();
    this.v1.tick(now);
    if (Math.abs(now - this.agentsCheckedAt) >= AGENT_RECHECK_MS) {
      this.agentsCheckedAt = now;
      this.admissions.reconsider();
    }
    this.pipelineDesk.tick();
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
