/** An agent's connection in the fleet's memory. */
import type { AgentLink, HeldReason } from '../records/agent-port';
import type { Register } from '@/lib/protocol/agent/register';

export interface Connection {
  readonly link: AgentLink;
  /** In `LoopTime`. */
  readonly connectedAt: number;
  state: ConnectionState;
  /** The last sign of life, by the wall clock. */
  seenAt: number;
  /** Kinds of problem that have already caused an event. */
  readonly complaints: Set<string>;
  /** The dashboard closed it: nothing that it has sent and that is not processed yet counts. */
  isDismissed: boolean;
  /** It is being probed for a sign of life, because another connection claims its host name. */
  isProbing: boolean;
}

/** A connection that has registered: under which name, and with what. */
export interface Registration {
  register: Register;
  /** The host name it claims; empty if it is not a valid one. */
  name: string;
  protocol: 2 | 3;
}

export type ConnectionState =
  | { phase: 'unregistered' }
  /** Its claim is being decided or stored. */
  | { phase: 'claiming'; registration: Registration; held: Held | null }
  /** Open, without `registered`. */
  | { phase: 'held'; registration: Registration; held: Held }
  /** It speaks for a host. */
  | {
      phase: 'admitted';
      registration: Registration;
      hostId: string;
      /** False while events about its host's connections are suppressed because it reconnects too often. */
      eventsEnabled: boolean;
      /** The pending command of its last heartbeat; null before the first. */
      pending: string | null;
    }
  /** The dashboard closed it, or its socket ended. */
  | { phase: 'ended' };

export type AdmittedConnection = Connection & { state: Extract<ConnectionState, { phase: 'admitted' }> };

export const isAdmitted = (connection: Connection): connection is AdmittedConnection =>
  connection.state.phase === 'admitted';

export const isClaiming = ({ state }: Connection): boolean => state.phase === 'claiming';

export interface Held {
  reason: HeldReason;
  message: string;
  since: number;
}

/** `now` in `LoopTime`, `at` by the wall clock. */
export function newConnection(link: AgentLink, now: number, at: number): Connection {
  return {
    link,
    connectedAt: now,
    state: { phase: 'unregistered' },
    seenAt: at,
    complaints: new Set(),
    isDismissed: false,
    isProbing: false,
  };
}

/** What it registered with; null before. */
export function registrationOf({ state }: Connection): Registration | null {
  return state.phase === 'unregistered' || state.phase === 'ended' ? null : state.registration;
}

/** Why it is held; null when it is not. */
export function heldOf({ state }: Connection): Held | null {
  return state.phase === 'held' || state.phase === 'claiming' ? state.held : null;
}

export function endConnection(connection: Connection): void {
  connection.state = { phase: 'ended' };
}
