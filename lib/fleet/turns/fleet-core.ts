/**
 * The state of the fleet and the only way to change it. An input fills a turn; the turn is stored in one transaction; only
 * then it takes effect, is published, and its frames are sent.
 */
import { differsDurably } from '../hosts/host';
import { OPERATIONS } from '../operations/operations';
import { FLUSH_INTERVAL_MS, OutputLog } from './output-log';
import type { Turn } from './turn';
import { TurnRunner, type OnRefusal, type Refusal } from './turn-runner';
import { hostPatch, hostView } from '../hosts/host-views';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { NewEvent } from '../records/event-record';
import { isDoneByHost, laneOf } from '../operations/operation-rules';
import { wireName } from '../operations/wire';
import type { FleetOptions } from './fleet-options';
import type { HostEntry } from './entry';
import type { HostPatch } from '@/lib/protocol/live/changes';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** How often a sample of a host's metrics is stored. */
export const METRICS_SAMPLE_MS = 60_000;
/**
 * A database that refused a write is not tried again for this long: one that is locked by another program takes seconds to
 * refuse, which blocks everything else, and every input would try.
 */
export const STORE_RETRY_MS = 1_000;
/** How long output that arrives after the end of its command still belongs to it. */
export const LATE_OUTPUT_MS = 30_000;
/** Deferred events at most; further ones are dropped. */
export const MAX_DEFERRED = 10_000;

/** It was withdrawn before it reached the host, so it is not the host's last command. */
const wasWithdrawn = ({ outcome }: CommandRecord) => outcome === 'cancelled' || outcome === 'superseded';

export class FleetCore {
  readonly entries = new Map<string, HostEntry>();
  readonly outputLog: OutputLog;
  readonly turns: TurnRunner;
  /** Hosts whose last-seen time or metrics are not stored yet. */
  readonly dirty = new Set<string>();
  storageFault: string | null = null;
  private refusedAt = 0;
  lastFactsFlush = 0;
  private readonly commands = new Map<string, CommandRecord>();
  /** Names that a host has or had, and those that several stored hosts share: agents can't create a second one. */
  private readonly names = new Set<string>();
  private readonly sharedNames = new Set<string>();
  private deferred: NewEvent[] = [];
  private lastFlush = -Infinity;
  private cancelFlush: (() => void) | null = null;

  /**
   * `onStorageChange` is called when the database starts to refuse writes and when it works again; `beforeInputs` is called
   * before inputs are processed.
   */
  constructor(
    readonly options: FleetOptions,
    private readonly onStorageChange: () => void,
    beforeInputs: () => void,
  ) {
    this.outputLog = new OutputLog(options.outputLimit);
    this.turns = new TurnRunner({
      clock: options.clock,
      log: options.log,
      groupMs: options.groupMs,
      beforeInputs,
      commit: (turns) => this.commit(turns),
      takeEffect: (turns) => this.takeEffect(turns),
      fault: () => this.storageFault,
    });
  }

  now(): number {
    return this.options.clock.now();
  }

  get queueLengths(): { unstored: number; deferred: number; output: number } {
    return { unstored: this.turns.unstoredCount, deferred: this.deferred.length, output: this.outputLog.ids().length };
  }

  get hasDeferred(): boolean {
    return this.deferred.length > 0;
  }

  /** Processes an input now, after all earlier ones: `TurnRunner.run`. */
  run(onRefusal: OnRefusal, work: (turn: Turn) => void): string | null {
    return this.turns.run(onRefusal, work);
  }

  /** Processes an agent's input together with those of other agents: `TurnRunner.group`. */
  group(entry: HostEntry, onRefusal: OnRefusal, work: (turn: Turn) => void): void {
    this.turns.group(entry.record.id, onRefusal, work);
  }

  private takeEffect(turns: readonly Turn[]): void {
    for (const turn of turns) {
      for (const [id, record] of turn.hosts) {
        const entry = this.entries.get(id);
        if (entry) entry.record = record;
        else this.addEntry(record);
        this.dirty.add(id);
      }
      for (const id of turn.removed) this.dropEntry(id);
      for (const change of turn.apply) change();
    }
    this.publish(turns.flatMap((turn) => [...turn.touched, ...turn.hosts.keys()]));
    for (const turn of turns) for (const effect of turn.effects) effect();
  }

  /** Why the database is not tried now, or null. */
  private get retryPause(): Refusal | null {
    const { storageFault } = this;
    // Absolute: the clock may have been set back.
    const since = Math.abs(this.options.clock.now() - this.refusedAt);
    if (storageFault === null || since >= STORE_RETRY_MS) return null;
    return { reason: storageFault, isPermanent: false };
  }

  private commit(turns: readonly Turn[]): Refusal | null {
    const { retryPause } = this;
    if (retryPause) return retryPause;
    const withOutput = new Set(turns.flatMap((turn) => [...turn.withOutput]));
    const batches = [...withOutput].flatMap((id) => this.outputLog.waiting(id));
    const commands = new Map(turns.flatMap((turn) => [...turn.commands]));
    for (const { commandId } of batches) {
      // Late output can belong to a command that is no longer in memory: the output log has its record.
      const command = commands.get(commandId) ?? this.liveCommand(commandId) ?? this.outputLog.recordOf(commandId);
      if (command) commands.set(commandId, command);
    }
    for (const [id, command] of commands) {
      if (withOutput.has(id)) commands.set(id, this.outputLog.current(command));
    }
    try {
      const stored = this.options.store.commit({
        hosts: turns.flatMap((turn) => [...turn.durable].flatMap((id) => turn.hosts.get(id) ?? [])),
        commands: [...commands.values()],
        output: batches,
        pipelines: turns.flatMap((turn) => [...turn.pipelineRecords.values()]),
        pipelineHosts: turns.flatMap((turn) => [...turn.pipelineHosts.values()]),
        events: turns.flatMap((turn) => turn.events),
        removedHosts: turns.flatMap((turn) => turn.removed),
      });
      this.outputLog.stored(batches);
      for (const command of commands.values()) this.place(command);
      for (const { commandId, lines } of batches) this.linesStored(commands.get(commandId) ?? null, lines);
      if (stored.length > 0) this.options.publisher.other({ events: stored });
      this.storageWorks();
      return null;
    } catch (error) {
      return this.storageFails(error);
    }
  }

  private storageFails(error: unknown): Refusal {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof Error && 'kind' in error && error.kind === 'constraint') {
      this.options.log.error(
        { err: error },
        'the database rejected a change that violates a constraint; the change was dropped',
      );
      return { reason: message, isPermanent: true };
    }
    this.refusedAt = this.options.clock.now();
    if (this.storageFault !== message) {
      this.storageFault = message;
      this.options.log.error({ err: error }, 'the database refuses writes');
      this.onStorageChange();
    }
    return { reason: message, isPermanent: false };
  }

  private storageWorks(): void {
    if (this.storageFault === null) return;
    this.storageFault = null;
    this.options.log.info({}, 'the database accepts writes again');
    this.onStorageChange();
  }

  putHost(turn: Turn, before: HostRecord, after: HostRecord, isNew = false): void {
    turn.hosts.set(after.id, after);
    turn.touched.add(after.id);
    if (isNew || differsDurably(before, after)) turn.durable.add(after.id);
  }

  publish(ids: readonly string[]): void {
    const patches: HostPatch[] = [];
    for (const id of new Set(ids)) {
      const entry = this.entries.get(id);
      if (!entry) continue;
      const view = this.viewOf(entry);
      const patch = hostPatch(entry.view, view);
      entry.view = view;
      if (patch) patches.push(patch);
    }
    if (patches.length > 0) this.options.publisher.hosts(patches, []);
  }

  viewOf(entry: HostEntry): HostView {
    const { record, connection, active, control, dashboardCommand, queue, last } = entry;
    const notice = [entry.notice, this.namesakeNotice(record)].filter((text) => text !== '').join(' ');
    const pending = connection?.pending ?? '';
    const accounted = [active, control].some((command) => command && wireName(command) === pending);
    const foreignCommand = accounted ? '' : pending;
    return hostView(
      {
        record,
        online: connection !== null || entry.polledUntil > 0,
        active,
        control,
        dashboardCommand,
        queue,
        last,
        foreignCommand,
        notice,
      },
      this.options.desired,
      this.options.version,
    );
  }

  /** Stores everything pending before the stop, even if the database refused a moment ago. */
  flushAll(): void {
    this.refusedAt = 0;
    this.turns.settle();
    this.flushOutput();
    this.flushFacts();
  }

  armFlush(): void {
    if (this.cancelFlush) return;
    // Not by the wall clock: set back by an hour, it would delay the output by an hour.
    const waitMs = Math.max(0, this.lastFlush + FLUSH_INTERVAL_MS - this.options.loop.now());
    this.cancelFlush = this.options.clock.after(waitMs, () => {
      this.flushOutput();
    });
  }

  flushOutput(): void {
    this.cancelFlush?.();
    this.cancelFlush = null;
    this.lastFlush = this.options.loop.now();
    if (this.outputLog.isEmpty) return;
    const ids = this.outputLog.ids();
    const violatesConstraint = (some: readonly string[]) => {
      const refused = this.run('drop', (turn) => {
        for (const id of some) turn.withOutput.add(id);
      });
      return refused !== null && this.storageFault === null;
    };
    if (!violatesConstraint(ids)) return;
    // The lines of one command are at fault; they must not block those of others.
    for (const id of ids.filter((one) => violatesConstraint([one]))) {
      this.options.log.error(
        { commandId: id },
        'dropped output that does not continue the stored output of its command',
      );
      this.outputLog.stored(this.outputLog.waiting(id));
    }
  }

  private linesStored(command: CommandRecord | null, lines: readonly OutputLine[]): void {
    if (!command) return;
    if (lines.length > 0) this.options.publisher.output(command.id, lines);
    this.acknowledgeOutput(command);
  }

  /** Acknowledges to a protocol 3 agent the last line of its output that is stored. */
  acknowledgeOutput(command: CommandRecord): void {
    const connection = this.entries.get(command.hostId)?.connection;
    if (connection?.protocol === 3 && command.agentSeq > 0) {
      connection.link.send({ type: 'ack', payload: { command_id: command.id, output_seq: command.agentSeq } });
    }
  }

  flushFacts(): void {
    if (this.retryPause) return;
    this.lastFactsFlush = this.options.loop.now();
    const hosts = [...this.dirty].flatMap((id) => this.entries.get(id) ?? []);
    const sampled = hosts.filter((entry) => {
      const { metricsAt } = entry.record;
      return metricsAt !== null && metricsAt - entry.sampledAt >= METRICS_SAMPLE_MS;
    });
    const pending = this.deferred;
    if (hosts.length === 0 && pending.length === 0) return;
    try {
      const stored = this.options.store.commit({
        hosts: hosts.map((entry) => entry.record),
        events: pending,
        metrics: sampled.flatMap(({ record }) =>
          record.metrics && record.metricsAt !== null
            ? [{ hostId: record.id, at: record.metricsAt, metrics: record.metrics }]
            : [],
        ),
      });
      this.dirty.clear();
      this.deferred = [];
      for (const entry of sampled) entry.sampledAt = entry.record.metricsAt ?? 0;
      if (stored.length > 0) this.options.publisher.other({ events: stored });
      this.storageWorks();
    } catch (error) {
      this.storageFails(error);
      return;
    }
    this.turns.replayUnstored();
  }

  /** Stores an event with the next batch. For events that may be lost in a crash: connects, disconnects, bad frames. */
  defer(event: NewEvent): void {
    if (this.deferred.length < MAX_DEFERRED) this.deferred.push(event);
  }

  addEntry(record: HostRecord): void {
    if (this.names.has(record.name)) this.sharedNames.add(record.name);
    this.names.add(record.name);
    this.entries.set(record.id, {
      record,
      connection: null,
      active: null,
      control: null,
      dashboardCommand: null,
      queue: [],
      last: null,
      view: null,
      notice: '',
      sampledAt: record.metricsAt ?? 0,
      instance: '',
      connects: { since: 0, count: 0 },
      shortConnections: 0,
      polledUntil: 0,
      lateOutputUntil: -Infinity,
    });
  }

  /** Removes a deleted host from memory and pages. */
  private dropEntry(id: string): void {
    const name = this.entries.get(id)?.record.name ?? '';
    this.entries.delete(id);
    this.dirty.delete(id);
    for (const command of [...this.commands.values()]) {
      if (command.hostId !== id) continue;
      this.commands.delete(command.id);
      this.outputLog.forget(command.id);
    }
    this.options.publisher.hosts([], [id]);
    if (!this.sharedNames.has(name)) return;
    // The remaining host may now be the only one with this name.
    this.publish([...this.entries.values()].flatMap(({ record }) => (record.name === name ? [record.id] : [])));
  }

  /** An id for a new host: its name, unless an adopted host with another name has that id. */
  freshHostId(name: string): string {
    let id = name;
    for (let n = 2; this.entries.has(id); n += 1) id = `${name}.${n}`;
    return id;
  }

  /** Places a stored command in its lane, in the queue, or as the host's last command. */
  place(command: CommandRecord): void {
    const entry = this.entries.get(command.hostId);
    if (!entry) return;
    const operation = OPERATIONS[command.operation];
    const slot = laneOf(operation);
    if (entry.queue.some((waiting) => waiting.id === command.id)) {
      entry.queue = entry.queue.filter((waiting) => waiting.id !== command.id);
    }
    if (command.state.phase === 'queued') {
      entry.queue = [...entry.queue, command].sort((a, b) => a.createdAt - b.createdAt);
      this.commands.set(command.id, command);
      return;
    }
    if (command.outcome === null) {
      entry[slot] = command;
      this.commands.set(command.id, command);
      return;
    }
    if (entry[slot]?.id === command.id) entry[slot] = null;
    const isNewer = !entry.last || entry.last.id === command.id || (entry.last.endedAt ?? 0) <= (command.endedAt ?? 0);
    if (!isNewer || !isDoneByHost(operation) || wasWithdrawn(command)) {
      this.commands.delete(command.id);
      return;
    }
    if (entry.last && entry.last.id !== command.id) this.commands.delete(entry.last.id);
    entry.last = command;
    const agoMs = Math.max(0, this.now() - (command.endedAt ?? 0));
    entry.lateOutputUntil = this.options.loop.now() + LATE_OUTPUT_MS - agoMs;
    this.commands.set(command.id, command);
  }

  /** Whether a host has this name. Fast for a name that no host ever had. */
  knowsName(name: string): boolean {
    return this.names.has(name) && this.byName(name) !== null;
  }

  /**
   * The host that an agent with this name speaks for. If several have the name (an adopted database may hold them): the one
   * whose id it is, in either case, else the one seen last.
   */
  byName(name: string): HostEntry | null {
    const byId = this.entries.get(name);
    if (byId?.record.name === name) return byId;
    let best: HostEntry | null = null;
    for (const entry of this.entries.values()) {
      const { record } = entry;
      if (record.name !== name) continue;
      if (record.id.toLowerCase() === name) return entry;
      if (!best || (record.lastSeenAt ?? 0) > (best.record.lastSeenAt ?? 0)) best = entry;
    }
    return best;
  }

  /** The notice for a host whose name other hosts have as well; empty for any other host. */
  private namesakeNotice({ id, name }: HostRecord): string {
    if (!this.sharedNames.has(name)) return '';
    const others = [...this.entries.values()].flatMap(({ record }) =>
      record.name === name && record.id !== id ? [record.id] : [],
    );
    const claimed = this.byName(name)?.record.id ?? id;
    if (others.length === 0) return '';
    const whose =
      claimed === id
        ? 'Their agent is assigned to this one'
        : `Their agent is assigned to the one with the id ${claimed}`;
    const who = others.length === 1 ? 'Another host has' : `${others.length} other hosts have`;
    return `${who} the name ${name} (id ${others.join(', ')}). ${whose}. Remove the hosts you do not need.`;
  }

  /** A command that has not ended, or was the last to end on its host. */
  liveCommand(id: string): CommandRecord | null {
    return this.commands.get(id) ?? null;
  }

  commandOf(entry: HostEntry, id: string): CommandRecord | null {
    const stored = this.liveCommand(id) ?? this.options.store.command(id);
    return stored?.hostId === entry.record.id ? stored : null;
  }
}
