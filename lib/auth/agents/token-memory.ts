/**
 * The host tokens that have not ended, in memory: the fleet asks about them inside its decisions, and an upgrade waits
 * for no disk. It holds what is stored: each change is made here once the store has committed it.
 *
 * An operator creates tokens one by one, or with at most `MAX_OPEN_CODES` codes, and a replaced token ends within a
 * week, so a host has few of them; each takes less than a kilobyte.
 */
import type { AgentTokenRecord, TokenUse } from './agent-ports';

export class TokenMemory {
  private readonly byId = new Map<string, AgentTokenRecord>();
  private readonly idByHash = new Map<string, string>();
  private readonly idsByHost = new Map<string, Set<string>>();

  constructor(records: readonly AgentTokenRecord[]) {
    for (const record of records) this.put(record);
  }

  get(id: string): AgentTokenRecord | null {
    return this.byId.get(id) ?? null;
  }

  /** By the hash of the token, so the time of a look-up reveals nothing about a token. */
  withHash(tokenHash: string): AgentTokenRecord | null {
    return this.get(this.idByHash.get(tokenHash) ?? '');
  }

  ofHost(hostId: string): AgentTokenRecord[] {
    return [...(this.idsByHost.get(hostId) ?? [])].flatMap((id) => this.get(id) ?? []);
  }

  /** Newest first. */
  all(): AgentTokenRecord[] {
    return [...this.byId.values()].sort((one, other) => other.createdAt - one.createdAt);
  }

  /** As `AgentTokenStore.addToken`. */
  add(record: AgentTokenRecord, othersEndAt: number): void {
    this.endOthers(record.hostId, record.id, othersEndAt);
    this.put(record);
  }

  /** As `AgentTokenStore.useTokens`, for one use. */
  use({ id, at, othersEndAt }: TokenUse): void {
    const record = this.get(id);
    if (record === null) return;
    this.put({ ...record, lastUsedAt: at });
    if (othersEndAt !== null) this.endOthers(record.hostId, id, othersEndAt);
  }

  remove(id: string): void {
    const record = this.get(id);
    if (record === null) return;
    this.byId.delete(id);
    this.idByHash.delete(record.tokenHash);
    const ids = this.idsByHost.get(record.hostId);
    ids?.delete(id);
    if (ids?.size === 0) this.idsByHost.delete(record.hostId);
  }

  removeHost(hostId: string): void {
    for (const { id } of this.ofHost(hostId)) this.remove(id);
  }

  /** Drops tokens that expired before this time. */
  dropExpired(before: number): void {
    for (const { id, expiresAt } of this.byId.values()) if (expiresAt !== null && expiresAt < before) this.remove(id);
  }

  private put(record: AgentTokenRecord): void {
    this.byId.set(record.id, record);
    this.idByHash.set(record.tokenHash, record.id);
    const ids = this.idsByHost.get(record.hostId) ?? new Set();
    this.idsByHost.set(record.hostId, ids.add(record.id));
  }

  /** Makes the host's other tokens expire at this moment, unless they expire earlier. */
  private endOthers(hostId: string, exceptId: string, at: number): void {
    for (const other of this.ofHost(hostId)) {
      if (other.id === exceptId || (other.expiresAt !== null && other.expiresAt <= at)) continue;
      this.put({ ...other, expiresAt: at });
    }
  }
}
