/** What tokens of agents and enrolment ask of the database, and what they are. */
import type { z } from 'zod';

export interface AgentTokenRecord {
  id: string;
  hostId: string;
  /** `sha256`: of the token; `v1-hmac`: HMAC-SHA256 with version 1's hash secret, as adopted from its database. */
  scheme: 'sha256' | 'v1-hmac';
  tokenHash: string;
  createdAt: number;
  /** Who made it: an operator's name, or the host that enrolled. */
  createdBy: string;
  lastUsedAt: number | null;
  /** Set when another one takes its place: until then both are good. */
  expiresAt: number | null;
  revokedAt: number | null;
}

export interface EnrolmentCodeRecord {
  codeHash: string;
  /** The one host it is for; null for any. */
  hostName: string | null;
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  usedAt: number | null;
  usedByHostId: string | null;
}

/** Every method throws when the database refuses. */
export interface AgentTokenStore {
  tokenByHash(tokenHash: string): AgentTokenRecord | null;
  token(id: string): AgentTokenRecord | null;
  /** All that were not revoked, of one host or of all, newest first. */
  tokens(hostId?: string): AgentTokenRecord[];
  /** Stores a token; the host's others end at `othersEndAt` at the latest. In one transaction. */
  addToken(token: AgentTokenRecord, othersEndAt: number): void;
  /** Remembers a use. With `othersEndAt`, the host's other tokens end then. In one transaction. */
  useToken(id: string, at: number, othersEndAt: number | null): void;
  /** False when it was revoked before, or never was. */
  revokeToken(id: string, at: number): boolean;
  /** Forgets tokens and codes that ended before this moment. */
  forgetEnded(before: number): void;

  code(codeHash: string): EnrolmentCodeRecord | null;
  /** Newest first. */
  codes(): EnrolmentCodeRecord[];
  addCode(code: EnrolmentCodeRecord): void;
  /** Uses a code up and stores the token it was for, in one transaction. False, and nothing written, when it was used before. */
  useCode(codeHash: string, token: AgentTokenRecord, othersEndAt: number): boolean;
  /** False when there is none that could still be used. */
  revokeCode(codeHash: string): boolean;
}

/** Small facts about the installation, one JSON value for each name. */
export interface SettingsPort {
  /** The stored value; null when there is none, or it does not fit the schema any more. */
  get<T>(key: string, schema: z.ZodType<T>): T | null;
  set(key: string, value: unknown, now: number): void;
}
