/**
 * Receives agents' frames: finds the host and the command that a frame is about, and applies it. Every frame is a sign of
 * life; one that can't be read causes an event and changes nothing.
 */
import { isNewComplaint } from './admission-rules';
import type { AgentAdmission } from './agent-admission';
import { addressRejection, addressStatus, confirmationInput, progressView, resultOf, shownBy } from './agent-input';
import type { CommandEngine } from '../commands/command-engine';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { afterHeartbeat, afterPolicy, policyChange, reportedGenerations } from '../hosts/host';
import type { CommandQueue } from '../commands/command-queue';
import type { Turn } from '../turns/turn';
import type { OnRefusal } from '../turns/turn-runner';
import type { CommandRecord } from '../records/command-record';
import type { AgentFault } from '../events/agent-event-kinds';
import type { AgentInbox, AgentLink } from '../records/agent-port';
import { isAdmitted, isClaiming, type AdmittedConnection, type Connection } from '../turns/connection';
import { wireName } from '../operations/wire';
import type { HostEntry } from '../turns/entry';
import type { ParsedAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame } from '@/lib/protocol/agent/from-agent';
import type { Register } from '@/lib/protocol/agent/register';

type Payload<T extends AgentFrame['type']> = Extract<AgentFrame, { type: T }>['payload'];

/** It is not read while its register frame is being stored; what was read before is fewer. */
const MAX_EARLY_FRAMES = 256;
/** Inputs of one host that wait before its agent is no longer read. */
const MAX_WAITING_OF_HOST = 8;

export class AgentConnections implements AgentInbox {
  /** Commands with an output line whose activity input is still pending. */
  private readonly pendingActivity = new Set<string>();
  /** Frames behind a register frame that is being stored, and the end behind them, by the id of their link. */
  private readonly early = new Map<string, { frames: AgentFrame[]; end: { code: number; reason: string } | null }>();

  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly queue: CommandQueue,
    private readonly admission: AgentAdmission,
  ) {}

  connected(link: AgentLink): void {
    this.admission.open(link);
  }

  alive(link: AgentLink): void {
    const connection = this.admission.of(link);
    if (connection) this.sawLife(connection);
  }

  fault(link: AgentLink, fault: AgentFault): void {
    const connection = this.admission.of(link);
    if (connection) this.complain(connection, fault.fault, fault);
  }

  refused(link: AgentLink, fault: AgentFault): void {
    const connection = this.admission.of(link);
    if (connection && writesEvents(connection)) this.report(connection, fault);
  }

  frame(link: AgentLink, parsed: ParsedAgentFrame): void {
    const connection = this.admission.of(link);
    if (!connection) return;
    this.sawLife(connection);
    switch (parsed.kind) {
      case 'malformed':
        this.complain(connection, parsed.problem, { fault: 'unreadable', problem: parsed.problem });
        return;
      case 'unknown':
        this.complain(connection, `type ${parsed.type}`, { fault: 'unknown-type', type: parsed.type });
        return;
      case 'frame':
        this.parsedFrame(connection, parsed.frame);
    }
  }

  disconnected(link: AgentLink, code: number, reason: string): void {
    const early = this.early.get(link.id);
    // What it sent before its end comes first.
    if (early && early.frames.length > 0) early.end = { code, reason };
    else this.admission.close(link, code, reason);
  }

  private sawLife(connection: Connection): void {
    connection.seenAt = this.core.now();
    const entry = this.admission.entryOf(connection);
    if (entry) this.core.seen(entry);
  }

  private parsedFrame(connection: Connection, frame: AgentFrame): void {
    if (frame.type === 'register') {
      this.registered(connection, frame.payload);
      return;
    }
    const early = this.early.get(connection.link.id);
    if (early) {
      if (early.frames.length < MAX_EARLY_FRAMES) early.frames.push(frame);
      return;
    }
    const entry = this.admission.entryOf(connection);
    if (!entry || !isAdmitted(connection)) {
      if (connection.state.phase === 'unregistered') {
        this.complain(connection, 'unregistered', { fault: 'unregistered', type: frame.type });
      }
      return;
    }
    this.hostFrame(entry, connection, frame);
    // It sends faster than its inputs can be stored.
    const { id } = entry.record;
    if (this.core.waitingAbout(id) > MAX_WAITING_OF_HOST) connection.link.holdUntil(this.core.whenFree(id));
  }

  private hostFrame(
    entry: HostEntry,
    connection: AdmittedConnection,
    frame: Exclude<AgentFrame, { type: 'register' }>,
  ): void {
    switch (frame.type) {
      case 'heartbeat':
        this.heartbeat(entry, connection, frame.payload);
        return;
      case 'output':
        this.lines(entry, connection, this.outputOwner(entry), [
          { seq: null, stream: frame.payload.stream, line: frame.payload.line },
        ]);
        return;
      case 'output_batch': {
        const { command_id: id, lines } = frame.payload;
        this.withCommand(entry, connection, id, (command) => {
          if (command) this.lines(entry, connection, command, lines);
          else this.acknowledgeUnknown(connection, id, lines.at(-1)?.seq ?? null);
        });
        return;
      }
      case 'started': {
        const id = frame.payload.command_id;
        this.input(entry, connection, 'retry', (turn) => {
          const command = liveOf(this.core, entry, id);
          if (command) this.engine.feed(turn, command, { type: 'activity' });
        });
        return;
      }
      case 'status':
        this.status(entry, connection, frame.payload);
        return;
      case 'operation_progress': {
        const progress = progressView(frame.payload);
        if (progress === null) return;
        this.input(entry, connection, 'drop', (turn) => {
          if (entry.active) this.engine.feed(turn, entry.active, { type: 'activity', progress });
        });
        return;
      }
      case 'confirmation': {
        const { payload } = frame;
        this.input(entry, connection, 'retry', (turn) => {
          const command = liveOf(this.core, entry, payload.command_id);
          if (command) this.engine.feed(turn, command, confirmationInput(payload, connection.link.id, turn.now));
        });
        return;
      }
      case 'command_rejected':
        this.input(entry, connection, 'retry', (turn) => {
          for (const { command, input } of addressRejection(frame.payload, entry)) {
            this.engine.feed(turn, command, input);
          }
        });
        return;
      case 'host_policy':
        this.input(entry, connection, 'retry', (turn) => {
          const before = entry.record;
          const after = afterPolicy(before, frame.payload);
          this.core.putHost(turn, before, after);
          const { address, identity } = connection.link;
          const change = policyChange(before.policy, after.policy);
          if (change)
            turn.effects.push(() => this.core.defer(events.agentPolicy(after, change, turn.now, address), identity));
        });
        return;
      case 'system_generations':
        this.input(entry, connection, 'retry', (turn) => {
          turn.systemGenerations.set(entry.record.id, reportedGenerations(frame.payload, turn.now));
        });
    }
  }

  private registered(connection: Connection, register: Register): void {
    if (connection.state.phase === 'unregistered') {
      const claimed = this.admission.register(connection, register);
      if (isClaiming(connection)) this.early.set(connection.link.id, { frames: [], end: null });
      claimed
        .then(() => this.replayEarly(connection))
        .catch((error: unknown) => this.admission.failed(connection, error))
        .finally(() => this.early.delete(connection.link.id));
      return;
    }
    this.complain(connection, 'second register', { fault: 'registered-twice' });
  }

  /** Processes what an agent sent behind its register frame, before that was stored. */
  private replayEarly(connection: Connection): void {
    const { link } = connection;
    const early = this.early.get(link.id);
    this.early.delete(link.id);
    for (const frame of early?.frames ?? []) if (this.admission.of(link)) this.parsedFrame(connection, frame);
    if (early?.end) this.admission.close(link, early.end.code, early.end.reason);
  }

  private heartbeat(entry: HostEntry, connection: AdmittedConnection, beat: Payload<'heartbeat'>): void {
    this.input(entry, connection, 'drop', (turn) => {
      const before = entry.record;
      const record = afterHeartbeat(before, beat, turn.now);
      this.core.putHost(turn, before, record);
      for (const command of [entry.active, entry.control]) {
        if (!command) continue;
        const shown = shownBy(beat, command);
        this.engine.feed(turn, command, { type: 'heartbeat', shown, facts: this.engine.factsOf(record) });
      }
      turn.apply.push(() => {
        connection.state.pending = beat.pending_command;
      });
      if (entry.queue.length > 0) turn.effects.push(() => this.queue.release(entry));
    });
  }

  private status(entry: HostEntry, connection: AdmittedConnection, status: Payload<'status'>): void {
    const id = status.command_id;
    if (id === null) {
      this.input(entry, connection, 'retry', (turn) => {
        const addressed = addressStatus(status, entry);
        for (const { command, input } of addressed) this.engine.feed(turn, command, input);
        if (addressed.length === 0 && entry.last && status.command === wireName(entry.last)) {
          this.engine.lateResult(turn, entry, entry.last, resultOf(status, 2));
        }
      });
      return;
    }
    this.withCommand(entry, connection, id, (found) => {
      this.input(entry, connection, 'retry', (turn) => {
        // Looked up in the turn: the command may have changed since the frame arrived.
        const command = liveOf(this.core, entry, id) ?? found;
        if (command) {
          const result = resultOf(status, connection.state.registration.protocol);
          if (awaitsResult(command)) this.missingAtEnd(turn, command, status.last_seq ?? 0);
          if (command.outcome === null) this.engine.feed(turn, command, { type: 'result', result });
          else this.engine.lateResult(turn, entry, command, result);
        }
        turn.effects.push(() => connection.link.send({ type: 'ack', payload: { command_id: id, result: true } }));
      });
    });
  }

  /**
   * Finds the command of this host with an id: at once in memory, else later in the database. Frames about one command
   * keep their order, because the database answers in order.
   */
  private withCommand(
    entry: HostEntry,
    connection: AdmittedConnection,
    id: string,
    use: (command: CommandRecord | null) => void,
  ): void {
    const live = liveOf(this.core, entry, id);
    if (live) {
      use(live);
      return;
    }
    const { store, log } = this.core.options;
    store
      .command(id)
      .then((command) => {
        const { id: hostId } = entry.record;
        // Meanwhile the host was removed, or the connection closed by the dashboard.
        if (connection.isDismissed || this.core.memory.entries.get(hostId) !== entry) return;
        use(command?.hostId === hostId ? command : null);
      })
      .catch((error: unknown) => {
        // Neither taken nor acknowledged: the agent sends it again with its next connection.
        log.error({ err: error, commandId: id }, 'an agent’s frame was dropped: its command could not be looked up');
      });
  }

  private acknowledgeUnknown({ link }: AdmittedConnection, commandId: string, outputSeq: number | null): void {
    if (outputSeq !== null) link.send({ type: 'ack', payload: { command_id: commandId, output_seq: outputSeq } });
  }

  /** An input that a frame of this connection causes. */
  private input(
    entry: HostEntry,
    connection: AdmittedConnection,
    onRefusal: OnRefusal,
    work: (turn: Turn) => void,
  ): void {
    const unlessDismissed = (turn: Turn) => {
      if (!connection.isDismissed) work(turn);
    };
    const failed = (error: unknown) => this.admission.failed(connection, error);
    this.core.about(entry, onRefusal, unlessDismissed, { failed });
  }

  /** All lines were sent before the result: what has not arrived was lost with an earlier process of the agent. */
  private missingAtEnd(turn: Turn, command: CommandRecord, lastSeq: number): void {
    const text = this.core.outputLog.missingUpTo(command, lastSeq);
    if (text !== null) turn.lines.push({ command, at: turn.now, stream: 'note', text });
  }

  private lines(
    entry: HostEntry,
    connection: AdmittedConnection,
    command: CommandRecord | null,
    lines: readonly { seq: number | null; stream: 'stdout' | 'stderr'; line: string }[],
  ): void {
    if (!command) return;
    const now = this.core.now();
    const { outputLog } = this.core;
    for (const { seq, stream, line } of lines) {
      outputLog.append(command, now, stream, line, seq);
      // Agents of protocol 2, which number no lines, report an exit code without a reason.
      if (seq === null && command.outcome === null) this.engine.causes.add(command.id, line);
    }
    if (command.outcome === null && this.awaitsActivity(command)) this.markActive(entry, connection, command);
    // While the database refuses writes, the timer retries, not every line.
    if (outputLog.isFull && this.core.storageFault === null) {
      this.core.flushOutput();
      connection.link.holdUntil(this.core.whenFree(entry.record.id));
    } else {
      this.core.armFlush();
    }
    // The agent repeats lines that are already stored: the acknowledgement was lost with an earlier connection.
    if (lines.at(-1)?.seq != null && !outputLog.has(command.id)) this.core.acknowledgeOutput(command);
  }

  /** A line shows that its command is running; one input is enough for many lines at once. */
  private markActive(entry: HostEntry, connection: AdmittedConnection, { id }: CommandRecord): void {
    if (this.pendingActivity.has(id) || this.core.storageFault !== null) return;
    this.pendingActivity.add(id);
    const work = (turn: Turn) => {
      const command = connection.isDismissed ? null : liveOf(this.core, entry, id);
      if (command) this.engine.feed(turn, command, { type: 'activity' });
    };
    this.core
      .runAbout(entry.record.id, 'drop', work)
      .catch((error: unknown) => this.admission.failed(connection, error))
      .finally(() => this.pendingActivity.delete(id));
  }

  /** The command that a line without an id belongs to: the running one, or the one that just ended. */
  private outputOwner(entry: HostEntry): CommandRecord | null {
    if (entry.active) return entry.active;
    if (entry.control) return entry.control;
    return this.core.options.loop.now() <= entry.lateOutputUntil ? entry.last : null;
  }

  /** True while a line of output also changes the command's state. */
  private awaitsActivity({ state }: CommandRecord): boolean {
    if (state.phase === 'verifying') return state.result === null && state.need !== 'probe';
    return state.phase === 'sent' || ('quiet' in state && state.quiet > 0);
  }

  /** `kind`: one event for each. */
  private complain(connection: Connection, kind: string, fault: AgentFault): void {
    if (writesEvents(connection) && isNewComplaint(connection, kind)) this.report(connection, fault);
  }

  private report(connection: Connection, fault: AgentFault): void {
    const host = this.admission.entryOf(connection)?.record ?? null;
    const { address, identity } = connection.link;
    this.core.defer(events.agentFault(host, fault, this.core.now(), address), identity);
  }
}

/** Events about a host's connections are suppressed while it reconnects too often. */
function writesEvents({ state }: Connection): boolean {
  return state.phase !== 'admitted' || state.eventsEnabled;
}

/** Whether no result of a command has arrived yet. */
function awaitsResult({ state, outcome }: CommandRecord): boolean {
  if (state.phase === 'ended') return (outcome === 'lost' || outcome === 'timed-out') && state.hasResult !== true;
  return !('result' in state && state.result !== null);
}

/** A command of this host that has not ended, or was the last to end. */
function liveOf({ memory }: FleetCore, entry: HostEntry, id: string): CommandRecord | null {
  const command = memory.liveCommand(id);
  return command?.hostId === entry.record.id ? command : null;
}
