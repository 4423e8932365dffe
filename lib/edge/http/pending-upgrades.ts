/** Upgrades whose session is being looked up. Anyone can cause this work, so it is limited per address. */
import { limitKey } from '@/lib/limits/address-key';
import type { LimitUse } from '@/lib/limits/limit-use';

/** For all addresses together. */
export const MAX_PENDING_UPGRADES = 256;
/** For one address (IPv6: /64 network). */
export const MAX_PENDING_UPGRADES_PER_ADDRESS = 32;
const TOP_NAMES = 5;

interface Pending {
  key: string;
  end: () => void;
}

export class PendingUpgrades {
  private readonly pending = new Map<string, Set<Pending>>();
  private size = 0;
  private refused = 0;

  /**
   * Takes a place for an upgrade; returns its release, or null when it must be refused. Look-ups take about the same
   * time, so running ones normally stay. Only when all places are taken does the address with the most lose its newest
   * to an address with fewer; `end` is called then.
   */
  take(address: string, end: () => void): (() => void) | null {
    const key = limitKey(address);
    const held = this.pending.get(key)?.size ?? 0;
    if (held >= MAX_PENDING_UPGRADES_PER_ADDRESS || (this.size >= MAX_PENDING_UPGRADES && !this.makeRoom(held))) {
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
      label: 'Live sockets waiting for their session check',
      used: this.size,
      max: MAX_PENDING_UPGRADES,
      refused: this.refused,
      by: this.largest()
        .slice(0, TOP_NAMES)
        .map(([who, { size }]) => ({ who, count: size })),
    };
  }

  private makeRoom(held: number): boolean {
    const [top] = this.largest();
    const newest = top && [...top[1]].at(-1);
    if (!newest || top[1].size <= held + 1) return false;
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
