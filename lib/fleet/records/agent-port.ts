/** The ports between the fleet and the gateway of agents: connections, identities and who may speak for which host. */
import type { ServerFrame } from '@/lib/protocol/agent';

/** Whom an agent proved to be, by its token, before anything of it was read. */
export type AgentIdentity =
  /** It has the token that all agents may share. */
  | { kind: 'shared' }
  /** It has a token that was made for one host, and may speak for that host alone. */
  | { kind: 'host'; hostId: string; tokenId: string };

/** What the fleet asks about tokens and admission. Answers are of now; what can't be read from the database throws. */
export interface AgentPolicy {
  /** Whether what an agent proved when it came is still good: its token was neither revoked nor replaced nor shut out. */
  holds(identity: AgentIdentity): boolean;
  /** Whether a host has a token of its own, so that the shared one may not speak for it. */
  hasOwnToken(hostId: string): boolean;
  /** Whether a host that nobody knows waits for the operator. */
  newHostsWait(): boolean;
  /** Whether the operator refused a host of this name. */
  isRefused(name: string): boolean;
}

/** Why an agent is held: connected, but neither let in nor sent away (a Go agent that is closed dials again at once). */
export type HeldReason =
  'bad-name' | 'duplicate' | 'own-token' | 'foreign-token' | 'approval' | 'refused' | 'fleet-full' | 'leaving';

/** An agent that is held, for the operator. Name and version are what the agent says. */
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
  readonly id: string;
  readonly address: string;
  /** Proven before the connection was accepted. */
  readonly identity: AgentIdentity;
  /** Queues a frame; false when the link is gone. The gateway closes a link whose queue grows too long. */
  send(frame: ServerFrame): boolean;
  /**
   * Asks the peer for a sign of life. Once `ms` of `LoopTime` have passed and what had arrived by then was read, calls back
   * with whether any byte came; not at all when the link has ended before.
   */
  probe(ms: number, done: (isAlive: boolean) => void): void;
  /**
   * Passes on, before it returns, what had arrived on a link whose socket is closed, and then its end. Does nothing to
   * an open link, nor while a frame of this link is being worked through.
   */
  finish(): void;
  close(code: number, reason: string): void;
}

/** The fleet as the agents' gateway sees it. */
export interface AgentInbox {
  /** A socket with a right token was opened. */
  connected(link: AgentLink): void;
  /**
   * One text frame, as received. False when it could not be read (`parseAgentFrame` calls it malformed; an unknown type
   * is none of that): the gateway ends a link that sends many of them.
   */
  frame(link: AgentLink, data: Buffer | string): boolean;
  /** Any sign of life: a ping, a pong, a frame. */
  alive(link: AgentLink): void;
  disconnected(link: AgentLink, code: number, reason: string): void;
  /** The gateway refused or cut something before it became a frame (too large, not text). */
  fault(link: AgentLink, problem: string): void;
  /** The gateway ends a link because of what it sent: always an event, however many faults there were before. */
  refused(link: AgentLink, problem: string): void;
}
