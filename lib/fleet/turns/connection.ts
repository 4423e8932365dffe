/** The connection of an agent, as the fleet keeps it in memory. */
import type { Register } from '@/lib/protocol/agent';
import type { AgentLink, HeldReason } from '../records/agent-port';

export interface Connection {
  link: AgentLink;
  state: 'new' | 'admitted' | 'held';
  /** The host it speaks for, once admitted. */
  hostId: string | null;
  /** What it registered with. */
  register: Register | null;
  /** The host name it claims; empty until it registered with one. */
  name: string;
  protocol: 2 | 3;
  /** Why it is held. */
  held: Held | null;
  /** In `LoopTime`. */
  connectedAt: number;
  /** False when its host comes and goes so often that nothing more is told of that. */
  eventsEnabled: boolean;
  /** Kinds of problem that were reported already. */
  complaints: Set<string>;
  /** Its host's name is claimed by another one: it is asked for a sign of life. */
  probing: boolean;
  /** The dashboard itself ended it: its end says nothing of the agent. */
  dismissed: boolean;
  /** The pending command of its last heartbeat. */
  pending: string;
  /** A heartbeat came over it. */
  heard: boolean;
}

export interface Held {
  reason: HeldReason;
  message: string;
  since: number;
}

/** `now` in `LoopTime`. */
export function newConnection(link: AgentLink, now: number): Connection {
  return {
    link,
    state: 'new',
    hostId: null,
    register: null,
    name: '',
    protocol: 2,
    held: null,
    connectedAt: now,
    eventsEnabled: true,
    complaints: new Set(),
    probing: false,
    dismissed: false,
    pending: '',
    heard: false,
  };
}
