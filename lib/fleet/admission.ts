/**
 * Which connection speaks for which host. One at a time: a newcomer with a name that is in use waits (is held: open,
 * without `registered`) until the present one proves alive or not. A Go agent that is closed dials again every second,
 * so holding is kinder than closing (agent protocol 1.4, 6.2).
 */
import type { Register } from '@/lib/protocol/agent';
import type { AgentLink } from './ports';

/** How long the present connection has to show a sign of life when another one claims its name. */
export const DUPLICATE_PROBE_MS = 5_000;
/** Hosts at most: an agent names itself, and a name that was never seen makes a host. */
export const MAX_HOSTS = 4_096;
/** Held connections at most; one more is closed. */
export const MAX_HELD = 64;
/** How often an hour it is told that one host's agent came and went: a crash loop must not fill the table of events. */
export const MAX_COMINGS_PER_HOUR = 20;
const HOUR_MS = 3_600_000;
/** Readable events about one connection's bad frames at most. */
const MAX_COMPLAINTS = 5;

export interface Connection {
  link: AgentLink;
  state: 'new' | 'admitted' | 'held';
  /** The host it speaks for, once admitted. */
  hostId: string | null;
  /** What it registered with. */
  register: Register | null;
  protocol: 2 | 3;
  /** Why it is held. */
  heldFor: string;
  connectedAt: number;
  aliveAt: number;
  /** False when its host comes and goes so often that nothing more is told of that. */
  told: boolean;
  /** Kinds of problem that were reported already. */
  complaints: Set<string>;
  /** While its host's name is claimed by another one: when the proof of life is due. */
  probedAt: number | null;
  /** The pending command of its last heartbeat. */
  pending: string;
}

export function newConnection(link: AgentLink, now: number): Connection {
  return {
    link,
    state: 'new',
    hostId: null,
    register: null,
    protocol: 2,
    heldFor: '',
    connectedAt: now,
    aliveAt: now,
    told: true,
    complaints: new Set(),
    probedAt: null,
    pending: '',
  };
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

/** Whether a newcomer is the very process that the host's present connection belongs to (protocol 3 tells). */
export function isSameProcess(present: Connection, newcomer: Register): boolean {
  return newcomer.instance !== '' && present.register?.instance === newcomer.instance;
}
