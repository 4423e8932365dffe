/**
 * Which connection speaks for which host. One at a time: a newcomer with a name that is in use waits (is held: open,
 * without `registered`) until the present one proves alive or not. A Go agent that is closed dials again every second,
 * so holding is kinder than closing (agent protocol 1.4, 6.2).
 */
import type { Register } from '@/lib/protocol/agent';
import type { AgentLink } from './ports';

/** How long the present connection has to show a sign of life when another one claims its name. */
export const DUPLICATE_PROBE_MS = 5_000;
/** Held connections at most; one more is closed. */
export const MAX_HELD = 64;
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

/** Whether a newcomer is the very process that the host's present connection belongs to (protocol 3 tells). */
export function isSameProcess(present: Connection, newcomer: Register): boolean {
  return newcomer.instance !== '' && present.register?.instance === newcomer.instance;
}
