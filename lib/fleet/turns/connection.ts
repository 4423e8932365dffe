/** An agent's connection in the fleet's memory. */
import type { AgentLink, HeldReason } from '../records/agent-port';
import type { Register } from '@/lib/protocol/agent/register';

export interface Connection {
  link: AgentLink;
  state: 'new' | 'admitted' | 'held';
  /** The host it speaks for, once admitted. */
  hostId: string | null;
  /** Its register frame. */
  register: Register | null;
  /** The host name it claims; empty until it has registered a valid one. */
  name: string;
  protocol: 2 | 3;
  /** Why it is held. */
  held: Held | null;
  /** In `LoopTime`. */
  connectedAt: number;
  /** False while events about its host's connections are suppressed because it reconnects too often. */
  eventsEnabled: boolean;
  /** Kinds of problem that have already caused an event. */
  complaints: Set<string>;
  /** It is being probed for a sign of life, because another connection claims its host name. */
  probing: boolean;
  /** The dashboard closed it, so its end does not count as unstable. */
  dismissed: boolean;
  /** The pending command of its last heartbeat. */
  pending: string;
  /** It has sent a heartbeat. */
  hasHeartbeat: boolean;
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
    hasHeartbeat: false,
  };
}
