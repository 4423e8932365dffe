/** What pages and actions use for tokens, enrolment and agent rules. Nothing here reveals a stored secret. */
import type { AgentRule, AgentRuleName } from './agent-settings';
import type { Requester } from '@/lib/fleet/records/requests';

export interface AgentTokenView {
  id: string;
  hostId: string;
  /** Created by version 1. */
  isV1: boolean;
  createdAt: number;
  createdBy: string;
  lastUsedAt: number | null;
  /** When it expires because a newer one replaces it; null otherwise. */
  expiresAt: number | null;
}

export interface EnrolmentCodeView {
  /** Identifies the code without revealing it. */
  id: string;
  hostName: string | null;
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  usedAt: number | null;
  usedByHostId: string | null;
}

export interface AgentAdministration {
  /** Valid tokens, newest first. */
  tokens(): AgentTokenView[];
  /**
   * Creates a host token and returns it in clear text, this once. The host's other tokens stay valid until the new one
   * is used.
   */
  issueToken(host: { id: string; name: string }, by: Requester): Promise<string>;
  /** Whether the shared token could claim its host once this token is revoked. */
  revokingOpensHost(id: string): boolean;
  /**
   * Revokes a token and closes its connections at once. `none`: there was none. `unconfirmed`: the shared token could
   * claim its host afterwards, and `isConfirmed` is false; nothing was done.
   */
  revokeToken(id: string, by: Requester, isConfirmed: boolean): Promise<'revoked' | 'none' | 'unconfirmed'>;

  codes(): Promise<EnrolmentCodeView[]>;
  /**
   * Creates a code and returns it in clear text, this once; null when too many are open. `hostName`: null for any host.
   */
  createCode(request: { hostName: string | null; lifetimeMs: number }, by: Requester): Promise<string | null>;
  revokeCode(id: string, by: Requester): Promise<boolean>;

  rule(name: AgentRuleName): AgentRule;
  /** False when the environment sets it. */
  setRule(name: AgentRuleName, value: boolean, by: Requester): Promise<boolean>;
  /** Refuses a host: it is held, also when it reconnects. */
  refuseHost(name: string, by: Requester): Promise<void>;
  /** Withdraws a refusal. */
  allowHost(name: string): Promise<void>;
}
