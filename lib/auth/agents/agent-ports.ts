/** Records of agent tokens and enrolment codes, and the ports to their store. See also `operator/auth-ports.ts`. */

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

export interface TokenUse {
  id: string;
  at: number;
  /** When the host's other tokens expire at the latest; null leaves them as they are. */
  othersEndAt: number | null;
}

/** Every method rejects when the database refuses; then nothing has changed. */
export interface AgentTokenStore {
  token(id: string): Promise<AgentTokenRecord | null>;
  /** Tokens that were not revoked, of one host or of all, newest first. */
  tokens(hostId?: string): Promise<AgentTokenRecord[]>;
  /** Stores a token; the host's other tokens expire at `othersEndAt` at the latest. In one transaction. */
  addToken(token: AgentTokenRecord, othersEndAt: number): Promise<void>;
  /** Stores uses, in one transaction. A token that no longer exists is passed over. */
  useTokens(uses: readonly TokenUse[]): Promise<void>;
  /** False when it was already revoked or does not exist. */
  revokeToken(id: string, at: number): Promise<boolean>;
  /** Removes tokens and codes that ended before this time. */
  forgetEnded(before: number): Promise<void>;

  code(codeHash: string): Promise<EnrolmentCodeRecord | null>;
  /** Newest first. */
  codes(): Promise<EnrolmentCodeRecord[]>;
  addCode(code: EnrolmentCodeRecord): Promise<void>;
  /**
   * Marks a code as used and stores its token, in one transaction. False, with nothing written, when it was already
   * used.
   */
  useCode(codeHash: string, token: AgentTokenRecord, othersEndAt: number): Promise<boolean>;
  /** False when there is no usable code. */
  revokeCode(codeHash: string): Promise<boolean>;
}

/** Small settings of the installation, one JSON value per name. */
export interface SettingsStore {
  /** The stored value; null when there is none. The caller checks its form. */
  get(key: string): Promise<unknown>;
  /** `value` is a JSON value. */
  set(key: string, value: unknown, now: number): Promise<void>;
  remove(key: string): Promise<void>;
}
