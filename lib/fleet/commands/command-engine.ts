/** Runs commands: feeds each its inputs, stores the result with the turn, and carries out the effects afterwards. */
import { lateReason } from './command-transitions';
import { stepCommand } from './step-command';
import type { CommandEffect, CommandInput } from './command-step';
import { OutputCauses } from './output-causes';
import type { VerdictFacts } from './command-verdict';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { concludedReport } from '../hosts/host';
import { agentFacts } from '../hosts/agent-capabilities';
import { checkAgent, planConfirmation, type ConfirmPolicy } from '../operations/operation-rules';
import { OPERATIONS } from '../operations/operations';
import { frameOf } from '../operations/wire';
import type { Turn } from '../turns/turn';
import { judgeCompartments } from '../hosts/compartments';
import type { CommandRecord } from '../records/command-record';
import type { CommandResult } from '../records/command-state';
import type { HostRecord } from '../records/host-record';
import type { AgentLink } from '../records/agent-port';
import type { HostEntry } from '../turns/entry';
import { DEFAULT_CONFIRM_S } from '@/lib/protocol/agent/confirm-window';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';
import { ACTIVATION } from '@/lib/protocol/agent/capabilities';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** How long a fetch of the desired state may hold up a post-check. */
export const REFRESH_BEFORE_CHECK_MS = 5_000;

/** What the engine needs of its surroundings. */
export interface EnginePorts {
  /** Carries out a dashboard operation. */
  carryOut: (command: CommandRecord) => void;
  /** Called for each ended command, in the turn that stores its end. */
  ended: (turn: Turn, command: CommandRecord) => void;
}

export class CommandEngine {
  readonly causes = new OutputCauses();

  constructor(
    private readonly core: FleetCore,
    private readonly ports: EnginePorts,
  ) {}

  feedAll(turn: Turn, entry: HostEntry, input: CommandInput): void {
    for (const command of [entry.active, entry.control]) if (command) this.feed(turn, command, input);
  }

  /** The connection of a host's agent has ended. */
  lostConnection(turn: Turn, entry: HostEntry): void {
    this.feedAll(turn, entry, { type: 'disconnected', losesOutput: losesOutput(entry.record) });
  }

  /** The dashboard was restarted. */
  recovered(turn: Turn, command: CommandRecord): void {
    const record = this.core.memory.entries.get(command.hostId)?.record;
    this.feed(turn, command, { type: 'recovered', losesOutput: record !== undefined && losesOutput(record) });
  }

  /** The dashboard's setting for confirmed switches. */
  get confirmPolicy(): ConfirmPolicy {
    return this.core.options.confirm ?? { enabled: true, windowS: DEFAULT_CONFIRM_S };
  }

  /** Marks a command as sent. Its verdict compares the host's facts at its end with the facts of now. */
  markSent(turn: Turn, command: CommandRecord, record: HostRecord, on?: string): void {
    const { storePath, binaryHash, generation } = record;
    const before = { storePath, binaryHash, generation, activates: activates(record) };
    const how = { ...(on === undefined ? {} : { on }), ...this.confirmNow(command, record) };
    this.feed(turn, command, { type: 'sent', before, ...how });
  }

  /** Starts a command on its host: it is stored as sent, then sent to the agent. */
  send(turn: Turn, entry: HostEntry, command: CommandRecord): void {
    const record = turn.hosts.get(entry.record.id) ?? entry.record;
    const on = entry.connection?.link.id;
    this.markSent(turn, command, record, on);
    turn.effects.push(() => sendTo(entry, turn.commands.get(command.id) ?? command));
  }

  /** Whether a command is sent as a confirmed switch, by the agent that the host has now. */
  private confirmNow({ operation, state }: CommandRecord, record: HostRecord) {
    if (state.phase !== 'queued' || state.confirmS === undefined) return {};
    const policy = { enabled: true, windowS: state.confirmS };
    const { type, hostsDashboard, confirmSwitches, policy: accepted } = record;
    const facts = { ...agentFacts(record), type, hostsDashboard, confirmSwitches, policy: accepted };
    const plan = planConfirmation(OPERATIONS[operation], facts, policy, true);
    return plan?.kind === 'confirmed' ? { confirmS: plan.windowS } : { unconfirmed: plan?.reason };
  }

  /** Gives a command an input and adds the result to the turn. */
  feed(turn: Turn, command: CommandRecord, input: CommandInput): void {
    // A command in neither place has ended: the record that the caller holds may be older than that.
    const base = turn.commands.get(command.id) ?? this.core.memory.liveCommand(command.id);
    if (!base || base.outcome !== null) return;
    const operation = OPERATIONS[base.operation];
    const step = stepCommand(operation, base.state, input, turn.now);
    const state =
      step.state === base.state
        ? base.state
        : this.causes.explained(base.id, operation, step.state, resultFor(base, input));
    const entry = this.core.memory.entries.get(base.hostId);
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
      if (state.phase === 'warning' && base.state.phase !== 'warning') {
        turn.events.push(events.commandWarning(entry.record, next, state.why, turn.now));
      }
      if (state.phase === 'ended') this.commandEnds(turn, entry, next);
    }
    for (const effect of step.effects) this.effect(turn, entry, base, effect);
  }

  private commandEnds(turn: Turn, entry: HostEntry, command: CommandRecord): void {
    turn.withOutput.add(command.id);
    turn.apply.push(() => this.causes.forget(command.id));
    turn.events.push(events.commandEnded(entry.record, command, turn.now));
    this.concludeCompartments(turn, entry, command);
    this.ports.ended(turn, command);
    turn.effects.push(() => this.core.options.publisher.outputDone(command.id));
    const { control } = entry;
    if (control && control.targetId === command.id && command.outcome) {
      this.feed(turn, control, { type: 'target-ended', outcome: command.outcome });
    }
  }

  /** A result that arrived after its command had ended. A note keeps it; it may correct an end that rested on no result. */
  lateResult(turn: Turn, entry: HostEntry, command: CommandRecord, result: CommandResult): void {
    const base = turn.commands.get(command.id) ?? this.core.memory.liveCommand(command.id) ?? command;
    const operation = OPERATIONS[base.operation];
    const { state } = stepCommand(operation, base.state, { type: 'result', result }, turn.now);
    if (base.outcome === null || state.phase !== 'ended' || state === base.state) return;
    const { outcome, reason, exitCode } = state;
    const isCorrected = outcome !== base.outcome;
    const next: CommandRecord = { ...base, state, outcome, reason, exitCode };
    turn.commands.set(next.id, next);
    turn.touched.add(next.hostId);
    turn.lines.push({
      command: next,
      at: turn.now,
      stream: 'note',
      text: `A late result arrived: ${isCorrected ? reason : lateReason(operation, result)}`,
    });
    if (!isCorrected) return;
    turn.events.push(events.commandCorrected(entry.record, next, turn.now));
    // What another command has done since then is newer.
    if (entry.active === null && entry.last?.id === next.id) this.concludeCompartments(turn, entry, next);
  }

  /** What the end of a command says about its host's System and Tests. */
  private concludeCompartments(turn: Turn, entry: HostEntry, { operation, outcome, reason }: CommandRecord): void {
    const record = turn.hosts.get(entry.record.id) ?? entry.record;
    if (operation === 'switch' || operation === 'pull-switch') {
      if (outcome === 'succeeded' || outcome === 'unchanged') {
        const isReported = record.system?.status === 'ok' && record.system.generation === record.generation;
        if (!isReported) this.recordConclusion(turn, record, 'system', 'ok', 'Switched.');
      } else if (outcome === 'failed' || outcome === 'rolled-back') {
        this.recordConclusion(turn, record, 'system', 'error', reason);
      }
    }
    if (operation === 'rollback' && outcome === 'succeeded') {
      const rolledBack = this.recordConclusion(
        turn,
        record,
        'system',
        'outdated',
        'Rolled back to the previous generation.',
      );
      this.recordConclusion(turn, rolledBack, 'tests', 'outdated', 'Not tested since the rollback.');
    }
  }

  private recordConclusion(
    turn: Turn,
    record: HostRecord,
    name: 'system' | 'tests',
    status: 'ok' | 'error' | 'outdated',
    message: string,
  ): HostRecord {
    const report = concludedReport(status, message, record.generation, turn.now, record[name]);
    const next = { ...record, [name]: report };
    this.core.putHost(turn, record, next);
    return next;
  }

  private effect(turn: Turn, entry: HostEntry, command: CommandRecord, effect: CommandEffect): void {
    switch (effect.type) {
      case 'ask-heartbeat':
        turn.effects.push(() => this.askHeartbeat(entry, OPERATIONS[command.operation].postCheck === 'git-current'));
        return;
      case 'probe-system':
        if (this.unsupported(turn, entry, 'refresh-system') !== null) {
          this.feed(turn, command, { type: 'probed', status: 'unknown' });
          return;
        }
        turn.effects.push(() =>
          entry.connection?.link.send({ type: 'command', payload: { command: 'refresh-system' } }),
        );
        return;
      case 'send-again': {
        // The agent that came back may be another one than the one that was sent it first.
        const reason = this.unsupported(turn, entry, command.operation);
        if (reason !== null) {
          this.feed(turn, command, { type: 'rejected', isThis: false, reason });
          return;
        }
        turn.effects.push(() => {
          if (OPERATIONS[command.operation].runs === 'dashboard') this.ports.carryOut(command);
          else sendTo(entry, command);
        });
        return;
      }
      case 'confirm': {
        const { keep, byOperator, on } = effect;
        turn.effects.push(() => {
          const link = entry.connection?.link;
          if (link?.id !== on) return;
          link.send({ type: 'confirm', payload: { command_id: command.id, keep, by_operator: byOperator } });
        });
        return;
      }
      case 'note':
        turn.lines.push({
          command: turn.commands.get(command.id) ?? command,
          at: turn.now,
          stream: 'note',
          text: effect.text,
        });
    }
  }

  /** Why the host's agent, as of this turn, can't be sent an operation; null when it can. */
  unsupported(turn: Turn, { record }: HostEntry, operation: OperationId): string | null {
    return checkAgent(OPERATIONS[operation], agentFacts(turn.hosts.get(record.id) ?? record))?.reason ?? null;
  }

  /** Asks for a fresh heartbeat; for a pull, after the desired state was fetched again, so that the newest one decides. */
  private askHeartbeat(entry: HostEntry, afterRefresh: boolean): void {
    const ask = () => {
      const { connection } = entry;
      if (connection) this.sendRegistered(connection.link, connection.state.registration.protocol, entry.record.id);
    };
    if (!afterRefresh || this.core.options.desired.state.source === 'none') {
      ask();
      return;
    }
    let asked = false;
    const once = () => {
      if (!asked) ask();
      asked = true;
    };
    const cancel = this.core.options.loop.after(REFRESH_BEFORE_CHECK_MS, once);
    const refreshed = () => {
      cancel();
      once();
    };
    // Also when the fetch fails: the heartbeat is what the command waits for.
    void this.core.options.desired.refresh().then(refreshed, refreshed);
  }

  sendRegistered(link: AgentLink, protocol: 2 | 3, hostId: string): void {
    const named = protocol === 3 ? { protocol, accepts: ACCEPTED } : {};
    link.send({ type: 'registered', payload: { host_id: hostId, ...named } });
  }

  factsOf(record: HostRecord): VerdictFacts {
    const { desired, version } = this.core.options;
    const { generation, storePath, binaryHash } = record;
    const relation = desired.relate(generation);
    const judged = judgeCompartments({ host: record, desired: desired.state, relation, version, running: null });
    const { git, lock, system } = judged;
    return {
      generation,
      storePath,
      binaryHash,
      activates: activates(record),
      relation: relation.relation,
      git,
      lock,
      system,
    };
  }
}

const activates = ({ capabilities }: HostRecord): boolean => capabilities?.includes(ACTIVATION) === true;

/** Agents of protocol 2 keep nothing that a command prints while they are not connected. */
const losesOutput = ({ protocol }: HostRecord): boolean => protocol === 2;

function sendTo({ connection }: HostEntry, command: CommandRecord): void {
  const frame = connection && frameOf(command, connection.state.registration.protocol);
  if (frame) connection.link.send(frame);
}

/** What the agent reported of a command: with this input, or before it. */
function resultFor({ state }: CommandRecord, input: CommandInput): CommandResult | null {
  if (input.type === 'result') return input.result;
  return 'result' in state ? state.result : null;
}
