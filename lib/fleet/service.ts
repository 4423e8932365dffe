/**
 * The fleet: the one owner of hosts and commands, and the only stateful file of the domain. An input is worked out in a
 * turn; the turn is stored in one transaction; only then it takes effect, is shown, and what has to be sent is sent.
 */
import { parseAgentFrame, type AgentFrame, type Register } from '@/lib/protocol/agent';
import type {
  CommandView,
  DesiredView,
  EventView,
  HostPatch,
  HostView,
  OutputLine,
  ServiceNotice,
} from '@/lib/protocol/live';
import {
  DUPLICATE_PROBE_MS,
  isNewComplaint,
  isSameProcess,
  MAX_HELD,
  newConnection,
  type Connection,
} from './admission';
import {
  addressRejection,
  addressStatus,
  progressOf,
  resultOf,
  shownBy,
  shownByRegister,
  wireName,
} from './agent-input';
import { deadlineOf, stepCommand, type CommandEffect, type CommandInput } from './command';
import type { Facts } from './command-verdict';
import { planDispatch } from './dispatch';
import type { DesiredSource } from './desired';
import * as events from './events';
import { afterHeartbeat, afterRegister, concludedWord, differsDurably, hostNameOf, newHost } from './host';
import { OPERATIONS } from './operations';
import { FLUSH_INTERVAL_MS, OutputLog } from './output-log';
import type {
  AgentInbox,
  AgentLink,
  Clock,
  DispatchRequest,
  DispatchResult,
  EventFilter,
  FleetLog,
  FleetOperator,
  FleetStore,
  LiveSource,
  Publisher,
  Requester,
} from './ports';
import type { CommandRecord, HostRecord, NewEvent } from './records';
import { Turn } from './turn';
import { commandView, desiredView, hostPatch, hostView } from './views';

/** Deadlines, probes and deferred events are looked at this often. */
export const FLEET_TICK_MS = 1_000;
/** Last-seen times and metrics, which change with every heartbeat, are stored this often. */
export const FACTS_FLUSH_MS = 15_000;
/** One sample of a host's metrics is kept this often. */
export const METRICS_SAMPLE_MS = 60_000;
/** Output that comes after the end of its command still belongs to it for this long (agent protocol 5). */
export const LATE_OUTPUT_MS = 30_000;
/** How long a fetch of the desired state may hold up a post-check. */
export const REFRESH_BEFORE_CHECK_MS = 5_000;
/** Inputs that wait for a database that refuses; more are dropped and counted. */
export const MAX_UNSTORED = 10_000;

export interface FleetOptions {
  store: FleetStore;
  clock: Clock;
  publisher: Publisher;
  desired: DesiredSource;
  log: FleetLog;
  /** The version of this dashboard and of the agent that belongs to it. */
  version: string;
  epoch: string;
  /** Makes the id of a command: unique, and in order of time. */
  newId: () => string;
  /** Characters of output that are kept per command. */
  outputLimit: number;
}

interface Entry {
  record: HostRecord;
  connection: Connection | null;
  active: CommandRecord | null;
  control: CommandRecord | null;
  last: CommandRecord | null;
  /** As it was published last. */
  view: HostView | null;
  notice: string;
  sampledAt: number;
}

/** Whom a turn's failure to be stored matters to. */
type OnRefusal = 'retry' | 'drop';

export class FleetService implements AgentInbox, FleetOperator, LiveSource {
  readonly epoch: string;
  private readonly entries = new Map<string, Entry>();
  private readonly connections = new Map<AgentLink, Connection>();
  private readonly outputLog: OutputLog;
  private deferred: NewEvent[] = [];
  private readonly dirty = new Set<string>();
  private unstored: ((turn: Turn) => void)[] = [];
  private storageFault: string | null = null;
  private flushAt = 0;
  private lastFlush = 0;
  private cancelFlush: (() => void) | null = null;
  private lastFactsFlush = 0;
  private readonly cancels: (() => void)[] = [];
  private stopped = false;

  constructor(private readonly options: FleetOptions) {
    this.epoch = options.epoch;
    this.outputLog = new OutputLog(options.outputLimit);
  }

  /** Takes the fleet up from the database and starts its clock. */
  start(): void {
    const { hosts, commands, lastEnded } = this.options.store.load();
    for (const record of hosts) this.addEntry(record);
    for (const command of lastEnded) this.place(command);
    for (const command of commands) this.place(command);
    this.run('retry', (turn) => {
      for (const command of commands) this.feed(turn, command, { type: 'recovered' });
    });
    for (const entry of this.entries.values()) entry.view = this.viewOf(entry);
    this.cancels.push(
      this.options.desired.subscribe(() => {
        this.publish([...this.entries.keys()]);
        this.options.publisher.other({ desired: this.desiredView() });
      }),
    );
    this.lastFactsFlush = this.options.clock.now();
    this.armTick();
  }

  /** Stores what waits and stops the clock. Connections are the gateway's to close, before. */
  stop(): void {
    this.stopped = true;
    for (const cancel of this.cancels.splice(0)) cancel();
    this.cancelFlush?.();
    this.flushOutput();
    this.flushFacts();
  }

  // ── agents ────────────────────────────────────────────────────────────────────────────────────────────────────────

  connected(link: AgentLink): void {
    this.connections.set(link, newConnection(link, this.options.clock.now()));
  }

  alive(link: AgentLink): void {
    const connection = this.connections.get(link);
    if (!connection) return;
    const now = this.options.clock.now();
    connection.aliveAt = now;
    const entry = this.entryOf(connection);
    if (!entry) return;
    if (connection.probedAt !== null) this.provenAlive(entry, connection);
    entry.record = { ...entry.record, lastSeenAt: now };
    this.dirty.add(entry.record.id);
  }

  fault(link: AgentLink, problem: string): void {
    const connection = this.connections.get(link);
    if (connection) this.complain(connection, 'fault', problem);
  }

  frame(link: AgentLink, data: string): void {
    const connection = this.connections.get(link);
    if (!connection) return;
    this.alive(link);
    const parsed = parseAgentFrame(data);
    switch (parsed.kind) {
      case 'malformed':
        this.complain(connection, parsed.problem, `A frame could not be read: ${parsed.problem}.`);
        return;
      case 'unknown':
        this.complain(connection, `type ${parsed.type}`, `A frame of the unknown type "${parsed.type}" was ignored.`);
        return;
      case 'frame':
        this.parsedFrame(connection, parsed.frame);
    }
  }

  disconnected(link: AgentLink, code: number, reason: string): void {
    const connection = this.connections.get(link);
    if (!connection) return;
    this.connections.delete(link);
    const entry = this.entryOf(connection);
    if (!entry) {
      if (connection.state === 'held') this.heldChanged(connection);
      return;
    }
    entry.connection = null;
    const why = `The connection ended (${code}${reason === '' ? '' : `, ${reason}`}).`;
    this.defer(
      events.agentEvent('agent.disconnected', 'info', why, this.options.clock.now(), link.address, entry.record),
    );
    this.run('retry', (turn) => {
      turn.touched.add(entry.record.id);
      this.feedAll(turn, entry, { type: 'disconnected' });
    });
    const waiting = this.heldFor(entry.record.name).at(-1);
    if (waiting?.register) this.admit(waiting, waiting.register);
  }

  private parsedFrame(connection: Connection, frame: AgentFrame): void {
    if (frame.type === 'register') {
      this.registered(connection, frame.payload);
      return;
    }
    const entry = this.entryOf(connection);
    if (!entry) {
      if (connection.state === 'new') {
        this.complain(
          connection,
          'unregistered',
          `A ${frame.type} frame came before the agent registered; it was ignored.`,
        );
      }
      return;
    }
    switch (frame.type) {
      case 'heartbeat':
        this.heartbeat(entry, connection, frame.payload);
        return;
      case 'output':
        this.lines(entry, [{ seq: null, stream: frame.payload.stream, line: frame.payload.line }], null);
        return;
      case 'output_batch':
        this.lines(entry, frame.payload.lines, frame.payload.command_id);
        return;
      case 'started': {
        const command = this.commandOf(entry, frame.payload.command_id);
        if (command) this.run('retry', (turn) => this.feed(turn, command, { type: 'activity' }));
        return;
      }
      case 'status':
        this.status(entry, connection, frame.payload);
        return;
      case 'operation_progress': {
        const progress = progressOf(frame.payload);
        const { active } = entry;
        if (active && progress) this.run('drop', (turn) => this.feed(turn, active, { type: 'activity', progress }));
        return;
      }
      case 'command_rejected':
        this.run('retry', (turn) => {
          for (const { command, input } of addressRejection(frame.payload, entry)) this.feed(turn, command, input);
        });
    }
  }

  private registered(connection: Connection, register: Register): void {
    if (connection.state === 'admitted') {
      this.complain(
        connection,
        'second register',
        'The agent registered a second time on one connection; that was ignored.',
      );
      return;
    }
    connection.register = register;
    connection.protocol = register.protocol >= 3 ? 3 : 2;
    const name = hostNameOf(register.hostname);
    if (name === null) {
      const shown = register.hostname === '' ? 'no name' : `the name ${JSON.stringify(register.hostname.slice(0, 80))}`;
      this.hold(connection, `An agent says ${shown}, which is no host name: letters, digits and hyphens, at most 63.`);
      return;
    }
    const present = this.byName(name)?.connection;
    if (present && present !== connection) {
      if (isSameProcess(present, register)) {
        this.dismiss(present, 'the same agent opened a new connection');
      } else {
        present.probedAt ??= this.options.clock.now() + DUPLICATE_PROBE_MS;
        present.link.ping();
        this.hold(
          connection,
          `A second agent says that it is ${name}: one at ${present.link.address}, one at ${connection.link.address}.`,
        );
        return;
      }
    }
    this.admit(connection, register);
  }

  private admit(connection: Connection, register: Register): void {
    const name = hostNameOf(register.hostname);
    if (name === null) return;
    const known = this.byName(name);
    this.run('retry', (turn) => {
      if (!this.connections.has(connection.link)) return;
      const before = known?.record ?? newHost(name, name, turn.now);
      const record = afterRegister(before, register, turn.now);
      this.putHost(turn, before, record, !known);
      if (!known) {
        const message = `${name} connected for the first time.`;
        turn.events.push(
          events.agentEvent('host.added', 'success', message, turn.now, connection.link.address, record),
        );
      }
      const wasInstance = known?.connection?.register?.instance ?? this.lastInstance.get(record.id) ?? '';
      const sameProcess = register.instance === '' || wasInstance === '' ? null : register.instance === wasInstance;
      if (known) {
        for (const command of [known.active, known.control]) {
          if (!command) continue;
          this.feed(turn, command, {
            type: 'registered',
            shown: shownByRegister(register, command),
            hasResult: register.finished.includes(command.id),
            sameProcess,
            facts: this.factsOf(record),
          });
        }
      }
      turn.apply.push(() => {
        const entry = this.entries.get(record.id);
        if (!entry) return;
        connection.state = 'admitted';
        connection.heldFor = '';
        connection.hostId = record.id;
        entry.connection = connection;
        entry.notice = this.noticeOf(entry);
        this.lastInstance.set(record.id, register.instance);
        this.defer(
          events.agentEvent(
            'agent.connected',
            'info',
            `Agent ${register.agent_version || 'of unknown version'} connected.`,
            this.options.clock.now(),
            connection.link.address,
            record,
          ),
        );
      });
      turn.effects.push(() => this.sendRegistered(connection, record.id));
    });
  }

  private readonly lastInstance = new Map<string, string>();

  private heartbeat(
    entry: Entry,
    connection: Connection,
    beat: Extract<AgentFrame, { type: 'heartbeat' }>['payload'],
  ): void {
    connection.pending = beat.pending_command;
    const input = (turn: Turn) => {
      const before = entry.record;
      const record = afterHeartbeat(before, beat, turn.now);
      this.putHost(turn, before, record);
      for (const command of [entry.active, entry.control]) {
        if (!command) continue;
        this.feed(turn, command, { type: 'heartbeat', shown: shownBy(beat, command), facts: this.factsOf(record) });
      }
    };
    this.run('drop', input);
  }

  private status(
    entry: Entry,
    connection: Connection,
    status: Extract<AgentFrame, { type: 'status' }>['payload'],
  ): void {
    if (status.command_id !== null) {
      const id = status.command_id;
      const command = this.commandOf(entry, id);
      this.run('retry', (turn) => {
        if (command && command.outcome === null) {
          this.feed(turn, command, { type: 'result', result: resultOf(status, connection.protocol) });
        } else if (command) {
          this.lateResult(turn, entry, command, status.status, status.message);
        }
        turn.effects.push(() => connection.link.send({ type: 'ack', payload: { command_id: id, result: true } }));
      });
      return;
    }
    this.run('retry', (turn) => {
      const addressed = addressStatus(status, entry);
      for (const { command, input } of addressed) this.feed(turn, command, input);
      if (addressed.length === 0 && entry.last && status.command === wireName(entry.last)) {
        this.lateResult(turn, entry, entry.last, status.status, status.message);
      }
    });
  }

  /** A result for a command that has ended already: no end is ever left, but nothing is hidden either. */
  private lateResult(turn: Turn, entry: Entry, command: CommandRecord, status: string, message: string): void {
    if (command.outcome !== 'lost' && command.outcome !== 'timed-out') return;
    const text = `A late result arrived: ${status}${message === '' ? '' : `, ${message}`}. This command had ended as ${command.outcome}.`;
    this.outputLog.append(command, turn.now, 'note', text, null);
    turn.withOutput.add(command.id);
    turn.events.push(
      events.agentEvent(
        'command.late-result',
        'warning',
        text,
        turn.now,
        entry.connection?.link.address ?? '',
        entry.record,
        {
          commandId: command.id,
        },
      ),
    );
  }

  private lines(
    entry: Entry,
    lines: readonly { seq: number | null; stream: 'stdout' | 'stderr'; line: string }[],
    commandId: string | null,
  ): void {
    const now = this.options.clock.now();
    const command = commandId === null ? this.outputOwner(entry, now) : this.commandOf(entry, commandId);
    if (!command) {
      const last = lines.at(-1);
      if (commandId !== null && last && last.seq !== null) {
        entry.connection?.link.send({ type: 'ack', payload: { command_id: commandId, output_seq: last.seq } });
      }
      return;
    }
    for (const { seq, stream, line } of lines) this.outputLog.append(command, now, stream, line, seq);
    if (command.outcome === null && this.showsNothingYet(command)) {
      this.run('retry', (turn) => this.feed(turn, command, { type: 'activity' }));
    }
    if (this.outputLog.isFull) this.flushOutput();
    else this.armFlush();
  }

  /** Whose output a line without an id is: the running command's, or that of the one that just ended. */
  private outputOwner(entry: Entry, now: number): CommandRecord | null {
    if (entry.active) return entry.active;
    if (entry.control) return entry.control;
    return entry.last && now - (entry.last.endedAt ?? 0) <= LATE_OUTPUT_MS ? entry.last : null;
  }

  private showsNothingYet({ state }: CommandRecord): boolean {
    return state.phase === 'sent' || ('quiet' in state && state.quiet > 0 && state.phase !== 'verifying');
  }

  // ── duplicates and held connections ───────────────────────────────────────────────────────────────────────────────

  private hold(connection: Connection, why: string): void {
    const held = [...this.connections.values()].filter((other) => other.state === 'held');
    if (held.length >= MAX_HELD) {
      connection.link.close(1013, 'too many agents wait');
      return;
    }
    connection.state = 'held';
    connection.heldFor = why;
    this.defer(
      events.agentEvent('agent.held', 'warning', why, this.options.clock.now(), connection.link.address, null),
    );
    this.heldChanged(connection);
  }

  private heldFor(name: string): Connection[] {
    return [...this.connections.values()].filter(
      (connection) =>
        connection.state === 'held' && connection.register && hostNameOf(connection.register.hostname) === name,
    );
  }

  private heldChanged(connection: Connection): void {
    const name = connection.register && hostNameOf(connection.register.hostname);
    const entry = name ? this.byName(name) : null;
    if (entry) {
      entry.notice = this.noticeOf(entry);
      this.publish([entry.record.id]);
    }
    this.options.publisher.other({ notices: this.notices() });
  }

  private noticeOf(entry: Entry): string {
    return this.heldFor(entry.record.name).at(-1)?.heldFor ?? '';
  }

  private provenAlive(entry: Entry, connection: Connection): void {
    connection.probedAt = null;
    entry.notice = this.noticeOf(entry);
  }

  /** Ends a connection in favour of another one, without its commands noticing more than a reconnect. */
  private dismiss(connection: Connection, why: string): void {
    this.disconnected(connection.link, 4409, why);
    connection.link.close(4409, why);
  }

  // ── operators ─────────────────────────────────────────────────────────────────────────────────────────────────────

  dispatch(request: DispatchRequest): DispatchResult[] {
    const results: DispatchResult[] = [];
    const work = (turn: Turn) => {
      results.length = 0;
      for (const hostId of new Set(request.hostIds)) {
        const entry = this.entries.get(hostId);
        if (!entry) {
          results.push({ kind: 'unknown-host', hostId, hostName: hostId });
          continue;
        }
        results.push(this.dispatchTo(turn, entry, request));
      }
    };
    const refused = this.run('drop', work);
    if (refused === null) return results;
    return results.map((result) =>
      result.kind === 'accepted'
        ? { kind: 'not-stored', hostId: result.hostId, hostName: result.hostName, reason: refused }
        : result,
    );
  }

  private dispatchTo(turn: Turn, entry: Entry, request: DispatchRequest): DispatchResult {
    const { record } = entry;
    const named = { hostId: record.id, hostName: record.name };
    const repeated = this.options.store.commandByRequest(request.requestId, record.id);
    if (repeated) return { kind: 'accepted', ...named, commandId: repeated.id };
    const plan = planDispatch(request, this.viewOf(entry), entry, this.options.newId(), turn.now);
    if (plan.kind === 'blocked') {
      const { label } = OPERATIONS[request.operation];
      turn.events.push(events.commandBlocked(record, label, plan.blocked.reason, turn.now, request.by));
      return { kind: 'blocked', ...named, blocked: plan.blocked };
    }
    const { command, target, frame } = plan;
    turn.events.push(events.commandRequested(record, command, turn.now, request.by));
    turn.commands.set(command.id, command);
    turn.touched.add(record.id);
    const { storePath, binaryHash, generation } = record;
    this.feed(turn, command, { type: 'sent', before: { storePath, binaryHash, generation } });
    if (target) this.feed(turn, target, { type: 'stop-requested', how: plan.how });
    turn.effects.push(() => {
      const { connection } = entry;
      if (!connection) return;
      connection.link.send(frame(connection.protocol));
    });
    return { kind: 'accepted', ...named, commandId: command.id };
  }

  extend(commandId: string, ms: number, by: Requester): boolean {
    const command = this.liveCommand(commandId);
    const entry = command && this.entries.get(command.hostId);
    if (!entry || command.state.phase !== 'warning') return false;
    return (
      this.run('drop', (turn) => {
        turn.events.push(events.commandExtended(entry.record, command, ms, turn.now, by));
        this.feed(turn, command, { type: 'extend', ms: Math.min(ms, 60 * 60_000) });
      }) === null
    );
  }

  record(event: NewEvent): void {
    this.run('retry', (turn) => turn.events.push(event));
  }

  hostViews(): HostView[] {
    return [...this.entries.values()].map((entry) => entry.view ?? this.viewOf(entry));
  }

  host(id: string): HostView | null {
    const entry = this.entries.get(id);
    return entry ? (entry.view ?? this.viewOf(entry)) : null;
  }

  desiredView(): DesiredView {
    return desiredView(this.options.desired.state);
  }

  /** What is wrong with the dashboard or with connections that belong to no host. */
  notices(): ServiceNotice[] {
    const notices: ServiceNotice[] = [];
    if (this.storageFault !== null) {
      notices.push({
        level: 'error',
        message: `The database refuses to store: ${this.storageFault}. Nothing new is accepted until it does again.`,
      });
    }
    for (const connection of this.connections.values()) {
      const name = connection.register && hostNameOf(connection.register.hostname);
      if (connection.state === 'held' && !name) notices.push({ level: 'warning', message: connection.heldFor });
    }
    return notices.slice(0, 8);
  }

  command(id: string): CommandView | null {
    const command = this.liveCommand(id) ?? this.options.store.command(id);
    return command && commandView(command);
  }

  commandsOf(hostId: string, limit: number): CommandView[] {
    return this.options.store.commandsOf(hostId, limit).map(commandView);
  }

  outputAfter(commandId: string, after: number, limit: number): { lines: OutputLine[]; ended: boolean } | null {
    const command = this.liveCommand(commandId) ?? this.options.store.command(commandId);
    if (!command) return null;
    return { lines: this.options.store.output(commandId, after, limit), ended: command.outcome !== null };
  }

  output(commandId: string, after: number, limit: number): OutputLine[] {
    return this.options.store.output(commandId, after, limit);
  }

  events(filter: EventFilter): EventView[] {
    return this.options.store.events(filter);
  }

  // ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private feedAll(turn: Turn, entry: Entry, input: CommandInput): void {
    for (const command of [entry.active, entry.control]) if (command) this.feed(turn, command, input);
  }

  /** Gives a command an input and puts what follows into the turn. */
  private feed(turn: Turn, command: CommandRecord, input: CommandInput): void {
    const base = turn.commands.get(command.id) ?? this.liveCommand(command.id) ?? command;
    const operation = OPERATIONS[base.operation];
    const { state, effects } = stepCommand(operation, base.state, input, turn.now);
    const entry = this.entries.get(base.hostId);
    if (!entry) return;
    if (JSON.stringify(state) !== JSON.stringify(base.state)) {
      const next: CommandRecord = { ...base, state };
      if (state.phase !== 'queued' && state.phase !== 'sent') next.startedAt ??= turn.now;
      if (state.phase === 'ended') {
        next.endedAt = state.at;
        next.outcome = state.outcome;
        next.exitCode = state.exitCode;
        next.reason = state.reason;
      }
      turn.commands.set(next.id, next);
      turn.touched.add(next.hostId);
      if (state.phase === 'warning') turn.events.push(events.commandWarning(entry.record, next, state.why, turn.now));
      if (state.phase === 'ended') this.commandEnds(turn, entry, next);
    }
    for (const effect of effects) this.effect(turn, entry, base, effect);
  }

  private commandEnds(turn: Turn, entry: Entry, command: CommandRecord): void {
    turn.withOutput.add(command.id);
    turn.events.push(events.commandEnded(entry.record, command, turn.now));
    const record = turn.hosts.get(entry.record.id) ?? entry.record;
    const { operation, outcome, reason } = command;
    if (operation === 'switch' || operation === 'pull-switch') {
      if (outcome === 'succeeded' || outcome === 'unchanged') {
        const said = record.system?.status === 'ok' && record.system.generation === record.generation;
        if (!said) this.concludeWord(turn, record, 'system', 'ok', 'Switched.');
      } else if (outcome === 'failed') {
        this.concludeWord(turn, record, 'system', 'error', reason);
      }
    }
    turn.effects.push(() => this.options.publisher.outputDone(command.id));
    const { control } = entry;
    if (control && control.targetId === command.id && command.outcome) {
      this.feed(turn, control, { type: 'target-ended', outcome: command.outcome });
    }
  }

  private concludeWord(
    turn: Turn,
    record: HostRecord,
    name: 'system' | 'tests',
    status: 'ok' | 'error',
    message: string,
  ): void {
    this.putHost(turn, record, { ...record, [name]: concludedWord(status, message, record.generation, turn.now) });
  }

  private effect(turn: Turn, entry: Entry, command: CommandRecord, effect: CommandEffect): void {
    switch (effect.type) {
      case 'ask-heartbeat':
        turn.effects.push(() => this.askHeartbeat(entry, OPERATIONS[command.operation].postCheck === 'git-current'));
        return;
      case 'probe-system':
        turn.effects.push(() =>
          entry.connection?.link.send({ type: 'command', payload: { command: 'refresh-system' } }),
        );
        return;
      case 'send-again':
        turn.effects.push(() => {
          const wire = OPERATIONS[command.operation].wire;
          const { connection } = entry;
          if (!connection || wire?.kind !== 'command') return;
          const id = connection.protocol === 3 ? { id: command.id } : {};
          connection.link.send({ type: 'command', payload: { command: wire.command, ...id } });
        });
        return;
      case 'note':
        this.outputLog.append(turn.commands.get(command.id) ?? command, turn.now, 'note', effect.text, null);
        turn.withOutput.add(command.id);
    }
  }

  /** Asks for a fresh heartbeat; for a pull, after the desired state was fetched again, so that it is judged by the newest. */
  private askHeartbeat(entry: Entry, afterRefresh: boolean): void {
    const ask = () => {
      const { connection } = entry;
      if (connection) this.sendRegistered(connection, entry.record.id);
    };
    if (!afterRefresh || this.options.desired.state.source === 'none') {
      ask();
      return;
    }
    let asked = false;
    const once = () => {
      if (!asked) ask();
      asked = true;
    };
    const cancel = this.options.clock.after(REFRESH_BEFORE_CHECK_MS, once);
    void this.options.desired.refresh().then(() => {
      cancel();
      once();
    });
  }

  private sendRegistered({ link, protocol }: Connection, hostId: string): void {
    const three =
      protocol === 3 ? ({ protocol: 3, server_time: new Date(this.options.clock.now()).toISOString() } as const) : {};
    link.send({ type: 'registered', payload: { host_id: hostId, ...three } });
  }

  private factsOf(record: HostRecord): Facts {
    const { desired, version } = this.options;
    const parts = { record, online: true, active: null, control: null, last: null, foreignCommand: '', notice: '' };
    const { git, lock, system } = hostView(parts, desired, version).compartments;
    const { generation, storePath, binaryHash } = record;
    return { generation, storePath, binaryHash, relation: desired.relate(generation).relation, git, lock, system };
  }

  // ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Works an input out, stores what follows and lets it take effect. Gives null, or why the database refused: then
   * nothing has happened, and with `retry` the input is worked out again when the database is back.
   */
  private run(onRefusal: OnRefusal, work: (turn: Turn) => void): string | null {
    if (this.storageFault !== null && onRefusal === 'retry') {
      if (this.unstored.length < MAX_UNSTORED) this.unstored.push(work);
      return this.storageFault;
    }
    const turn = new Turn(this.options.clock.now());
    work(turn);
    const refused = turn.needsCommit ? this.commit(turn) : null;
    if (refused !== null) {
      if (onRefusal === 'retry' && this.unstored.length < MAX_UNSTORED) this.unstored.push(work);
      return refused;
    }
    for (const [id, record] of turn.hosts) {
      const entry = this.entries.get(id);
      if (entry) entry.record = record;
      else this.addEntry(record);
      this.dirty.add(id);
    }
    for (const change of turn.apply) change();
    this.publish([...turn.touched, ...turn.hosts.keys()]);
    for (const effect of turn.effects) effect();
    return null;
  }

  private commit(turn: Turn): string | null {
    const batches = [...turn.withOutput].flatMap((id) => this.outputLog.waiting(id));
    const commands = new Map(turn.commands);
    for (const { commandId } of batches) {
      const command = commands.get(commandId) ?? this.liveCommand(commandId);
      if (command) commands.set(commandId, command);
    }
    for (const [id, command] of commands) {
      if (turn.withOutput.has(id)) commands.set(id, this.outputLog.current(command));
    }
    try {
      const stored = this.options.store.commit({
        hosts: [...turn.durable].flatMap((id) => turn.hosts.get(id) ?? []),
        commands: [...commands.values()],
        output: batches,
        events: turn.events,
      });
      this.outputLog.stored(batches);
      for (const command of commands.values()) this.place(command);
      for (const { commandId, lines } of batches) this.linesStored(commandId, lines);
      if (stored.length > 0) this.options.publisher.other({ events: stored });
      this.storageWorks();
      return null;
    } catch (error) {
      return this.storageFails(error);
    }
  }

  private storageFails(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    if (this.storageFault !== message) {
      this.storageFault = message;
      this.options.log.error({ err: error }, 'the database refuses to store');
      this.options.publisher.other({ notices: this.notices() });
    }
    return message;
  }

  private storageWorks(): void {
    if (this.storageFault === null) return;
    this.storageFault = null;
    this.options.log.info({}, 'the database stores again');
    this.options.publisher.other({ notices: this.notices() });
    for (const work of this.unstored.splice(0)) this.run('retry', work);
  }

  private putHost(turn: Turn, before: HostRecord, after: HostRecord, isNew = false): void {
    turn.hosts.set(after.id, after);
    turn.touched.add(after.id);
    if (isNew || differsDurably(before, after)) turn.durable.add(after.id);
  }

  private publish(ids: readonly string[]): void {
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

  private viewOf(entry: Entry): HostView {
    const { record, connection, active, control, last, notice } = entry;
    const pending = connection?.pending ?? '';
    const accounted = [active, control].some((command) => command && wireName(command) === pending);
    return hostView(
      { record, online: connection !== null, active, control, last, foreignCommand: accounted ? '' : pending, notice },
      this.options.desired,
      this.options.version,
    );
  }

  // ── output, facts and the clock ───────────────────────────────────────────────────────────────────────────────────

  private armFlush(): void {
    if (this.cancelFlush) return;
    const now = this.options.clock.now();
    this.flushAt = Math.max(now, this.lastFlush + FLUSH_INTERVAL_MS);
    this.cancelFlush = this.options.clock.after(this.flushAt - now, () => {
      this.flushOutput();
    });
  }

  private flushOutput(): void {
    this.cancelFlush?.();
    this.cancelFlush = null;
    this.lastFlush = this.options.clock.now();
    if (this.outputLog.isEmpty) return;
    this.run('drop', (turn) => {
      for (const id of this.outputLog.ids()) turn.withOutput.add(id);
    });
  }

  private linesStored(commandId: string, lines: readonly OutputLine[]): void {
    this.options.publisher.output(commandId, lines);
    const command = this.liveCommand(commandId);
    const connection = command && this.entries.get(command.hostId)?.connection;
    if (connection?.protocol === 3 && command && command.agentSeq > 0) {
      connection.link.send({ type: 'ack', payload: { command_id: commandId, output_seq: command.agentSeq } });
    }
  }

  private flushFacts(): void {
    this.lastFactsFlush = this.options.clock.now();
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
    }
  }

  /** Events that may be lost with a crash: that agents come and go, and what they send that can't be read. */
  private defer(event: NewEvent): void {
    if (this.deferred.length < MAX_UNSTORED) this.deferred.push(event);
  }

  private complain(connection: Connection, kind: string, message: string): void {
    if (!isNewComplaint(connection, kind)) return;
    const host = this.entryOf(connection)?.record ?? null;
    this.defer(
      events.agentEvent('agent.fault', 'warning', message, this.options.clock.now(), connection.link.address, host),
    );
  }

  private armTick(): void {
    if (this.stopped) return;
    this.cancels.splice(1);
    this.cancels.push(
      this.options.clock.after(FLEET_TICK_MS, () => {
        this.tick();
        this.armTick();
      }),
    );
  }

  private tick(): void {
    const now = this.options.clock.now();
    for (const entry of this.entries.values()) {
      for (const command of [entry.active, entry.control]) {
        const deadline = command && deadlineOf(command.state);
        if (command && deadline !== null && now >= deadline) {
          this.run('retry', (turn) => this.feed(turn, command, { type: 'tick' }));
        }
      }
      const { connection } = entry;
      if (connection?.probedAt != null && now >= connection.probedAt) {
        this.dismiss(connection, 'no sign of life, and another agent has its name');
      }
    }
    if (this.storageFault !== null && !this.outputLog.isEmpty) this.flushOutput();
    if (this.deferred.length > 0 || this.storageFault !== null || now - this.lastFactsFlush >= FACTS_FLUSH_MS) {
      this.flushFacts();
    }
    this.publish([...this.dirty]);
  }

  // ── lookups ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private addEntry(record: HostRecord): void {
    this.entries.set(record.id, {
      record,
      connection: null,
      active: null,
      control: null,
      last: null,
      view: null,
      notice: '',
      sampledAt: record.metricsAt ?? 0,
    });
  }

  /** Puts a stored command where it belongs. */
  private place(command: CommandRecord): void {
    const entry = this.entries.get(command.hostId);
    if (!entry) return;
    const slot = OPERATIONS[command.operation].bypassesBusy ? 'control' : 'active';
    if (command.outcome === null) {
      entry[slot] = command;
      return;
    }
    if (entry[slot]?.id === command.id) entry[slot] = null;
    const isNewer = !entry.last || entry.last.id === command.id || (entry.last.endedAt ?? 0) <= (command.endedAt ?? 0);
    if (isNewer && OPERATIONS[command.operation].ends !== 'target') entry.last = command;
  }

  private entryOf(connection: Connection): Entry | null {
    return connection.hostId === null ? null : (this.entries.get(connection.hostId) ?? null);
  }

  /** Of two hosts with one name (an adopted database may hold them): the one whose id it is, else the newest seen. */
  private byName(name: string): Entry | null {
    const own = this.entries.get(name);
    if (own?.record.name === name) return own;
    let newest: Entry | null = null;
    for (const entry of this.entries.values()) {
      if (entry.record.name !== name) continue;
      if (!newest || (entry.record.lastSeenAt ?? 0) > (newest.record.lastSeenAt ?? 0)) newest = entry;
    }
    return newest;
  }

  private liveCommand(id: string): CommandRecord | null {
    for (const { active, control, last } of this.entries.values()) {
      for (const command of [active, control, last]) if (command?.id === id) return command;
    }
    return null;
  }

  private commandOf(entry: Entry, id: string): CommandRecord | null {
    const known = [entry.active, entry.control, entry.last].find((command) => command?.id === id);
    if (known) return known;
    const stored = this.options.store.command(id);
    return stored?.hostId === entry.record.id ? stored : null;
  }
}
