/** The ports between the fleet and the gateway of agents: connections, identities and admission. */
import type { AgentFault } from '../events/agent-event-kinds';
import type { HeldWhy } from '../events/held-reasons';
import type { ParsedAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { ServerFrame } from '@/lib/protocol/agent/to-agent';

/** The identity an agent proved with its token, before any frame was read. */
export type AgentIdentity =
  /** It uses the shared token. */
  | { kind: 'shared' }
  /** It uses a host token and may speak for that host only. */
  | { kind: 'host'; hostId: string; tokenId: string };

/** Tokens and admission settings, as of now. Throws when the database can't be read. */
export interface AgentPolicy {
  /** Whether the token an agent connected with is still valid: neither revoked, replaced nor disabled. */
  isStillValid(identity: AgentIdentity): boolean;
  /** Whether a host has a host token, so that the shared token may not speak for it. */
  hasOwnToken(hostId: string): boolean;
  /** Whether unknown hosts have to wait for approval. */
  newHostsWait(): boolean;
  /** Whether the operator refused a host of this name. */
  isRefused(name: string): boolean;
}

/** Why an agent is held: connected, but neither admitted nor closed (a closed Go agent dials again at once). */
export type HeldReason = HeldWhy['reason'];

/** A held agent, for the operator. Name and version are as the agent reports them. */
export interface HeldAgent {
  name: string;
  address: string;
  version: string;
  since: number;
  reason: HeldReason;
  /** What is wrong and what to do. */
  message: string;
}

/** An agent's connection as the fleet sees it. */
export interface AgentLink {
  /** Unique, also among other processes and earlier runs. State about a link is keyed by it, never by the object. */
  readonly id: string;
  readonly address: string;
  /** Proven before the connection was accepted. */
  readonly identity: AgentIdentity;
  /** Queues a frame; false when the link is closed. The gateway closes a link whose queue grows too long. */
  send(frame: ServerFrame): boolean;
  /**
   * Asks the peer for a sign of life. After `ms` of `LoopTime`, when everything that arrived by then was read, calls back
   * with whether any byte arrived; not at all if the link has closed before.
   */
  probe(ms: number, done: (isAlive: boolean) => void): void;
  /**
   * For a link whose socket is closed: delivers what had arrived on it, then its end, before it returns. Does nothing for
   * an open link, or while a frame of this link is being processed.
   */
  finish(): void;
  /** Reads no further frame until the promise settles: the agent sends faster than the fleet can store. */
  holdUntil(stored: Promise<unknown>): void;
  close(code: number, reason: string): void;
}

/** The fleet as the agents' gateway sees it. */
export interface AgentInbox {
  /** A socket with a valid token was opened. */
  connected(link: AgentLink): void;
  /** One text frame, parsed. */
  frame(link: AgentLink, parsed: ParsedAgentFrame): void;
  /** Any sign of life: a ping, a pong, a frame. */
  alive(link: AgentLink): void;
  disconnected(link: AgentLink, code: number, reason: string): void;
  /** The gateway refused or cut something before it became a frame (too large, not text). */
  fault(link: AgentLink, fault: AgentFault): void;
  /** The gateway closes a link because of what it sent. Always causes an event, however many faults came before. */
  refused(link: AgentLink, fault: AgentFault): void;
}
