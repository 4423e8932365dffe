/** The beginning and the end of a host's connection: its events, its notice, and what its commands learn of it. */
import { plainText } from '@/lib/text/plain-text';
import { countConnect, MAX_CONNECT_EVENTS_PER_HOUR, STABLE_AFTER_MS } from './admission-rules';
import type { HeldAgents } from './held-agents';
import * as events from '../events';
import { endConnection, type AdmittedConnection, type Connection } from '../turns/connection';
import type { CommandEngine } from '../commands/command-engine';
import type { HostEntry } from '../turns/entry';
import type { FleetCore } from '../turns/fleet-core';
import type { Turn } from '../turns/turn';

export class HostPresence {
  /** `freed` is called when no connection speaks for a host of this name any more. */
  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly held: Pick<HeldAgents, 'noticeOf'>,
    private readonly freed: (name: string) => void,
  ) {}

  /** An admitted connection begins. Returns whether events about the connections of this host are written. */
  begins(entry: HostEntry, { link: { address, identity } }: Connection, version: string): boolean {
    const now = this.core.now();
    const logging = countConnect(entry.connects, now);
    if (logging === 'log') {
      this.core.defer(events.agentConnected(entry.record, version, false, now, address), identity);
    } else if (logging === 'limit') {
      this.core.defer(events.agentUnsteady(entry.record, MAX_CONNECT_EVENTS_PER_HOUR, now, address), identity);
    }
    return logging === 'log';
  }

  /** The host of an admitted connection is offline from now on. */
  detach(connection: AdmittedConnection, code: number, reason: string, isDismissed: boolean): void {
    const { hostId } = connection.state;
    const entry = this.core.memory.entries.get(hostId);
    if (!entry) return;
    const work = (turn: Turn) => {
      if (entry.connection === connection) this.detachInTurn(turn, entry, connection, code, reason, isDismissed);
      turn.effects.push(() => this.freed(entry.record.name));
    };
    this.core.about(entry, 'drop', work, { isVital: true });
    this.commandsLostConnection(entry);
  }

  /** The same in the turn that admits the next connection. */
  detachInTurn(
    turn: Turn,
    entry: HostEntry,
    connection: AdmittedConnection,
    code: number,
    reason: string,
    isDismissed: boolean,
  ): void {
    const record = this.core.memory.current(entry);
    this.core.putHost(turn, entry.record, record);
    const { eventsEnabled } = connection.state;
    const { address, identity } = connection.link;
    turn.apply.push(() => {
      entry.connection = null;
      endConnection(connection);
      if (!isDismissed) {
        const lasted = this.core.options.loop.now() - connection.connectedAt;
        entry.shortConnections = lasted < STABLE_AFTER_MS ? entry.shortConnections + 1 : 0;
        entry.notice = this.held.noticeOf(entry);
      }
      if (!eventsEnabled) return;
      // The reason in a close frame is text chosen by the agent.
      const ended = { how: 'closed', code, reason: plainText(reason, 120) } as const;
      this.core.defer(events.agentDisconnected(record, ended, turn.now, address), identity);
    });
  }

  /** The commands of a host without a connection: unless a new one has been admitted meanwhile, and has said more. */
  commandsLostConnection(entry: HostEntry): void {
    const work = (turn: Turn) => {
      if (entry.connection === null) this.engine.lostConnection(turn, entry);
    };
    this.core.about(entry, 'retry', work, { isVital: true });
  }
}
