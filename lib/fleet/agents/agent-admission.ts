/** Host admission: tracks every agent connection and decides which speaks for which host, which is held, and which is closed. */
import { AGENT_CLOSE, decideAdmission, DUPLICATE_PROBE_MS, STABLE_AFTER_MS } from './admission-rules';
import { shownByRegister } from './agent-input';
import type { CommandEngine } from '../commands/command-engine';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { HeldAgents, type HeldPorts } from './held-agents';
import { HostPresence } from './host-presence';
import { afterRegister, newHost } from '../hosts/host';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';
import { REGISTER_TIMEOUT_MS, UnregisteredConnections } from './unregistered-connections';
import type { HeldWhy } from '../events/held-reasons';
import type { AgentLink, HeldAgent } from '../records/agent-port';
import { MAX_HOSTS } from '../records/limits';
import {
  endConnection,
  isAdmitted,
  isClaiming,
  newConnection,
  type AdmittedConnection,
  type Connection,
  type Held,
  type Registration,
} from '../turns/connection';
import type { Turn } from '../turns/turn';
import type { HostEntry } from '../turns/entry';
import type { Register } from '@/lib/protocol/agent/register';
import type { LimitUse } from '@/lib/limits/limit-use';

/** Characters of an invalid host name that the event shows. */
const MAX_SHOWN_NAME = 80;

export class AgentAdmission {
  /** Open connections by the id of their link. */
  private readonly connections = new Map<string, Connection>();
  private readonly held: HeldAgents;
  private readonly presence: HostPresence;
  private readonly unregistered = new UnregisteredConnections();
  /** Connections whose claim of a new host is being decided and stored. */
  private readonly arriving = new Set<Connection>();
  /** How often a new host was not admitted because the fleet is full. */
  private fleetFull = 0;

  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    ports: HeldPorts,
  ) {
    this.held = new HeldAgents(core, ports);
    this.presence = new HostPresence(core, engine, this.held, (name) => this.report(this.claimFor(name)));
  }

  /** Call this when what `notices()` says of polling agents may have changed. */
  noticesChanged(): void {
    this.held.noticesChanged();
  }

  open(link: AgentLink): void {
    const now = this.core.options.loop.now();
    const connection = newConnection(link, now, this.core.now());
    this.connections.set(link.id, connection);
    for (const displaced of this.unregistered.add(connection, now)) {
      this.dismiss(displaced, AGENT_CLOSE.TRY_LATER, 'too many unregistered connections');
    }
  }

  /** The open connection of a link; null once the dashboard has closed it or it has ended. */
  of(link: AgentLink): Connection | null {
    return this.connections.get(link.id) ?? null;
  }

  entryOf({ state }: Connection): HostEntry | null {
    return state.phase === 'admitted' ? (this.core.memory.entries.get(state.hostId) ?? null) : null;
  }

  /** A link has ended. */
  close(link: AgentLink, code: number, reason: string): void {
    const connection = this.connections.get(link.id);
    if (connection) this.ends(connection, code, reason);
  }

  /** A connection's register frame: it names its host. Resolves when the claim is decided and stored, or was refused. */
  async register(connection: Connection, register: Register): Promise<void> {
    const name = this.nameOf(register.hostname);
    const registration: Registration = { register, name: name ?? '', protocol: register.protocol >= 3 ? 3 : 2 };
    if (name !== null) {
      await this.claim(connection, registration, null);
      return;
    }
    const shown = register.hostname.slice(0, MAX_SHOWN_NAME);
    this.hold(connection, registration, null, { reason: 'bad-name', shown });
  }

  /** The claimed host name: a DNS label, or the exact name of a host from an old database. */
  private nameOf(claimed: string): string | null {
    const label = hostNameOf(claimed);
    if (label !== null) return label;
    const known = this.core.memory.byName(claimed.trim().toLowerCase());
    return known && hostNameOf(known.record.name) === null ? known.record.name : null;
  }

  // ── claims ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Decides, after what its host has sent so far, whether a connection may speak for the host it names. */
  private async claim(connection: Connection, registration: Registration, held: Held | null): Promise<void> {
    const { name } = registration;
    connection.state = { phase: 'claiming', registration, held };
    // Again where the host that has the name changed meanwhile.
    while (isClaiming(connection) && this.isOpen(connection)) {
      const entry = this.entryFor(connection, name);
      // What the current agent sent before its connection ended comes first; an ended connection does not block this one.
      entry?.connection?.link.finish();
      const hostId = this.hostIdFor(connection, name);
      if (!entry) this.arriving.add(connection);
      const ended = this.core.endAbout(hostId, 'retry', (turn) => this.decide(turn, connection, hostId));
      connection.link.holdUntil(this.core.whenFree(hostId));
      try {
        const refusal = await ended;
        if (refusal && this.isOpen(connection) && !isAdmitted(connection)) {
          // It dials again, more slowly each time.
          this.dismiss(connection, AGENT_CLOSE.TRY_LATER, 'its registration could not be stored');
        }
      } finally {
        this.arriving.delete(connection);
      }
    }
  }

  private decide(turn: Turn, connection: Connection, hostId: string): void {
    const { link, state } = connection;
    if (state.phase !== 'claiming' || !this.isOpen(connection)) return;
    const { registration, held } = state;
    if (this.hostIdFor(connection, registration.name) !== hostId) return;
    const { identity, address } = link;
    const { name, register } = registration;
    const { agents } = this.core.options;
    const { entries } = this.core.memory;
    const entry = this.entryFor(connection, name);
    const present = entry?.connection ?? null;
    const owner = identity.kind === 'host' ? entries.get(identity.hostId) : null;
    const admission = decideAdmission({
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
        instance: present.state.registration.register.instance,
      },
      newHostsWait: agents.newHostsWait(),
      isRefused: agents.isRefused(name),
      hosts: entries.size + this.arriving.size - (this.arriving.has(connection) ? 1 : 0),
    });
    if (admission.kind === 'hold') {
      const { why } = admission;
      if (entry) turn.touched.add(entry.record.id);
      turn.apply.push(() => this.hold(connection, registration, held, why));
      if (why.reason === 'duplicate' && present) turn.effects.push(() => this.probe(present));
      return;
    }
    if (entry && present && admission.dismiss !== null) this.replace(turn, entry, present, admission.dismiss);
    this.admit(turn, connection, registration, entry, hostId);
  }

  /** If two hosts have the same name, a host token says which one is meant. */
  private entryFor({ link: { identity } }: Connection, name: string): HostEntry | null {
    const ofToken = identity.kind === 'host' ? this.core.memory.entries.get(identity.hostId) : undefined;
    return ofToken?.record.name === name ? ofToken : this.core.memory.byName(name);
  }

  private hostIdFor(connection: Connection, name: string): string {
    return this.entryFor(connection, name)?.record.id ?? this.core.memory.freshHostId(name);
  }

  private admit(
    turn: Turn,
    connection: Connection,
    registration: Registration,
    known: HostEntry | null,
    hostId: string,
  ): void {
    const { name, register } = registration;
    const before = known ? (turn.hosts.get(hostId) ?? known.record) : newHost(hostId, name, turn.now);
    this.reportColor(name, register);
    const record = afterRegister(before, register, turn.now);
    this.core.putHost(turn, before, record, !known);
    if (!known) {
      turn.events.push(events.hostAddedByAgent(record, 'agent', turn.now, connection.link.address));
    }
    const wasInstance = known?.instance ?? '';
    const sameProcess = register.instance === '' || wasInstance === '' ? null : register.instance === wasInstance;
    for (const command of [known?.active, known?.control]) {
      if (!command) continue;
      this.engine.feed(turn, command, {
        type: 'registered',
        shown: shownByRegister(register, command),
        hasResult: register.finished.includes(command.id),
        sameProcess,
        facts: this.engine.factsOf(record),
      });
    }
    turn.apply.push(() => this.attach(turn, connection, registration, hostId));
  }

  /** An admitted connection speaks for its host from now on, unless it has ended while that was being stored. */
  private attach(turn: Turn, connection: Connection, registration: Registration, hostId: string): void {
    const entry = this.core.memory.entries.get(hostId);
    if (!entry) return;
    if (!this.isOpen(connection)) {
      turn.effects.push(() => {
        this.presence.commandsLostConnection(entry);
        // One that is held because of the connection that this one has replaced.
        this.report(this.claimFor(entry.record.name));
      });
      return;
    }
    const wasHeld = this.held.release(connection);
    this.unregistered.delete(connection);
    const eventsEnabled = this.presence.begins(entry, connection, registration.register.agent_version);
    connection.state = { phase: 'admitted', registration, hostId, eventsEnabled, pending: null };
    if (isAdmitted(connection)) entry.connection = connection;
    entry.polledUntil = 0;
    entry.notice = this.held.noticeOf(entry);
    entry.instance = registration.register.instance;
    if (wasHeld) turn.effects.push(() => this.held.noticesChanged());
    turn.effects.push(() => this.engine.sendRegistered(connection.link, registration.protocol, hostId));
  }

  // ── held connections ──────────────────────────────────────────────────────────────────────────────────────────────

  private hold(connection: Connection, registration: Registration, before: Held | null, why: HeldWhy): void {
    if (!this.held.has(connection)) {
      if (why.reason === 'fleet-full') this.fleetFull += 1;
      const displaced = this.held.displacedBy(connection, registration.name);
      if (displaced) this.dismiss(displaced, AGENT_CLOSE.TRY_LATER, 'too many held agents');
      if (displaced === connection) return;
    }
    this.unregistered.delete(connection);
    this.held.hold(connection, registration, before, why);
  }

  /** Asks a connection for a sign of life because another one claims its host name; without one it is closed. */
  private probe(connection: Connection): void {
    if (connection.isProbing) return;
    connection.isProbing = true;
    connection.link.probe(DUPLICATE_PROBE_MS, (isAlive) => {
      connection.isProbing = false;
      if (isAlive || !this.isOpen(connection)) return;
      this.dismiss(connection, AGENT_CLOSE.REPLACED, 'no sign of life, and another agent claims its host name');
    });
  }

  /** Decides again for a held connection. */
  private async claimHeld(connection: Connection): Promise<void> {
    const { state } = connection;
    if (state.phase === 'held' && state.registration.name !== '' && this.isOpen(connection)) {
      await this.claim(connection, state.registration, state.held);
    }
  }

  /** Decides again for the connections that are held for this name, the newest first, as it is the most likely to be alive. */
  private async claimFor(name: string): Promise<void> {
    for (const waiting of this.held.newestFor(name)) {
      if (this.core.memory.byName(name)?.connection) return;
      await this.claimHeld(waiting);
    }
  }

  private reportColor(name: string, { theme_color: color }: Register): void {
    if (color === '' || themeColorOf(color) !== null) return;
    this.core.options.log.warn({ host: name, color }, 'an agent reported an invalid theme colour: write #rrggbb');
  }

  /** Decides again for connections that are held for this name. */
  claimAgain(name: string): void {
    this.report(this.claimFor(name).then(() => this.held.noticesChanged()));
  }

  /**
   * What a connection sent could not be processed because of a fault of the dashboard: its agent connects again, and
   * sends again what was not acknowledged.
   */
  failed(connection: Connection, error: unknown): void {
    const { address } = connection.link;
    this.core.options.log.error(
      { err: error, address },
      'handling a message of an agent failed; the agent was disconnected',
    );
    if (this.isOpen(connection)) this.dismiss(connection, AGENT_CLOSE.INTERNAL_ERROR, 'internal error');
  }

  // ── the end of connections ────────────────────────────────────────────────────────────────────────────────────────

  private isOpen({ link }: Connection): boolean {
    return this.connections.has(link.id);
  }

  /** Closes a connection at once; nothing more that it sends is processed. */
  private dismiss(connection: Connection, code: number, why: string): void {
    connection.isDismissed = true;
    this.ends(connection, code, why, true);
    connection.link.close(code, why);
  }

  private ends(connection: Connection, code: number, reason: string, isDismissed = false): void {
    this.connections.delete(connection.link.id);
    this.unregistered.delete(connection);
    this.held.delete(connection);
    if (isAdmitted(connection)) this.presence.detach(connection, code, reason, isDismissed);
    else endConnection(connection);
  }

  /** Another connection takes over from the current one: in one turn, so that no third one is admitted in between. */
  private replace(turn: Turn, entry: HostEntry, present: AdmittedConnection, why: string): void {
    this.presence.detachInTurn(turn, entry, present, AGENT_CLOSE.REPLACED, why, true);
    this.engine.lostConnection(turn, entry);
    turn.apply.push(() => {
      present.isDismissed = true;
      this.connections.delete(present.link.id);
    });
    turn.effects.push(() => present.link.close(AGENT_CLOSE.REPLACED, why));
  }

  /**
   * Checks all agents again after tokens, settings or hosts changed: closes connections whose token is no longer valid,
   * and admits held ones if they may now be admitted.
   */
  reconsider(): void {
    const { agents } = this.core.options;
    for (const connection of [...this.connections.values()]) {
      if (!agents.isStillValid(connection.link.identity)) {
        this.dismiss(connection, AGENT_CLOSE.TOKEN_ENDED, 'its token is no longer valid');
      }
    }
    for (const connection of this.held.all()) {
      const { state } = connection;
      if (state.phase === 'held' && state.held.reason !== 'duplicate') this.report(this.claimHeld(connection));
    }
    if (this.held.size > 0) this.held.noticesChanged();
  }

  /** Logs the failure of work that nobody waits for. */
  private report(work: Promise<void>): void {
    work.catch((error: unknown) => this.core.options.log.error({ err: error }, 'an admission decision failed'));
  }

  // ── shown to operators ────────────────────────────────────────────────────────────────────────────────────────────

  heldAgents(): HeldAgent[] {
    return this.held.list();
  }

  get heldCount(): number {
    return this.held.size;
  }

  /** Notices about held agents that belong to no host. */
  notices(): string[] {
    return this.held.notices();
  }

  /** How much of each limit on agents is in use. */
  limits(): LimitUse[] {
    const { entries } = this.core.memory;
    return [
      this.unregistered.use((hostId) => entries.get(hostId)?.record.name ?? hostId),
      this.held.use(),
      { id: 'hosts', label: 'Hosts', used: entries.size, max: MAX_HOSTS, refused: this.fleetFull, by: [] },
    ];
  }

  /** Closes connections that did not register in time and reports them; ends the notice of an agent that is stable again. */
  tick(): void {
    const now = this.core.options.loop.now();
    for (const late of this.unregistered.takeLate(now)) {
      this.dismiss(late, AGENT_CLOSE.POLICY, `no register frame within ${REGISTER_TIMEOUT_MS / 1_000} s`);
    }
    const report = this.unregistered.takeReport(now);
    if (report) this.core.defer(events.agentLimit(report, this.core.now(), report.address), null);
    for (const entry of this.core.memory.entries.values()) {
      const { connection } = entry;
      if (!connection || entry.shortConnections === 0 || now - connection.connectedAt < STABLE_AFTER_MS) continue;
      this.core.about(entry, 'drop', (turn) => {
        turn.touched.add(entry.record.id);
        turn.apply.push(() => {
          entry.shortConnections = 0;
          entry.notice = this.held.noticeOf(entry);
        });
      });
    }
  }
}
