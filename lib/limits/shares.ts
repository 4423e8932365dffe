/**
 * Bounded sets of members that have not proven themselves yet. A full share does not refuse a new member, which may be
 * genuine and done in a moment: it drops its oldest member, which is the most likely to be idle on purpose.
 */

/** A bound that a member counts towards. */
export interface ShareBound {
  key: string;
  max: number;
}

export class Shares<Member> {
  /** Members with the keys of their shares, oldest first. */
  private readonly members = new Map<Member, readonly string[]>();
  private readonly shares = new Map<string, Set<Member>>();

  constructor(private readonly maxTotal: number) {}

  get size(): number {
    return this.members.size;
  }

  /** Adds a member. Returns the members it displaced, which no longer count: at most one per share and one for the total. */
  add(member: Member, shares: readonly ShareBound[]): Member[] {
    const displaced: Member[] = [];
    const displaceOldest = (among: Iterable<Member>) => {
      for (const oldest of among) {
        this.delete(oldest);
        displaced.push(oldest);
        return;
      }
    };
    for (const { key, max } of shares) {
      const share = this.shares.get(key);
      if (share && share.size >= max) displaceOldest(share);
    }
    if (this.members.size >= this.maxTotal) displaceOldest(this.members.keys());
    this.members.set(
      member,
      shares.map(({ key }) => key),
    );
    for (const { key } of shares) {
      const share = this.shares.get(key);
      if (share) share.add(member);
      else this.shares.set(key, new Set([member]));
    }
    return displaced;
  }

  delete(member: Member): void {
    for (const key of this.members.get(member) ?? []) {
      const share = this.shares.get(key);
      share?.delete(member);
      if (share?.size === 0) this.shares.delete(key);
    }
    this.members.delete(member);
  }

  /** All members, oldest first. */
  [Symbol.iterator](): Iterator<Member> {
    return this.members.keys();
  }

  /** The shares with the most members, largest first. */
  largest(count: number): { key: string; members: number }[] {
    return [...this.shares]
      .map(([key, { size }]) => ({ key, members: size }))
      .sort((one, other) => other.members - one.members)
      .slice(0, count);
  }
}
