/**
 * Receives agents' frames: finds the host and the command that a frame is about, and applies it. Every frame is a sign of
 * life; one that can't be read causes an event and changes nothing.
 */
import { plainText } from '@/lib/text/plain-text';
import { isNewComplaint } from './admission-rules';
import type { AgentAdmission } from './agent-admission';
import { addressRejection, addressStatus, progressView, resultOf, shownBy } from './agent-input';
import type { CommandEngine } from '../commands/command-engine';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { afterHeartbeat } from '../hosts/host';
import type { CommandQueue } from '../commands/command-queue';
import type { Turn } from '../turns/turn';
import type { CommandRecord } from '../records/command-record';
import type { AgentInbox, AgentLink } from '../records/agent-port';
import type { Connection } from '../turns/connection';
import { OUTCOME_PHRASES } from '../operations/operation-words';
import { wireName } from '../operations/wire';
import type { HostEntry } from '../turns/entry';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame } from '@/lib/protocol/agent/from-agent';
import type { Register } from '@/lib/protocol/agent/register';

type Payload<T extends AgentFrame['type']> = Extract<AgentFrame, { type: T }>['payload'];

export class AgentConnections implements AgentInbox {
  /** Commands with an output line whose activity input is still pending. */
  private readonly pendingActivity = new Set<string>();

  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly queue: CommandQueue,
    private readonly admission: AgentAdmission,
  ) {
    admission.onDismiss = (link, code, reason) => this.disconnected(link, code, reason);
  }

  connected(link: AgentLink): void {
    this.admission.open(link);
  }

  alive(link: AgentLink): void {
    const connection = this.admission.of(link);
    if (!connection) return;
    const now = this.core.options.clock.now();
    const entry = this.admission.entryOf(connection);
    if (!entry) return;
    entry.record = { ...entry.record, lastSeenAt: now };
    this.core.dirty.add(entry.record.id);
  }

  fault(link: AgentLink, problem: string): void {
    const connection = this.admission.of(link);
    if (connection) this.complain(connection, problem, problem);
  }

  refused(link: AgentLink, problem: string): void {
    const connection = this.admission.of(link);
    if (connection?.eventsEnabled) this.report(connection, problem);
  }

  frame(link: AgentLink, data: Buffer | string): boolean {
    const connection = this.admission.of(link);
    if (!connection) return true;
    this.alive(link);
    const parsed = parseAgentFrame(data);
    switch (parsed.kind) {
      case 'malformed':
        this.complain(connection, parsed.problem, `A frame could not be read: ${parsed.problem}.`);
        return false;
      case 'unknown':
        this.complain(connection, `type ${parsed.type}`, `A frame of the unknown type "${parsed.type}" was ignored.`);
        return true;
      case 'frame':
        this.parsedFrame(connection, parsed.frame);
        return true;
    }
  }

  disconnected(link: AgentLink, code: number, reason: string): void {
    // Inputs it sent before it disconnected come first.
    this.core.turns.settle();
    this.pendingActivity.clear();
    this.admission.close(link, (entry, connection) => {
      if (connection.eventsEnabled) {
        // The reason in a close frame is text chosen by the agent.
        const text = plainText(reason, 120);
        const why = `The connection ended (${code}${text === '' ? '' : `, ${text}`}).`;
        const now = this.core.options.clock.now();
        this.core.defer(events.agentEvent('agent.disconnected', 'info', why, now, link.address, entry.record));
      }
      this.core.run('retry', (turn) => {
        turn.touched.add(entry.record.id);
        this.engine.feedAll(turn, entry, { type: 'disconnected' });
      });
    });
  }

  private parsedFrame(connection: Connection, frame: AgentFrame): void {
    if (frame.type === 'register') {
      this.registered(connection, frame.payload);
      return;
    }
    const entry = this.admission.entryOf(connection);
    if (!entry) {
      if (connection.state === 'new') {
        this.complain(
          connection,
          'unregistered',
          `A ${frame.type} frame arrived before the agent registered; it was ignored.`,
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
        if (command) this.core.group(entry, 'retry', (turn) => this.engine.feed(turn, command, { type: 'activity' }));
        return;
      }
      case 'status':
        this.status(entry, connection, frame.payload);
        return;
      case 'operation_progress': {
        const progress = progressView(frame.payload);
        const { active } = entry;
        if (active && progress)
          this.core.group(entry, 'drop', (turn) => this.engine.feed(turn, active, { type: 'activity', progress }));
        return;
      }
      case 'command_rejected':
        this.core.group(entry, 'retry', (turn) => {
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
        'The agent registered twice on one connection; the second frame was ignored.',
      );
      return;
    }
    this.core.turns.settle();
    this.admission.register(connection, register);
  }

  private heartbeat(entry: HostEntry, connection: Connection, beat: Payload<'heartbeat'>): void {
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
      turn.apply.push(() => {
        connection.pending = beat.pending_command;
        connection.hasHeartbeat = true;
      });
      turn.effects.push(() => this.queue.release(entry));
    };
    this.core.turns.groupIfDurable(entry.record.id, 'drop', input);
  }

  private status(entry: HostEntry, connection: Connection, status: Payload<'status'>): void {
    if (status.command_id !== null) {
      const id = status.command_id;
      this.core.group(entry, 'retry', (turn) => {
        // Looked up in the turn: the command may have changed while the database refused writes.
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
    this.core.group(entry, 'retry', (turn) => {
      const addressed = addressStatus(status, entry);
      for (const { command, input } of addressed) this.engine.feed(turn, command, input);
      if (addressed.length === 0 && entry.last && status.command === wireName(entry.last)) {
        this.lateResult(turn, entry, entry.last, status.status, status.message);
      }
    });
  }

  /** A result for a command that has already ended: its outcome stays, and the result is shown as a note. */
  private lateResult(turn: Turn, entry: HostEntry, command: CommandRecord, status: string, message: string): void {
    if (command.outcome !== 'lost' && command.outcome !== 'timed-out') return;
    const text = `A late result arrived: ${status}${message === '' ? '' : `, ${message}`}. It came after the command ${OUTCOME_PHRASES[command.outcome]}.`;
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
    entry: HostEntry,
    lines: readonly { seq: number | null; stream: 'stdout' | 'stderr'; line: string }[],
    commandId: string | null,
  ): void {
    const now = this.core.options.clock.now();
    const command = commandId === null ? this.outputOwner(entry) : this.core.commandOf(entry, commandId);
    if (!command) {
      const last = lines.at(-1);
      if (commandId !== null && last && last.seq !== null) {
        entry.connection?.link.send({ type: 'ack', payload: { command_id: commandId, output_seq: last.seq } });
      }
      return;
    }
    for (const { seq, stream, line } of lines) this.core.outputLog.append(command, now, stream, line, seq);
    if (command.outcome === null && this.awaitsActivity(command)) {
      this.markActive(entry, command);
    }
    // While the database refuses writes, the timer retries, not every line.
    if (this.core.outputLog.isFull && this.core.storageFault === null) this.core.flushOutput();
    else this.core.armFlush();
    // The agent repeats lines that are already stored: the acknowledgement was lost with an earlier connection.
    if (commandId !== null && this.core.outputLog.recordOf(command.id) === null) this.core.acknowledgeOutput(command);
  }

  /** A line shows that its command is running; one input is enough for many lines at once. */
  private markActive(entry: HostEntry, command: CommandRecord): void {
    if (this.pendingActivity.has(command.id)) return;
    this.pendingActivity.add(command.id);
    this.core.group(entry, 'retry', (turn) => {
      this.pendingActivity.delete(command.id);
      this.engine.feed(turn, command, { type: 'activity' });
    });
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

  private complain(connection: Connection, kind: string, message: string): void {
    if (connection.eventsEnabled && isNewComplaint(connection, kind)) this.report(connection, message);
  }

  private report(connection: Connection, message: string): void {
    const host = this.admission.entryOf(connection)?.record ?? null;
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
}
