/** Host admission: tracks every agent connection and decides which speaks for which host, which is held, and which is closed. */
import {
  countConnect,
  decideAdmission,
  DUPLICATE_PROBE_MS,
  MAX_CONNECT_EVENTS_PER_HOUR,
  STABLE_AFTER_MS,
  unstableNotice,
} from './admission-rules';
import { shownByRegister } from './agent-input';
import type { CommandEngine } from '../commands/command-engine';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { HeldConnections } from './held-connections';
import { afterRegister, hostNameOf, newHost } from '../hosts/host';
import { OncePer } from '@/lib/limits/once-per';
import { REGISTER_TIMEOUT_MS, UnregisteredConnections } from './unregistered-connections';
import type { NewEvent } from '../records/event-record';
import type { AgentLink, HeldAgent, HeldReason } from '../records/agent-port';
import type { Requester } from '../records/requests';
import { MAX_HOSTS } from '../records/limits';
import { type Connection, newConnection } from '../turns/connection';
import type { HostEntry } from '../turns/entry';
import type { Register } from '@/lib/protocol/agent/register';
import type { LimitUse } from '@/lib/limits/limit-use';

/** The shortest time between two events about one held agent, however often it reconnects. */
const HELD_EVENT_PERIOD_MS = 3_600_000;
/** Names and addresses for which the last such event is remembered. */
const MAX_HELD_EVENTS = 1_000;
/** For these reasons the notice is shown on the host; other held agents belong to no host. */
const ABOUT_A_HOST: readonly HeldReason[] = ['duplicate', 'own-token', 'leaving'];

/** Close codes of agents' connections beside the standard ones. */
export const AGENT_CLOSE = {
  /** Its token is no longer valid. */
  TOKEN_ENDED: 4401,
  /** Another connection speaks for its host. */
  REPLACED: 4409,
  /** It did not register in time (RFC 6455, 7.4.1: policy violation). */
  POLICY: 1008,
  /** There is no room (IANA's registry of close codes: try again later). */
  TRY_LATER: 1013,
} as const;

export class AgentAdmission {
  private readonly connections = new Map<AgentLink, Connection>();
  private readonly held: HeldConnections;
  private readonly unregistered = new UnregisteredConnections();
  /** How often a new host was not admitted because the fleet is full. */
  private fleetFull = 0;
  /** True while a connection is dismissed for the sake of another one. */
  private hasSuccessor = false;
  private readonly heldEvents = new OncePer(HELD_EVENT_PERIOD_MS, MAX_HELD_EVENTS);

  /** `noticesChanged` is called when what `notices()` says may have changed. */
  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    readonly noticesChanged: () => void,
  ) {
    this.held = new HeldConnections((name) => core.knowsName(name));
  }

  open(link: AgentLink): void {
    const now = this.core.options.loop.now();
    const connection = newConnection(link, now);
    this.connections.set(link, connection);
    for (const displaced of this.unregistered.add(connection, now)) {
      this.dismiss(displaced, AGENT_CLOSE.TRY_LATER, 'too many unregistered connections');
    }
  }

  of(link: AgentLink): Connection | null {
    return this.connections.get(link) ?? null;
  }

  entryOf(connection: Connection): HostEntry | null {
    return connection.hostId === null ? null : (this.core.entries.get(connection.hostId) ?? null);
  }

  /** A connection has ended. `onHostLost` is called for the host that lost its agent, before a held agent replaces it. */
  close(link: AgentLink, onHostLost: (entry: HostEntry, connection: Connection) => void): void {
    const connection = this.connections.get(link);
    if (!connection) return;
    this.connections.delete(link);
    this.unregistered.delete(connection);
    const entry = this.entryOf(connection);
    if (!entry) {
      if (this.held.delete(connection)) this.heldChanged(connection);
      return;
    }
    entry.connection = null;
    if (!connection.dismissed) {
      const lasted = this.core.options.loop.now() - connection.connectedAt;
      entry.shortConnections = lasted < STABLE_AFTER_MS ? entry.shortConnections + 1 : 0;
      entry.notice = this.noticeOf(entry);
    }
    onHostLost(entry, connection);
    if (this.hasSuccessor) return;
    // The newest first, as it is the most likely to be alive; those that are not admitted stay held.
    for (const waiting of this.held.forName(entry.record.name).reverse()) {
      if (this.core.entries.get(entry.record.id)?.connection) return;
      this.claim(waiting);
    }
  }

  /** A connection's register frame: it names its host. */
  register(connection: Connection, register: Register): void {
    connection.register = register;
    connection.protocol = register.protocol >= 3 ? 3 : 2;
    const name = this.nameOf(register.hostname);
    if (name === null) {
      const shown = JSON.stringify(register.hostname.slice(0, 80));
      const what = register.hostname === '' ? 'without a host name' : `with the invalid host name ${shown}`;
      this.hold(
        connection,
        'bad-name',
        `An agent registered ${what}. A host name has letters, digits and hyphens, at most 63 characters.`,
      );
      return;
    }
    connection.name = name;
    this.claim(connection);
  }

  /** The claimed host name: a DNS label, or the exact name of a host from an old database. */
  private nameOf(claimed: string): string | null {
    const label = hostNameOf(claimed);
    if (label !== null) return label;
    const known = this.core.byName(claimed.trim().toLowerCase());
    return known && hostNameOf(known.record.name) === null ? known.record.name : null;
  }

  /** Decides whether a connection may speak for the host it names. */
  private claim(connection: Connection): void {
    const { link, name, register } = connection;
    const { identity, address } = link;
    if (!register || !this.connections.has(link)) return;
    // Deliver what the current agent sent before its connection ended; an ended connection does not block this one.
    this.entryFor(connection)?.connection?.link.finish();
    // Its end may already have admitted this connection, if it was held.
    if (connection.state === 'admitted' || !this.connections.has(link)) return;
    const { agents } = this.core.options;
    const entry = this.entryFor(connection);
    const present = entry?.connection ?? null;
    const owner = identity.kind === 'host' ? this.core.entries.get(identity.hostId) : null;
    let admission;
    try {
      admission = decideAdmission({
        name,
        address,
        identity,
        instance: register.instance,
        host: entry && {
          id: entry.record.id,
          name,
          hasOwnToken: agents.hasOwnToken(entry.record.id),
          isLeaving: entry.dashboardCommand?.operation === 'remove-host',
        },
        tokenOf: owner?.record.name ?? null,
        present: present && {
          address: present.link.address,
          identity: present.link.identity,
          instance: present.register?.instance ?? '',
        },
        newHostsWait: agents.newHostsWait(),
        isRefused: agents.isRefused(name),
        hosts: this.core.entries.size,
      });
    } catch (error) {
      // It dials again, more slowly each time. Until the database can be read, admission can't be decided.
      this.core.options.log.error({ err: error, address }, 'disconnected an agent: its token could not be looked up');
      this.dismiss(connection, AGENT_CLOSE.TRY_LATER, 'the database cannot be read');
      return;
    }
    if (admission.kind === 'hold') {
      if (admission.reason === 'duplicate' && present) {
        this.probe(present);
      }
      this.hold(connection, admission.reason, admission.message);
      return;
    }
    if (present && admission.dismiss !== null) {
      // A third connection that is held for the same name must not be admitted in between.
      this.hasSuccessor = true;
      this.dismiss(present, AGENT_CLOSE.REPLACED, admission.dismiss);
      this.hasSuccessor = false;
    }
    this.admit(connection, register);
  }

  /** If two hosts have the same name, a host token says which one is meant. */
  private entryFor({ link: { identity }, name }: Connection): HostEntry | null {
    const ofToken = identity.kind === 'host' ? this.core.entries.get(identity.hostId) : undefined;
    return ofToken?.record.name === name ? ofToken : this.core.byName(name);
  }

  private admit(connection: Connection, register: Register): void {
    const { name } = connection;
    this.core.run('retry', (turn) => {
      if (!this.connections.has(connection.link) || connection.state === 'admitted') return;
      const known = this.entryFor(connection);
      if (known?.connection) {
        // While the database refused writes, another connection claimed the same name first.
        turn.effects.push(() => this.claim(connection));
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
        const wasHeld = this.held.delete(connection);
        this.unregistered.delete(connection);
        connection.state = 'admitted';
        connection.held = null;
        connection.hostId = record.id;
        entry.connection = connection;
        entry.polledUntil = 0;
        entry.notice = this.noticeOf(entry);
        entry.instance = register.instance;
        this.recordConnect(entry, connection, register.agent_version);
        if (wasHeld) this.noticesChanged();
      });
      turn.effects.push(() => this.engine.sendRegistered(connection, record.id));
    });
  }

  private recordConnect(entry: HostEntry, connection: Connection, version: string): void {
    const now = this.core.options.clock.now();
    const { address } = connection.link;
    const logging = countConnect(entry.connects, now);
    connection.eventsEnabled = logging === 'log';
    if (logging === 'log') {
      const message = `Agent ${version || 'of unknown version'} connected.`;
      this.core.defer(events.agentEvent('agent.connected', 'info', message, now, address, entry.record));
    } else if (logging === 'limit') {
      const message =
        `The agent connected more than ${MAX_CONNECT_EVENTS_PER_HOUR} times within an hour: ` +
        'further connect and disconnect events are suppressed for this hour. Check its log and the network.';
      this.core.defer(events.agentEvent('agent.unsteady', 'warning', message, now, address, entry.record));
    }
  }

  private hold(connection: Connection, reason: HeldReason, message: string): void {
    if (!this.held.has(connection)) {
      if (reason === 'fleet-full') this.fleetFull += 1;
      const displaced = this.held.displacedBy(connection);
      if (displaced) this.dismiss(displaced, AGENT_CLOSE.TRY_LATER, 'too many held agents');
      if (displaced === connection) return;
    }
    this.unregistered.delete(connection);
    const now = this.core.options.clock.now();
    this.held.add(connection);
    connection.state = 'held';
    connection.held = { reason, message, since: connection.held?.since ?? now };
    const { address } = connection.link;
    if (this.heldEvents.isDue(`${reason} ${address} ${connection.name}`, now)) {
      this.core.defer(events.agentEvent('agent.held', 'warning', message, now, address, null));
    }
    this.heldChanged(connection);
  }

  private heldChanged({ name }: Connection): void {
    const entry = name === '' ? null : this.core.byName(name);
    if (entry) {
      entry.notice = this.noticeOf(entry);
      this.core.publish([entry.record.id]);
    }
    this.noticesChanged();
  }

  private noticeOf(entry: HostEntry): string {
    const held = this.held
      .forName(entry.record.name)
      .findLast(({ held: why }) => why !== null && ABOUT_A_HOST.includes(why.reason));
    return held?.held?.message ?? unstableNotice(entry.shortConnections);
  }

  /** Asks a connection for a sign of life because another one claims its host name; without one it is closed. */
  private probe(connection: Connection): void {
    if (connection.probing) return;
    connection.probing = true;
    connection.link.probe(DUPLICATE_PROBE_MS, (isAlive) => {
      connection.probing = false;
      if (isAlive || this.connections.get(connection.link) !== connection) return;
      this.dismiss(connection, AGENT_CLOSE.REPLACED, 'no sign of life, and another agent claims its host name');
    });
  }

  /** Closes a connection; to the commands of its host this is a lost connection, nothing more. */
  private dismiss(connection: Connection, code: number, why: string): void {
    connection.dismissed = true;
    this.onDismiss(connection.link, code, why);
    connection.link.close(code, why);
  }

  /** Called for a connection that is being closed; set by `AgentConnections`. */
  onDismiss: (link: AgentLink, code: number, reason: string) => void = () => undefined;

  /**
   * Checks all agents again after tokens, settings or hosts changed: closes connections whose token is no longer valid,
   * and admits held ones if they may now be admitted.
   */
  reconsider(): void {
    for (const connection of [...this.connections.values()]) {
      if (!this.hasValidToken(connection)) {
        this.dismiss(connection, AGENT_CLOSE.TOKEN_ENDED, 'its token is no longer valid');
      }
    }
    for (const connection of [...this.held]) {
      if (connection.held?.reason !== 'duplicate' && connection.name !== '') this.claim(connection);
    }
    if (this.held.size > 0) this.noticesChanged();
  }

  /** While tokens can't be looked up, admitted connections stay. */
  private hasValidToken({ link }: Connection): boolean {
    try {
      return this.core.options.agents.isStillValid(link.identity);
    } catch {
      return true;
    }
  }

  /**
   * Adds an unknown host, before its agent connects or while that is held. Returns its id (also if it already exists), or
   * why it was not added.
   */
  admitHost(
    name: string,
    event: (host: { id: string; name: string }, now: number) => NewEvent,
  ): { ok: true; hostId: string } | { ok: false; reason: string } {
    const known = this.core.byName(name);
    if (known) return { ok: true, hostId: known.record.id };
    if (hostNameOf(name) !== name) {
      return {
        ok: false,
        reason: `“${name}” is not a valid host name: use lower-case letters, digits and hyphens, at most 63 characters.`,
      };
    }
    const id = this.core.freshHostId(name);
    const refused = this.core.run('drop', (turn) => {
      const record = newHost(id, name, turn.now);
      this.core.putHost(turn, record, record, true);
      turn.events.push(event(record, turn.now));
    });
    if (refused !== null) return { ok: false, reason: refused };
    this.claimAgain(name);
    return { ok: true, hostId: id };
  }

  /** Decides again for connections that are held for this name. */
  claimAgain(name: string): void {
    for (const waiting of this.held.forName(name).reverse()) this.claim(waiting);
    this.noticesChanged();
  }

  /** Approves a host whose agent is held for approval. */
  approve(name: string, by: Requester): { ok: true; hostId: string } | { ok: false; reason: string } {
    return this.admitHost(name, (host, now) => events.hostApproved(host, now, by));
  }

  /** Version-1 agents, which poll without a connection, that wait for approval; set by `Version1Agents`. */
  polling: () => readonly HeldAgent[] = () => [];

  heldAgents(): HeldAgent[] {
    const connected = [...this.held].flatMap(({ held, name, link, register }) =>
      held
        ? [
            {
              name: name === '' ? (register?.hostname ?? '') : name,
              address: link.address,
              version: register?.agent_version ?? '',
              since: held.since,
              reason: held.reason,
              message: held.message,
            },
          ]
        : [],
    );
    return [...connected, ...this.polling()];
  }

  get heldCount(): number {
    return this.held.size;
  }

  /** Notices about held agents that belong to no host. */
  notices(): string[] {
    const waiting = new Set<string>();
    const others: string[] = [];
    for (const { held, name } of this.held) {
      if (held?.reason === 'approval') waiting.add(name);
      else if (held && held.reason !== 'refused' && !(name !== '' && this.core.byName(name))) others.push(held.message);
    }
    for (const { name, reason } of this.polling()) if (reason === 'approval') waiting.add(name);
    const [first] = waiting;
    if (first === undefined) return others;
    const who = waiting.size === 1 ? `A new host, ${first}, is waiting` : `${waiting.size} new hosts are waiting`;
    return [`${who} for approval: see Settings, Hosts and tokens.`, ...others];
  }

  /** How much of each limit on agents is in use. */
  limits(): LimitUse[] {
    return [
      this.unregistered.use((hostId) => this.core.entries.get(hostId)?.record.name ?? hostId),
      this.held.use(),
      { id: 'hosts', label: 'Hosts', used: this.core.entries.size, max: MAX_HOSTS, refused: this.fleetFull, by: [] },
    ];
  }

  /** Closes connections that did not register in time and reports them; ends the notice of an agent that is stable again. */
  tick(): void {
    const now = this.core.options.loop.now();
    for (const late of this.unregistered.takeLate(now)) {
      this.dismiss(late, AGENT_CLOSE.POLICY, `no register frame within ${REGISTER_TIMEOUT_MS / 1_000} s`);
    }
    const report = this.unregistered.takeReport(now);
    if (report) {
      const at = this.core.options.clock.now();
      this.core.defer(events.agentEvent('agent.limit', 'warning', report.message, at, report.address, null));
    }
    for (const entry of this.core.entries.values()) {
      const { connection } = entry;
      if (!connection || entry.shortConnections === 0 || now - connection.connectedAt < STABLE_AFTER_MS) continue;
      entry.shortConnections = 0;
      entry.notice = this.noticeOf(entry);
      this.core.dirty.add(entry.record.id);
    }
  }
}
