/**
 * Where agents' frames arrive: who speaks for which host, what a frame changes, and which command it is about. Every
 * frame is a sign of life; what can't be read leaves one readable event and changes nothing.
 */
import { parseAgentFrame, type AgentFrame, type Register } from '@/lib/protocol/agent';
import {
  countComing,
  DUPLICATE_PROBE_MS,
  isNewComplaint,
  isSameProcess,
  MAX_COMINGS_PER_HOUR,
  MAX_HELD,
  MAX_HOSTS,
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
import type { CommandEngine } from './command-engine';
import type { Entry, FleetCore } from './core';
import * as events from './events';
import { afterHeartbeat, afterRegister, hostNameOf, newHost } from './host';
import type { AgentInbox, AgentLink } from './ports';
import type { CommandRecord } from './records';
import type { Turn } from './turn';

/** Output that comes after the end of its command still belongs to it for this long (agent protocol 5). */
export const LATE_OUTPUT_MS = 30_000;

type Payload<T extends AgentFrame['type']> = Extract<AgentFrame, { type: T }>['payload'];

export class AgentDesk implements AgentInbox {
  private readonly connections = new Map<AgentLink, Connection>();

  /** `onNotices` is called when the notices about held connections change. */
  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly onNotices: () => void,
  ) {}

  connected(link: AgentLink): void {
    this.connections.set(link, newConnection(link, this.core.options.clock.now()));
  }

  alive(link: AgentLink): void {
    const connection = this.connections.get(link);
    if (!connection) return;
    const now = this.core.options.clock.now();
    connection.aliveAt = now;
    const entry = this.entryOf(connection);
    if (!entry) return;
    if (connection.probedAt !== null) this.provenAlive(entry, connection);
    entry.record = { ...entry.record, lastSeenAt: now };
    this.core.dirty.add(entry.record.id);
  }

  fault(link: AgentLink, problem: string): void {
    const connection = this.connections.get(link);
    if (connection) this.complain(connection, problem, problem);
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
    if (connection.told) {
      const why = `The connection ended (${code}${reason === '' ? '' : `, ${reason}`}).`;
      this.core.defer(
        events.agentEvent('agent.disconnected', 'info', why, this.core.options.clock.now(), link.address, entry.record),
      );
    }
    this.core.run('retry', (turn) => {
      turn.touched.add(entry.record.id);
      this.engine.feedAll(turn, entry, { type: 'disconnected' });
    });
    const waiting = this.heldFor(entry.record.name).at(-1);
    if (waiting?.register) this.admit(waiting, waiting.register, entry.record.name);
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
        const command = this.core.commandOf(entry, frame.payload.command_id);
        if (command) this.core.run('retry', (turn) => this.engine.feed(turn, command, { type: 'activity' }));
        return;
      }
      case 'status':
        this.status(entry, connection, frame.payload);
        return;
      case 'operation_progress': {
        const progress = progressOf(frame.payload);
        const { active } = entry;
        if (active && progress)
          this.core.run('drop', (turn) => this.engine.feed(turn, active, { type: 'activity', progress }));
        return;
      }
      case 'command_rejected':
        this.core.run('retry', (turn) => {
          for (const { command, input } of addressRejection(frame.payload, entry))
            this.engine.feed(turn, command, input);
        });
    }
  }

  private registered(connection: Connection, register: Register): void {
    if (connection.register !== null) {
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
    this.claim(connection, register, name);
  }

  /** A connection asks to speak for a name. */
  private claim(connection: Connection, register: Register, name: string): void {
    const known = this.core.byName(name);
    if (!known && this.core.entries.size >= MAX_HOSTS) {
      this.hold(connection, `A new host, ${name}, was not taken in: the fleet has ${MAX_HOSTS} hosts already.`);
      return;
    }
    if (known?.own?.operation === 'remove-host') {
      this.hold(connection, `${name} is being removed. Its agent is taken for a new host when that is done.`);
      return;
    }
    const present = known?.connection;
    if (present) {
      if (isSameProcess(present, register)) {
        this.dismiss(present, 'the same agent opened a new connection');
      } else {
        present.probedAt ??= this.core.options.clock.now() + DUPLICATE_PROBE_MS;
        present.link.ping();
        this.hold(
          connection,
          `A second agent says that it is ${name}: one at ${present.link.address}, one at ${connection.link.address}.`,
        );
        return;
      }
    }
    this.admit(connection, register, name);
  }

  private admit(connection: Connection, register: Register, name: string): void {
    this.core.run('retry', (turn) => {
      if (!this.connections.has(connection.link)) return;
      const known = this.core.byName(name);
      if (known?.connection) {
        // While the database refused, another one asked for the same name and came first.
        turn.effects.push(() => this.claim(connection, register, name));
        return;
      }
      const before = known?.record ?? newHost(this.core.freshHostId(name), name, turn.now);
      const record = afterRegister(before, register, turn.now);
      this.core.putHost(turn, before, record, !known);
      if (!known) {
        const message = `${name} connected for the first time.`;
        turn.events.push(
          events.agentEvent('host.added', 'success', message, turn.now, connection.link.address, record),
        );
      }
      const wasInstance = known?.instance ?? '';
      const sameProcess = register.instance === '' || wasInstance === '' ? null : register.instance === wasInstance;
      if (known) {
        for (const command of [known.active, known.control]) {
          if (!command) continue;
          this.engine.feed(turn, command, {
            type: 'registered',
            shown: shownByRegister(register, command),
            hasResult: register.finished.includes(command.id),
            sameProcess,
            facts: this.engine.factsOf(record),
          });
        }
      }
      turn.apply.push(() => {
        const entry = this.core.entries.get(record.id);
        if (!entry) return;
        connection.state = 'admitted';
        connection.heldFor = '';
        connection.hostId = record.id;
        entry.connection = connection;
        entry.notice = this.noticeOf(entry);
        entry.instance = register.instance;
        this.tellComing(entry, connection, register.agent_version);
      });
      turn.effects.push(() => this.engine.sendRegistered(connection, record.id));
    });
  }

  private tellComing(entry: Entry, connection: Connection, version: string): void {
    const now = this.core.options.clock.now();
    const { address } = connection.link;
    const coming = countComing(entry.comings, now);
    connection.told = coming === 'told';
    if (coming === 'told') {
      const message = `Agent ${version || 'of unknown version'} connected.`;
      this.core.defer(events.agentEvent('agent.connected', 'info', message, now, address, entry.record));
    } else if (coming === 'too-often') {
      const message =
        `The agent connected more than ${MAX_COMINGS_PER_HOUR} times within an hour: ` +
        'until the hour is over, no more is said of its comings and goings. Look at its log and the network between.';
      this.core.defer(events.agentEvent('agent.unsteady', 'warning', message, now, address, entry.record));
    }
  }

  private heartbeat(entry: Entry, connection: Connection, beat: Payload<'heartbeat'>): void {
    connection.pending = beat.pending_command;
    const input = (turn: Turn) => {
      const before = entry.record;
      const record = afterHeartbeat(before, beat, turn.now);
      this.core.putHost(turn, before, record);
      for (const command of [entry.active, entry.control]) {
        if (!command) continue;
        this.engine.feed(turn, command, {
          type: 'heartbeat',
          shown: shownBy(beat, command),
          facts: this.engine.factsOf(record),
        });
      }
    };
    this.core.run('drop', input);
  }

  private status(entry: Entry, connection: Connection, status: Payload<'status'>): void {
    if (status.command_id !== null) {
      const id = status.command_id;
      this.core.run('retry', (turn) => {
        // Looked up in the turn: while the database refused, more may have become known of it.
        const command = this.core.commandOf(entry, id);
        if (command && command.outcome === null) {
          this.engine.feed(turn, command, { type: 'result', result: resultOf(status, connection.protocol) });
        } else if (command) {
          this.lateResult(turn, entry, command, status.status, status.message);
        }
        turn.effects.push(() => connection.link.send({ type: 'ack', payload: { command_id: id, result: true } }));
      });
      return;
    }
    this.core.run('retry', (turn) => {
      const addressed = addressStatus(status, entry);
      for (const { command, input } of addressed) this.engine.feed(turn, command, input);
      if (addressed.length === 0 && entry.last && status.command === wireName(entry.last)) {
        this.lateResult(turn, entry, entry.last, status.status, status.message);
      }
    });
  }

  /** A result for a command that has ended already: no end is ever left, but nothing is hidden either. */
  private lateResult(turn: Turn, entry: Entry, command: CommandRecord, status: string, message: string): void {
    if (command.outcome !== 'lost' && command.outcome !== 'timed-out') return;
    const text = `A late result arrived: ${status}${message === '' ? '' : `, ${message}`}. This command had ended as ${command.outcome}.`;
    this.core.outputLog.append(command, turn.now, 'note', text, null);
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
    const now = this.core.options.clock.now();
    const command = commandId === null ? this.outputOwner(entry, now) : this.core.commandOf(entry, commandId);
    if (!command) {
      const last = lines.at(-1);
      if (commandId !== null && last && last.seq !== null) {
        entry.connection?.link.send({ type: 'ack', payload: { command_id: commandId, output_seq: last.seq } });
      }
      return;
    }
    for (const { seq, stream, line } of lines) this.core.outputLog.append(command, now, stream, line, seq);
    if (command.outcome === null && this.showsNothingYet(command)) {
      this.core.run('retry', (turn) => this.engine.feed(turn, command, { type: 'activity' }));
    }
    if (this.core.outputLog.isFull) this.core.flushOutput();
    else this.core.armFlush();
    // Lines that came again although they are stored: the acknowledgement was lost with an earlier connection.
    if (commandId !== null && this.core.outputLog.recordOf(command.id) === null) this.core.acknowledgeOutput(command);
  }

  /** Whose output a line without an id is: the running command's, or that of the one that just ended. */
  private outputOwner(entry: Entry, now: number): CommandRecord | null {
    if (entry.active) return entry.active;
    if (entry.control) return entry.control;
    return entry.last && now - (entry.last.endedAt ?? 0) <= LATE_OUTPUT_MS ? entry.last : null;
  }

  /** True while a line is news to the command's life, not only to its output. */
  private showsNothingYet({ state }: CommandRecord): boolean {
    if (state.phase === 'verifying') return state.result === null && state.need !== 'probe';
    return state.phase === 'sent' || ('quiet' in state && state.quiet > 0);
  }

  private hold(connection: Connection, why: string): void {
    const held = [...this.connections.values()].filter((other) => other.state === 'held');
    if (held.length >= MAX_HELD) {
      connection.link.close(1013, 'too many agents wait');
      return;
    }
    connection.state = 'held';
    connection.heldFor = why;
    this.core.defer(
      events.agentEvent('agent.held', 'warning', why, this.core.options.clock.now(), connection.link.address, null),
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
    const entry = name ? this.core.byName(name) : null;
    if (entry) {
      entry.notice = this.noticeOf(entry);
      this.core.publish([entry.record.id]);
    }
    this.onNotices();
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

  private complain(connection: Connection, kind: string, message: string): void {
    if (!connection.told || !isNewComplaint(connection, kind)) return;
    const host = this.entryOf(connection)?.record ?? null;
    this.core.defer(
      events.agentEvent(
        'agent.fault',
        'warning',
        message,
        this.core.options.clock.now(),
        connection.link.address,
        host,
      ),
    );
  }

  private entryOf(connection: Connection): Entry | null {
    return connection.hostId === null ? null : (this.core.entries.get(connection.hostId) ?? null);
  }

  /** What the operator should know of connections that belong to no host. */
  heldNotices(): string[] {
    return [...this.connections.values()].flatMap((connection) => {
      const name = connection.register && hostNameOf(connection.register.hostname);
      return connection.state === 'held' && !(name && this.core.byName(name)) ? [connection.heldFor] : [];
    });
  }

  /** Lets who waits for this name ask for it again: what was in its way is gone. */
  claimAgain(name: string): void {
    const waiting = this.heldFor(name).at(-1);
    if (waiting?.register) this.claim(waiting, waiting.register, name);
    this.onNotices();
  }

  /** Ends connections that did not prove alive although another one claims their name. */
  checkProbes(now: number): void {
    for (const { connection } of this.core.entries.values()) {
      if (connection?.probedAt != null && now >= connection.probedAt) {
        this.dismiss(connection, 'no sign of life, and another agent has its name');
      }
    }
  }
}
