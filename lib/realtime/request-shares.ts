/** How many requests may be under way at once: altogether, and of each who sends them. */
import type { LimitUse } from '@/lib/protocol/limit-use';

export interface ShareLimits {
  id: string;
  label: string;
  /** Of one address, browser or session. */
  maxEach: number;
  maxTotal: number;
  /** How whoever holds a part is shown to the operator. */
  shown?: (who: string) => string;
}

/** How many of the greatest holders are named. */
const MAX_NAMED = 5;

export class Share {
  private readonly counts = new Map<string, number>();
  private total = 0;
  private refused = 0;

  constructor(private readonly limits: ShareLimits) {}

  /** Gives the way to give the part back, once; null when there is no room. */
  take(who: string): (() => void) | null {
    const count = this.counts.get(who) ?? 0;
    if (count >= this.limits.maxEach || this.total >= this.limits.maxTotal) {
      this.refused += 1;
      return null;
    }
    this.counts.set(who, count + 1);
    this.total += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.total -= 1;
      const left = (this.counts.get(who) ?? 1) - 1;
      if (left === 0) this.counts.delete(who);
      else this.counts.set(who, left);
    };
  }

  use(): LimitUse {
    const { id, label, maxTotal, shown = (who: string) => who } = this.limits;
    const by = [...this.counts]
      .sort(([, one], [, other]) => other - one)
      .slice(0, MAX_NAMED)
      .map(([who, count]) => ({ who: shown(who), count }));
    return { id, label, used: this.total, max: maxTotal, refused: this.refused, by };
  }
}
