/**
 * Commands queued for a host that is offline: sent after its first heartbeat, when it is idle. Each is a stored command
 * from the start, so that a restart loses none and sends none twice.
 */
import type { CommandEngine } from './command-engine';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { OPERATIONS } from '../operations/operations';
import type { Turn } from '../turns/turn';
import type { CommandRecord } from '../records/command-record';
import type { Requester } from '../records/requests';
import { checkOperation } from '../operations/operation-rules';
import type { HostEntry } from '../turns/entry';

/** These reasons pass by themselves: the command stays queued. For any other reason it is skipped. */
const PASSING: readonly string[] = ['offline', 'busy', 'agent-busy', 'confirming'];

export class CommandQueue {
  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
  ) {}

  /** Queues a new command. A queued one of the same operation is superseded, so that a host's queue stays short. */
  add(turn: Turn, entry: HostEntry, command: CommandRecord): void {
    this.supersede(turn, entry, command);
    turn.events.push(events.commandQueued(entry.record, command, entry.polledUntil > 0, turn.now));
  }

  /** A newer command of an operation supersedes the queued ones. */
  supersede(turn: Turn, entry: HostEntry, by: CommandRecord): void {
    for (const waiting of entry.queue) {
      if (waiting.operation !== by.operation || waiting.id === by.id) continue;
      const reason = `${by.userName} requested it again before this one was sent.`;
      this.engine.feed(turn, waiting, { type: 'not-sent', outcome: 'superseded', reason });
    }
  }

  /** Sends the first queued command if the host can take it now. Called after a heartbeat that shows nothing running. */
  release(entry: HostEntry): void {
    this.core.about(entry, 'drop', (turn) => this.releaseInTurn(turn, entry));
  }

  private releaseInTurn(turn: Turn, entry: HostEntry): void {
    if (entry.connection?.state.pending !== '') return;
    for (const command of entry.queue) {
      const operation = OPERATIONS[command.operation];
      const blocked = checkOperation(operation, this.core.memory.viewOf(entry), null, command.forced);
      if (blocked && PASSING.includes(blocked.code)) return;
      if (!blocked) {
        turn.events.push(events.commandDequeued(entry.record, command, turn.now));
        this.engine.send(turn, entry, command);
        return;
      }
      const reason = `The host came back online, but the command could not be sent: ${blocked.reason}`;
      this.engine.feed(turn, command, { type: 'not-sent', outcome: 'skipped', reason });
    }
  }

  /** Cancels a command that has not been sent. False when it was sent or is unknown. */
  async cancel(commandId: string, by: Requester): Promise<boolean> {
    const hostId = this.core.memory.liveCommand(commandId)?.hostId;
    if (hostId === undefined) return false;
    const found = { isQueued: false };
    const refused = await this.core.runAbout(hostId, 'drop', (turn) => {
      const entry = this.core.memory.entries.get(hostId);
      const command = entry?.queue.find(({ id }) => id === commandId);
      found.isQueued = command !== undefined;
      if (entry && command) this.cancelInTurn(turn, entry, command, by);
    });
    return found.isQueued && refused === null;
  }

  /** As `cancel`, in the caller's turn. */
  cancelInTurn(turn: Turn, entry: HostEntry, command: CommandRecord, by: Requester): void {
    turn.events.push(events.commandCancelled(entry.record, command, turn.now, by));
    this.engine.feed(turn, command, { type: 'cancel', reason: `${by.userName} cancelled it before it was sent.` });
  }
}
