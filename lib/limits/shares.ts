/**
 * Bounded sets of what has not proven itself yet. A share that is full does not refuse the newcomer, who may be honest and
 * done in a moment: the oldest member of that very share goes, as who sits longest is the likeliest to squat.
 */

/** One of the bounds that a member counts for. */
export interface ShareBound {
  key: string;
  max: number;
}

export class Shares<Member> {
  /** With the keys of their shares, oldest first. */
  private readonly members = new Map<Member, readonly string[]>();
  private readonly shares = new Map<string, Set<Member>>();

  constructor(private readonly maxTotal: number) {}

  get size(): number {
    return this.members.size;
  }

  /** Adds a member. Gives those that it displaced, which count no more: at most one for each share, and one for the total. */
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

  /** The shares with the most members, the greatest first. */
  largest(count: number): { key: string; members: number }[] {
    return [...this.shares]
      .map(([key, { size }]) => ({ key, members: size }))
      .sort((one, other) => other.members - one.members)
      .slice(0, count);
  }
}
