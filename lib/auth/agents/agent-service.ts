/** What pages and actions ask about tokens, enrolment and the rules for agents. Nothing here gives a stored secret away. */
import type { AgentRule, AgentRuleName } from './agent-settings';
import type { Requester } from '@/lib/fleet/records/requests';

export interface AgentTokenView {
  id: string;
  hostId: string;
  /** Version 1 made it. */
  isV1: boolean;
  createdAt: number;
  createdBy: string;
  lastUsedAt: number | null;
  /** When it ends, because another one takes its place; null while it is the only one. */
  expiresAt: number | null;
}

export interface EnrolmentCodeView {
  /** Names the code without giving it away. */
  id: string;
  hostName: string | null;
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  usedAt: number | null;
  usedByHostId: string | null;
}

export interface AgentAdministration {
  /** Good tokens, newest first. */
  tokens(): AgentTokenView[];
  /** A new token for a host, in the clear for this one answer. Its others stay good until the new one is used. */
  issueToken(host: { id: string; name: string }, by: Requester): string;
  /** Whether its host could be claimed with the shared token once this token is revoked. */
  revokingOpensHost(id: string): boolean;
  /** Its connections end at once. False when there was none to revoke. */
  revokeToken(id: string, by: Requester): boolean;

  codes(): EnrolmentCodeView[];
  /** A new code, in the clear for this one answer; null when too many are open. `hostName`: null for any host. */
  createCode(request: { hostName: string | null; lifetimeMs: number }, by: Requester): string | null;
  revokeCode(id: string, by: Requester): boolean;

  rule(name: AgentRuleName): AgentRule;
  /** False when the environment sets it. */
  setRule(name: AgentRuleName, value: boolean, by: Requester): boolean;
  /** A refused host is held, also when it comes again. */
  refuseHost(name: string, by: Requester): void;
  /** Takes a refusal back. */
  allowHost(name: string): void;
}
