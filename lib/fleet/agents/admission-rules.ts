/**
 * Which connection speaks for which host, as pure rules. One at a time: a newcomer with a name that is in use waits (is
 * held: open, without `registered`) until the present one proves alive or not. A Go agent that is closed dials again
 * every second, so holding is kinder than closing (agent protocol 1.4, 6.2). Whoever has a host's own token outranks
 * who has the shared one.
 */
import type { AgentIdentity, HeldReason } from '../records/agent-port';
import { MAX_HOSTS } from '../records/limits';
import type { Connection } from '../turns/connection';

/** How long the present connection has to show a sign of life when another one claims its name. */
export const DUPLICATE_PROBE_MS = 5_000;
/** Held connections at most, beside one for each known host: see `HeldConnections`. */
export const MAX_HELD = 512;
/** How often an hour it is told that one host's agent came and went: a crash loop must not fill the table of events. */
export const MAX_COMINGS_PER_HOUR = 20;
/** A connection that lasted this long was no part of a crash loop. */
export const STEADY_MS = 60_000;
/** So many connections in a row that did not last are told on the host. */
export const MAX_SHORT_STAYS = 5;
const HOUR_MS = 3_600_000;
/** Readable events about one connection's bad frames at most. */
const MAX_COMPLAINTS = 5;

/** Who asks to speak for a name, and what is known about that name. */
export interface Claim {
  name: string;
  address: string;
  identity: AgentIdentity;
  instance: string;
  /** The host that it would speak for; null for one that nobody knows. */
  host: { id: string; name: string; hasOwnToken: boolean; isLeaving: boolean } | null;
  /** The name of the host that its own token is for; null when it came with the shared one, or that host is gone. */
  tokenOf: string | null;
  /** Who speaks for that host now. */
  present: { address: string; identity: AgentIdentity; instance: string } | null;
  newHostsWait: boolean;
  isRefused: boolean;
  /** Hosts in the fleet. */
  hosts: number;
}

export type Admission =
  /** `dismiss`: why the present connection gives way; null when there is none. */
  { kind: 'admit'; dismiss: string | null } | { kind: 'hold'; reason: HeldReason; message: string };

const hold = (reason: HeldReason, message: string): Admission => ({ kind: 'hold', reason, message });

/** Whether an agent may speak for the host that it names. */
export function decideAdmission(claim: Claim): Admission {
  const { name, address, identity, host, present } = claim;
  if (identity.kind === 'host' && host?.id !== identity.hostId) {
    const owner = claim.tokenOf ?? 'a host that was removed';
    return hold(
      'foreign-token',
      `An agent at ${address} has the token of ${owner} but says that it is ${name}. A host’s token is for that host ` +
        `alone: make one for ${name}, or set NIXFLEET_HOSTNAME on the host.`,
    );
  }
  if (!host) {
    if (claim.isRefused) {
      return hold(
        'refused',
        `${name}, a new host at ${address}, was refused. Settings, Hosts and tokens, takes it in.`,
      );
    }
    if (claim.newHostsWait) {
      return hold('approval', `${name}, a new host at ${address}, waits for approval: see Settings, Hosts and tokens.`);
    }
    if (claim.hosts >= MAX_HOSTS) {
      return hold('fleet-full', `A new host, ${name}, was not taken in: the fleet has ${MAX_HOSTS} hosts already.`);
    }
    return { kind: 'admit', dismiss: null };
  }
  if (host.isLeaving) {
    return hold('leaving', `${host.name} is being removed. Its agent is taken for a new host when that is done.`);
  }
  if (identity.kind === 'shared' && host.hasOwnToken) {
    return hold(
      'own-token',
      `${host.name} has a token of its own, but an agent at ${address} came with the shared one. Give the agent its ` +
        'token, or revoke that token: Settings, Hosts and tokens.',
    );
  }
  if (!present) return { kind: 'admit', dismiss: null };
  if (identity.kind === 'host' && present.identity.kind === 'shared') {
    return { kind: 'admit', dismiss: 'an agent with the host’s own token came' };
  }
  // Protocol 3 tells by its instance that it is the very process that the present connection belongs to.
  if (claim.instance !== '' && claim.instance === present.instance) {
    return { kind: 'admit', dismiss: 'the same agent opened a new connection' };
  }
  return hold(
    'duplicate',
    `A second agent says that it is ${host.name}: one at ${present.address}, one at ${address}.`,
  );
}

/** True the first time for a kind of problem, so that a misbehaving agent leaves one readable event, not a flood. */
export function isNewComplaint(connection: Connection, kind: string): boolean {
  if (connection.complaints.has(kind) || connection.complaints.size >= MAX_COMPLAINTS) return false;
  connection.complaints.add(kind);
  return true;
}

/** Counts a coming of a host's agent: whether it is told, was told often enough (once an hour), or is passed over. */
export function countComing(comings: { since: number; count: number }, now: number): 'told' | 'too-often' | 'untold' {
  if (now - comings.since >= HOUR_MS || now < comings.since) Object.assign(comings, { since: now, count: 0 });
  comings.count += 1;
  if (comings.count <= MAX_COMINGS_PER_HOUR) return 'told';
  return comings.count === MAX_COMINGS_PER_HOUR + 1 ? 'too-often' : 'untold';
}

/** What the operator should know of an agent that comes often and never stays; empty while it is steady. */
export function unsteadyNotice(shortStays: number): string {
  return shortStays < MAX_SHORT_STAYS
    ? ''
    : `Its agent connects and never stays: the last ${shortStays} connections lasted less than a minute each. ` +
        'Look at the agent’s log on the host, and for a second agent there.';
}
