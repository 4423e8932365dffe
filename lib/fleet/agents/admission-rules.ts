/**
 * Which connection speaks for which host, as pure rules. Only one does: a second connection with the same host name is
 * held (open, without `registered`) until a probe shows whether the current one is alive. A Go agent whose connection is
 * closed dials again every second, so holding costs less than closing. A host token outranks the shared token.
 */
import type { AgentIdentity } from '../records/agent-port';
import type { HeldWhy } from '../events/held-reasons';
import { MAX_HOSTS } from '../records/limits';
import type { Connection } from '../turns/connection';

/** Close codes of agents' connections beside the standard ones. */
export const AGENT_CLOSE = {
  /** Its token is no longer valid. */
  TOKEN_ENDED: 4401,
  /** Another connection speaks for its host. */
  REPLACED: 4409,
  /** A fault of the dashboard (RFC 6455, 7.4.1). */
  INTERNAL_ERROR: 1011,
  /** It did not register in time (RFC 6455, 7.4.1: policy violation). */
  POLICY: 1008,
  /** There is no room (IANA's registry of close codes: try again later). */
  TRY_LATER: 1013,
} as const;

/** How long the current connection has to show a sign of life when another one claims its host name. */
export const DUPLICATE_PROBE_MS = 5_000;
/** Held connections at most, besides one for each known host: see `HeldConnections`. */
export const MAX_HELD = 512;
/** Connect and disconnect events per host and hour: an agent that reconnects in a loop must not flood the event log. */
export const MAX_CONNECT_EVENTS_PER_HOUR = 20;
/** A connection that lasts this long is not part of a reconnect loop. */
export const STABLE_AFTER_MS = 60_000;
/** This many short connections in a row produce a notice on the host. */
export const MAX_SHORT_CONNECTIONS = 5;
const HOUR_MS = 3_600_000;
/** Events about bad frames per connection at most. */
const MAX_COMPLAINTS = 5;

/** A connection's claim to a host name, and what is known about that name. */
export interface Claim {
  name: string;
  address: string;
  identity: AgentIdentity;
  instance: string;
  /** The host that it would speak for; null for an unknown one. */
  host: { id: string; name: string; hasOwnToken: boolean; isLeaving: boolean } | null;
  /** The name of the host that its host token is for; null for the shared token, or when that host was removed. */
  tokenOf: string | null;
  /** The connection that speaks for that host now. */
  present: { address: string; identity: AgentIdentity; instance: string } | null;
  newHostsWait: boolean;
  isRefused: boolean;
  /** Hosts in the fleet. */
  hosts: number;
}

export type Admission =
  /** `dismiss`: why the current connection is closed; null when there is none. */
  { kind: 'admit'; dismiss: string | null } | { kind: 'hold'; why: HeldWhy };

/** Whether an agent may speak for the host that it names. */
export function decideAdmission(claim: Claim): Admission {
  const { name, address, identity, host, present } = claim;
  if (identity.kind === 'host' && host?.id !== identity.hostId) {
    return { kind: 'hold', why: { reason: 'foreign-token', name, address, owner: claim.tokenOf } };
  }
  if (!host) {
    if (claim.isRefused) return { kind: 'hold', why: { reason: 'refused', name, address } };
    if (claim.newHostsWait) return { kind: 'hold', why: { reason: 'approval', name, address } };
    if (claim.hosts >= MAX_HOSTS) return { kind: 'hold', why: { reason: 'fleet-full', name, maxHosts: MAX_HOSTS } };
    return { kind: 'admit', dismiss: null };
  }
  if (host.isLeaving) return { kind: 'hold', why: { reason: 'leaving', name: host.name } };
  if (identity.kind === 'shared' && host.hasOwnToken) {
    return { kind: 'hold', why: { reason: 'own-token', name: host.name, address } };
  }
  if (!present) return { kind: 'admit', dismiss: null };
  if (identity.kind === 'host' && present.identity.kind === 'shared') {
    return { kind: 'admit', dismiss: 'an agent with the host token connected' };
  }
  // In protocol 3 the instance shows that this is the process that the current connection belongs to.
  if (claim.instance !== '' && claim.instance === present.instance) {
    return { kind: 'admit', dismiss: 'the same agent opened a new connection' };
  }
  return { kind: 'hold', why: { reason: 'duplicate', name: host.name, present: present.address, address } };
}

/** True the first time for a kind of problem, so that a misbehaving agent causes one event per kind, not a flood. */
export function isNewComplaint(connection: Connection, kind: string): boolean {
  if (connection.complaints.has(kind) || connection.complaints.size >= MAX_COMPLAINTS) return false;
  connection.complaints.add(kind);
  return true;
}

/**
 * Counts a new connection of a host's agent. `log`: write events for it; `limit`: write once that further events are
 * suppressed for this hour; `suppress`: write nothing.
 */
export function countConnect(connects: { since: number; count: number }, now: number): 'log' | 'limit' | 'suppress' {
  if (now - connects.since >= HOUR_MS || now < connects.since) Object.assign(connects, { since: now, count: 0 });
  connects.count += 1;
  if (connects.count <= MAX_CONNECT_EVENTS_PER_HOUR) return 'log';
  return connects.count === MAX_CONNECT_EVENTS_PER_HOUR + 1 ? 'limit' : 'suppress';
}

/** The notice about an agent that reconnects in a loop; empty while its connection is stable. */
export function unstableNotice(shortStays: number): string {
  return shortStays < MAX_SHORT_CONNECTIONS
    ? ''
    : `Its agent keeps reconnecting: the last ${shortStays} connections lasted less than a minute each. ` +
        'Check the agent’s log on the host, and whether a second agent runs there.';
}
