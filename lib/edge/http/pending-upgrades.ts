/** Upgrades whose session is being looked up: work that strangers can ask for, bounded by shares of their addresses. */
import { limitKey } from '@/lib/limits/address-key';
import type { LimitUse } from '@/lib/protocol/limit-use';

/** Of all addresses together. */
export const MAX_PENDING_UPGRADES = 256;
/** Of one address (IPv6: /64 network). */
export const MAX_PENDING_UPGRADES_PER_ADDRESS = 32;
const NAMED = 5;

interface Pending {
  key: string;
  end: () => void;
}

export class PendingUpgrades {
  private readonly pending = new Map<string, Set<Pending>>();
  private size = 0;
  private refused = 0;

  /**
   * Counts an upgrade; gives the way to give its place back, or null when it has to be refused. All look-ups take about the
   * same time, so that what is under way stays: only where all places are taken, the address that has the most of them
   * loses its newest to one that has fewer. `end` is called when that happens.
   */
  take(address: string, end: () => void): (() => void) | null {
    const key = limitKey(address);
    const own = this.pending.get(key)?.size ?? 0;
    if (own >= MAX_PENDING_UPGRADES_PER_ADDRESS || (this.size >= MAX_PENDING_UPGRADES && !this.makeRoom(own))) {
      this.refused += 1;
      return null;
    }
    const one = { key, end };
    const share = this.pending.get(key);
    if (share) share.add(one);
    else this.pending.set(key, new Set([one]));
    this.size += 1;
    return () => this.release(one);
  }

  use(): LimitUse {
    return {
      id: 'pending_upgrades',
      label: 'Live sockets whose session is being looked up',
      used: this.size,
      max: MAX_PENDING_UPGRADES,
      refused: this.refused,
      by: this.largest()
        .slice(0, NAMED)
        .map(([who, { size }]) => ({ who, count: size })),
    };
  }

  private makeRoom(own: number): boolean {
    const [top] = this.largest();
    const newest = top && [...top[1]].at(-1);
    if (!newest || top[1].size <= own + 1) return false;
    this.release(newest);
    this.refused += 1;
    newest.end();
    return true;
  }

  private release(one: Pending): void {
    const share = this.pending.get(one.key);
    if (!share?.delete(one)) return;
    this.size -= 1;
    if (share.size === 0) this.pending.delete(one.key);
  }

  private largest(): [string, Set<Pending>][] {
    return [...this.pending].sort((one, other) => other[1].size - one[1].size);
  }
}
