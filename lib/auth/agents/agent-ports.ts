/** Records of agent tokens and enrolment codes, and the port to their store. */
import type { z } from 'zod';

export interface AgentTokenRecord {
  id: string;
  hostId: string;
  /** `sha256`: of the token; `v1-hmac`: HMAC-SHA256 with version 1's hash secret, as adopted from its database. */
  scheme: 'sha256' | 'v1-hmac';
  tokenHash: string;
  createdAt: number;
  /** Who created it: an operator's name, or the host that enrolled. */
  createdBy: string;
  lastUsedAt: number | null;
  /** Set when a newer token replaces it: until then both are valid. */
  expiresAt: number | null;
  revokedAt: number | null;
}

export interface EnrolmentCodeRecord {
  codeHash: string;
  /** The host it is valid for; null for any. */
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
  /** Tokens that were not revoked, of one host or of all, newest first. */
  tokens(hostId?: string): AgentTokenRecord[];
  /** Stores a token; the host's other tokens expire at `othersEndAt` at the latest. In one transaction. */
  addToken(token: AgentTokenRecord, othersEndAt: number): void;
  /** Stores a use. With `othersEndAt`, the host's other tokens expire then. In one transaction. */
  useToken(id: string, at: number, othersEndAt: number | null): void;
  /** False when it was already revoked or does not exist. */
  revokeToken(id: string, at: number): boolean;
  /** Removes tokens and codes that ended before this time. */
  forgetEnded(before: number): void;

  code(codeHash: string): EnrolmentCodeRecord | null;
  /** Newest first. */
  codes(): EnrolmentCodeRecord[];
  addCode(code: EnrolmentCodeRecord): void;
  /**
   * Marks a code as used and stores its token, in one transaction. False, with nothing written, when it was already
   * used.
   */
  useCode(codeHash: string, token: AgentTokenRecord, othersEndAt: number): boolean;
  /** False when there is no usable code. */
  revokeCode(codeHash: string): boolean;
}

/** Small settings of the installation, one JSON value per name. */
export interface SettingsPort {
  /** The stored value; null when there is none or it no longer matches the schema. */
  get<T>(key: string, schema: z.ZodType<T>): T | null;
  set(key: string, value: unknown, now: number): void;
}
