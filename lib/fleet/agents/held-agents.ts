/** Agents that are held: what operators see of them, and the notices of hosts and of the fleet. */
import { unstableNotice } from './admission-rules';
import { HeldConnections } from './held-connections';
import * as events from '../events';
import { OncePer } from '@/lib/limits/once-per';
import type { HeldWhy } from '../events/held-reasons';
import type { Connection, Held, Registration } from '../turns/connection';
import type { HeldAgent, HeldReason } from '../records/agent-port';
import type { HostEntry } from '../turns/entry';
import type { FleetCore } from '../turns/fleet-core';
import type { LimitUse } from '@/lib/limits/limit-use';

/** The shortest time between two events about one held agent, however often it reconnects. */
const HELD_EVENT_PERIOD_MS = 3_600_000;
/** Names and addresses for which the last such event is remembered. */
const MAX_HELD_EVENTS = 1_000;
/** For these reasons the notice is shown on the host; other held agents belong to no host. */
const ABOUT_A_HOST: readonly HeldReason[] = ['duplicate', 'own-token', 'leaving'];

/** What held agents need of their surroundings. */
export interface HeldPorts {
  /** Called when what `notices()` says may have changed. */
  noticesChanged: () => void;
  /** Version-1 agents, which poll without a connection, that wait for approval. */
  polling: () => readonly HeldAgent[];
}

export class HeldAgents {
  private readonly connections: HeldConnections;
  private readonly eventTimes = new OncePer(HELD_EVENT_PERIOD_MS, MAX_HELD_EVENTS);

  constructor(
    private readonly core: FleetCore,
    private readonly ports: HeldPorts,
  ) {
    this.connections = new HeldConnections((name) => core.memory.knowsName(name));
  }

  get size(): number {
    return this.connections.size;
  }

  /** All of them, as they are now. */
  all(): Connection[] {
    return [...this.connections];
  }

  /** The connections that claim a name, the newest first, as it is the most likely to be alive. */
  newestFor(name: string): Connection[] {
    return this.connections.forName(name).reverse();
  }

  has(connection: Connection): boolean {
    return this.connections.has(connection);
  }

  /** As `HeldConnections.displacedBy`. */
  displacedBy(newcomer: Connection, name: string): Connection | null {
    return this.connections.displacedBy(newcomer, name);
  }

  /** Holds a connection, for which there is room. `before`: why it was held until now. */
  hold(connection: Connection, registration: Registration, before: Held | null, why: HeldWhy): void {
    const now = this.core.now();
    const { reason } = why;
    this.connections.add(connection);
    const held = { reason, message: events.heldSentence(why), since: before?.since ?? now };
    connection.state = { phase: 'held', registration, held };
    const { address, identity } = connection.link;
    if (this.eventTimes.isDue(`${reason} ${address} ${registration.name}`, now)) {
      const host = ABOUT_A_HOST.includes(reason) ? this.core.memory.byName(registration.name) : null;
      this.core.defer(events.agentHeld(host?.record ?? null, why, now, address), identity);
    }
    this.changed(registration.name);
  }

  /** It is admitted. False when it was not held. Its host's notice is up to the caller. */
  release(connection: Connection): boolean {
    return this.connections.delete(connection) !== null;
  }

  /** It has ended. */
  delete(connection: Connection): void {
    const name = this.connections.delete(connection);
    if (name !== null) this.changed(name);
  }

  /** The notice on a host: why an agent that claims it is held, or that its own agent keeps reconnecting. */
  noticeOf(entry: HostEntry): string {
    const newest = this.connections
      .claims()
      .findLast(
        ({ registration, held }) => registration.name === entry.record.name && ABOUT_A_HOST.includes(held.reason),
      );
    return newest?.held.message ?? unstableNotice(entry.shortConnections);
  }

  /** For operators, with version-1 agents that wait. */
  list(): HeldAgent[] {
    const connected = this.connections.claims().map(({ connection, registration: { name, register }, held }) => {
      const shown = name === '' ? register.hostname : name;
      return { name: shown, address: connection.link.address, version: register.agent_version, ...held };
    });
    return [...connected, ...this.ports.polling()];
  }

  /** Notices about held agents that belong to no host. */
  notices(): string[] {
    const waiting = new Set<string>();
    const others: string[] = [];
    for (const { registration, held } of this.connections.claims()) {
      const { name } = registration;
      if (held.reason === 'approval') waiting.add(name);
      else if (held.reason !== 'refused' && !(name !== '' && this.core.memory.byName(name))) others.push(held.message);
    }
    for (const { name, reason } of this.ports.polling()) if (reason === 'approval') waiting.add(name);
    const [first] = waiting;
    if (first === undefined) return others;
    const who = waiting.size === 1 ? `A new host, ${first}, is waiting` : `${waiting.size} new hosts are waiting`;
    return [`${who} for approval: see Settings, Hosts and tokens.`, ...others];
  }

  use(): LimitUse {
    return this.connections.use();
  }

  noticesChanged(): void {
    this.ports.noticesChanged();
  }

  private changed(name: string): void {
    const entry = name === '' ? null : this.core.memory.byName(name);
    if (entry) this.showNotice(entry);
    this.ports.noticesChanged();
  }

  private showNotice(entry: HostEntry): void {
    this.core.about(entry, 'drop', (turn) => {
      turn.touched.add(entry.record.id);
      turn.apply.push(() => {
        entry.notice = this.noticeOf(entry);
      });
    });
  }
}
