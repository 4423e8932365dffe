/**
 * The state of the fleet and the only way to change it. An input fills a turn; the turn is stored in one transaction; only
 * then it takes effect, is published, and its frames are sent.
 */
import { differsDurably } from '../hosts/host';
import { hostPatch } from '../hosts/host-views';
import { FleetMemory } from './fleet-memory';
import { FLUSH_INTERVAL_MS, OutputLog } from './output-log';
import { PeerEventBudget } from './peer-event-budget';
import { hostKey, type Turn } from './turn';
import { TurnRunner, type Input, type Refusal } from './turn-runner';
import { TurnStore, type Stored } from './turn-store';
import { WaitingEvents } from './waiting-events';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { AgentIdentity } from '../records/agent-port';
import type { NewEvent } from '../records/event-record';
import type { FleetOptions } from './fleet-options';
import type { FleetVitals } from '../records/operator-port';
import type { HostEntry } from './entry';
import type { HostPatch } from '@/lib/protocol/live/changes';

/** How often a sample of a host's metrics is stored. */
export const METRICS_SAMPLE_MS = 60_000;
/** Deferred events at most; further ones are only counted. */
export const MAX_DEFERRED = 10_000;
/** Recorded events that wait to be stored at most; further ones are dropped. */
export const MAX_RECORDED = 10_000;
/** Hosts whose facts share a transaction; while it runs, what these hosts send waits. */
const FACTS_BATCH = 500;
const DEFERRED_KEY = 'deferred events';
const RECORDED_KEY = 'recorded events';
/** Rounds in which a stop tries to store everything. */
const MAX_FLUSH_ROUNDS = 4;

export class FleetCore {
  readonly memory: FleetMemory;
  readonly outputLog: OutputLog;
  readonly turns: TurnRunner;
  /** Hosts whose last-seen time or metrics are not stored yet. */
  private readonly unflushed = new Set<string>();
  /** Hosts with a sign of life that is not published yet. */
  private readonly unpublished = new Set<string>();
  private readonly store: TurnStore;
  private readonly peerEventBudget: PeerEventBudget;
  lastFactsFlush = 0;
  private readonly deferred: WaitingEvents;
  private lastFlush = -Infinity;
  private cancelFlush: (() => void) | null = null;
  /** Recorded events that are not stored yet. An input that is dropped leaves them to the next one. */
  private readonly recorded: WaitingEvents;
  private isRecordingFull = false;
  /** Commands whose pending output is on its way to the database. */
  private readonly flushing = new Set<string>();

  /**
   * `storageChanged` is called when the database starts to refuse writes and when it works again; `beforeInput` is called
   * before an input is processed.
   */
  constructor(
    readonly options: FleetOptions,
    storageChanged: () => void,
    beforeInput: () => void,
  ) {
    this.memory = new FleetMemory(options);
    this.outputLog = new OutputLog(options.outputLimit);
    this.peerEventBudget = new PeerEventBudget(options, options.eventBudget);
    this.store = new TurnStore(options, this.memory, this.outputLog, storageChanged);
    this.turns = new TurnRunner({
      clock: options.clock,
      log: options.log,
      beforeInput,
      commit: (turns) => this.commit(turns),
      takeEffect: (turns) => this.takeEffect(turns),
      fault: () => this.store.fault,
    });
    this.deferred = new WaitingEvents(this.turns, options.log, DEFERRED_KEY, MAX_DEFERRED);
    this.recorded = new WaitingEvents(this.turns, options.log, RECORDED_KEY, MAX_RECORDED);
  }

  now(): number {
    return this.options.clock.now();
  }

  /** Why the database refuses writes; null while it accepts them. */
  get storageFault(): string | null {
    return this.store.fault;
  }

  get queueLengths(): FleetVitals['queues'] {
    return {
      unstored: this.turns.keptCount,
      waiting: this.turns.waitingCount,
      deferred: this.deferred.size + this.recorded.size,
      output: this.outputLog.size,
    };
  }

  /** Whether events wait to be stored. */
  get hasDeferred(): boolean {
    return this.deferred.size + this.recorded.size > 0;
  }

  /**
   * Processes an input that reads or changes any part of the fleet, after all earlier ones. Resolves as `TurnRunner.run`.
   */
  run(onRefusal: Input['onRefusal'], work: (turn: Turn) => void): Promise<string | null> {
    return this.turns.run({ keys: 'everything', onRefusal, work });
  }

  /** As `run`, where nobody waits for the end. */
  post(onRefusal: Input['onRefusal'], work: (turn: Turn) => void): void {
    this.turns.post({ keys: 'everything', onRefusal, work });
  }

  /** Processes an input about one host, together with those of other hosts; not if the host has been removed meanwhile. */
  about(
    entry: HostEntry,
    onRefusal: Input['onRefusal'],
    work: (turn: Turn) => void,
    { failed, isVital }: { failed?: (error: unknown) => void; isVital?: boolean } = {},
  ): void {
    const { id } = entry.record;
    const unlessRemoved = (turn: Turn) => {
      if (this.memory.entries.get(id) === entry) work(turn);
    };
    this.turns.post({ keys: [hostKey(id)], onRefusal, isVital, work: unlessRemoved }, failed);
  }

  /** Processes an input about one host, which may not exist yet. Resolves as `TurnRunner.run`. */
  runAbout(hostId: string, onRefusal: Input['onRefusal'], work: (turn: Turn) => void): Promise<string | null> {
    return this.turns.run({ keys: [hostKey(hostId)], onRefusal, work });
  }

  /** As `runAbout`; an input that is kept while the database refuses ends when it has been processed again. */
  endAbout(hostId: string, onRefusal: Input['onRefusal'], work: (turn: Turn) => void): Promise<Refusal | null> {
    return this.turns.ended({ keys: [hostKey(hostId)], onRefusal, work });
  }

  /** How many inputs about a host wait or are being stored. */
  waitingAbout(hostId: string): number {
    return this.turns.countOf(hostKey(hostId));
  }

  /** Resolves when no input about a host waits or is being stored. */
  whenFree(hostId: string): Promise<void> {
    return this.turns.whenFree(hostKey(hostId));
  }

  /** Adds a host's next record to the turn. */
  putHost(turn: Turn, before: HostRecord, after: HostRecord, isNew = false): void {
    turn.hosts.set(after.id, after);
    turn.touched.add(after.id);
    if (isNew || differsDurably(before, after)) turn.durable.add(after.id);
  }

  /** A sign of life of an admitted connection. It is shown and stored later. */
  seen(entry: HostEntry): void {
    this.unpublished.add(entry.record.id);
  }

  /**
   * Stores an event with the next batch, within the budget of its agent (`identity`; null without one). For events that
   * may be lost in a crash: connects, disconnects, bad frames.
   */
  defer(event: NewEvent, identity: AgentIdentity | null): void {
    this.deferSum(this.peerEventBudget.takeDueSum());
    if (!this.peerEventBudget.admits(event, identity)) return;
    if (this.deferred.isFull) this.peerEventBudget.count(event);
    else this.deferred.push(event);
  }

  /** Stores the sum of a window that is over with the next batch. */
  sumPeerEvents(): void {
    this.deferSum(this.peerEventBudget.takeDueSum());
  }

  private deferSum(sum: NewEvent | null): void {
    if (sum) this.deferred.push(sum);
  }

  /** Sends the changed fields of these hosts to the browsers. */
  publish(ids: Iterable<string>): void {
    const patches: HostPatch[] = [];
    for (const id of new Set(ids)) {
      this.unpublished.delete(id);
      const entry = this.memory.entries.get(id);
      if (!entry) continue;
      this.guarded(() => {
        const view = this.memory.viewOf(entry);
        const patch = hostPatch(entry.view, view);
        entry.view = view;
        if (patch) patches.push(patch);
      });
    }
    if (patches.length > 0) this.guarded(() => this.options.publisher.hosts(patches, []));
  }

  /** Publishes the signs of life since the last call. */
  publishSeen(): void {
    for (const id of this.unpublished) this.unflushed.add(id);
    this.publish([...this.unpublished]);
  }

  // ── storing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private async commit(turns: readonly Turn[]): Promise<Refusal | null> {
    const stored = await this.store.commit(turns);
    if ('kind' in stored) return stored;
    this.afterCommit(stored);
    return null;
  }

  private afterCommit({ commands, output, events }: Stored): void {
    for (const command of commands) this.memory.place(command);
    const { publisher } = this.options;
    for (const batch of output) {
      this.outputLog.stored(batch);
      if (batch.lines.length > 0) this.guarded(() => publisher.output(batch.commandId, batch.lines));
    }
    if (events.length > 0) this.guarded(() => publisher.other({ events }));
    const withOutput = new Set(output.map(({ commandId }) => commandId));
    for (const command of commands) {
      if (withOutput.has(command.id)) this.guarded(() => this.acknowledgeOutput(command));
    }
  }

  private takeEffect(turns: readonly Turn[]): void {
    for (const turn of turns) {
      for (const [id, record] of turn.hosts) {
        const entry = this.memory.entries.get(id);
        if (entry) entry.record = record;
        else this.memory.addEntry(record);
        this.unflushed.add(id);
      }
      for (const id of turn.removed) this.removeHost(id);
      for (const change of turn.apply) this.guarded(change);
    }
    this.guarded(() => this.publish(turns.flatMap((turn) => [...turn.touched, ...turn.hosts.keys()])));
    for (const turn of turns) for (const effect of turn.effects) this.guarded(effect);
  }

  /** What follows a stored turn must not keep the turns behind it from taking effect. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.log.error({ err: error }, 'publishing or carrying out a stored change failed');
    }
  }

  private removeHost(id: string): void {
    const { commandIds, namesakes } = this.memory.dropEntry(id);
    this.unflushed.delete(id);
    this.unpublished.delete(id);
    for (const commandId of commandIds) this.outputLog.forget(commandId);
    this.guarded(() => this.options.publisher.hosts([], [id]));
    this.publish(namesakes);
  }

  /** Acknowledges to a protocol 3 agent the last line of its output that is stored. */
  acknowledgeOutput(command: CommandRecord): void {
    const connection = this.memory.entries.get(command.hostId)?.connection;
    if (connection?.state.registration.protocol === 3 && command.agentSeq > 0) {
      connection.link.send({ type: 'ack', payload: { command_id: command.id, output_seq: command.agentSeq } });
    }
  }

  /** Stores everything pending before the stop, even if the database refused a moment ago. */
  async flushAll(): Promise<void> {
    // What is being stored when the stop begins may leave something behind it.
    for (let round = 0; round < MAX_FLUSH_ROUNDS; round += 1) {
      this.store.retryNow();
      this.publishSeen();
      this.turns.retryKept();
      await this.turns.idle();
      this.deferSum(this.peerEventBudget.takeRemainingSum());
      this.flushOutput();
      this.flushFacts();
      await this.turns.idle();
      const events = this.deferred.size + this.recorded.size;
      const rest = this.outputLog.size + events + this.unflushed.size + this.turns.keptCount;
      if (rest === 0 || this.store.fault !== null) return;
    }
  }

  /** Stores pending output within the flush interval. */
  armFlush(): void {
    if (this.cancelFlush) return;
    // Not by the wall clock: set back by an hour, it would delay the output by an hour.
    const waitMs = Math.max(0, this.lastFlush + FLUSH_INTERVAL_MS - this.options.loop.now());
    this.cancelFlush = this.options.clock.after(waitMs, () => {
      this.flushOutput();
    });
  }

  /** Stores pending output now: that of each host in a separate input, as their lines do not depend on each other. */
  flushOutput(): void {
    this.cancelFlush?.();
    this.cancelFlush = null;
    this.lastFlush = this.options.loop.now();
    for (const { id, hostId } of this.outputLog.records()) {
      if (this.flushing.has(id)) continue;
      this.flushing.add(id);
      const work = (turn: Turn) => {
        if (this.outputLog.has(id)) turn.withOutput.add(id);
      };
      void this.turns
        .settled({ keys: [hostKey(hostId)], onRefusal: 'drop', work })
        .then((refusal) => this.flushed(id, refusal));
    }
  }

  private flushed(commandId: string, refusal: Refusal | null): void {
    this.flushing.delete(commandId);
    if (refusal === null) {
      // Lines that came while the others were being stored.
      if (this.outputLog.has(commandId)) this.armFlush();
    } else if (refusal.kind === 'constraint') {
      // The lines of one command are at fault; they must not block those of others.
      this.options.log.error({ commandId }, 'dropped output that does not continue the stored output of its command');
      this.outputLog.forget(commandId);
    }
  }

  /**
   * Stores what changes too often to be stored with each change: last-seen times, metrics and deferred events. Tries again
   * to store recorded events that were refused.
   */
  flushFacts(): void {
    this.lastFactsFlush = this.options.loop.now();
    const ids = [...this.unflushed];
    for (let from = 0; from < ids.length; from += FACTS_BATCH) this.flushFactsOf(ids.slice(from, from + FACTS_BATCH));
    if (this.recorded.size > 0) void this.recorded.store();
    if (this.deferred.size > 0) void this.deferred.store();
  }

  /**
   * Stores and publishes an event of another part of the dashboard. Events that come while others are being stored share
   * a transaction. Resolves when it is stored, or when it waits because the database refuses writes or is too busy: the
   * next event and each tick try again. One that a visitor without a session or token causes beyond the budget is only
   * counted; one that the database rejects, or for which there is no room, is dropped and logged.
   */
  record(event: NewEvent): Promise<void> {
    this.deferSum(this.peerEventBudget.takeDueSum());
    if (!this.peerEventBudget.admits(event, null)) return Promise.resolve();
    if (this.recorded.isFull) {
      this.logRecordingFull();
      return Promise.resolve();
    }
    this.isRecordingFull = false;
    this.recorded.push(event);
    return this.recorded.store();
  }

  private logRecordingFull(): void {
    if (!this.isRecordingFull)
      this.options.log.error(
        { events: this.recorded.size },
        'too many events wait for the database; further ones are dropped',
      );
    this.isRecordingFull = true;
  }

  private flushFactsOf(ids: readonly string[]): void {
    const work = (turn: Turn) => {
      for (const id of ids) {
        const entry = this.memory.entries.get(id);
        if (!entry || !this.unflushed.has(id)) continue;
        const record = this.memory.current(entry);
        const { metrics, metricsAt } = record;
        turn.facts.push(record);
        const isSampled = metrics !== null && metricsAt !== null && metricsAt - entry.sampledAt >= METRICS_SAMPLE_MS;
        if (isSampled) turn.metrics.push({ hostId: id, at: metricsAt, metrics });
        turn.apply.push(() => {
          entry.record = record;
          if (isSampled) entry.sampledAt = metricsAt;
          this.unflushed.delete(id);
        });
      }
    };
    void this.turns.settled({ keys: ids.map(hostKey), onRefusal: 'drop', work }).then((refusal) => {
      if (refusal?.kind !== 'constraint') return;
      this.options.log.error({ hosts: ids.length }, 'dropped last-seen times that the database does not accept');
      for (const id of ids) this.unflushed.delete(id);
    });
  }
}
