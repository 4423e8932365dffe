/**
 * What one peer may cost: bytes that are read and milliseconds of work, each as a bucket that refills. Pure: the
 * time (milliseconds of a clock that never steps, as `performance.now()`) comes by argument.
 */

/** How much there is at most, and how much comes back in a second. */
export interface BucketLimits {
  burst: number;
  perSecond: number;
}

export class TokenBucket {
  private level: number;

  constructor(
    private readonly limits: BucketLimits,
    private filledAtMs: number,
  ) {
    this.level = limits.burst;
  }

  /** Takes an amount that was used already: the bucket may be overdrawn. */
  spend(amount: number, nowMs: number): void {
    this.refill(nowMs);
    this.level -= amount;
  }

  /** Takes an amount if it is there; false, and nothing is taken, if it is not. */
  tryTake(amount: number, nowMs: number): boolean {
    this.refill(nowMs);
    if (this.level < amount) return false;
    this.level -= amount;
    return true;
  }

  get isOverdrawn(): boolean {
    return this.level < 0;
  }

  /** Milliseconds until so much is there; 0 when it is. */
  waitMs(amount: number, nowMs: number): number {
    this.refill(nowMs);
    return Math.max(0, ((amount - this.level) / this.limits.perSecond) * 1_000);
  }

  private refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.filledAtMs);
    this.filledAtMs = nowMs;
    this.level = Math.min(this.limits.burst, this.level + (elapsedMs / 1_000) * this.limits.perSecond);
  }
}

export interface LinkLimits {
  bytes: BucketLimits;
  /** Milliseconds of work. */
  workMs: BucketLimits;
}

/** After an overdraft, reading begins again when so much is there: else each message would bring a pause of its own. */
const RESUME_BYTES = 64 * 1024;
const RESUME_WORK_MS = 10;

/** Recent use halves in so long. */
const RECENT_HALF_LIFE_MS = 1_000;
/** What counts as a millisecond of recent use before it has cost any: dear messages are large ones. */
const RECENT_BYTES_PER_MS = 8 * 1024;

/** Both buckets of one peer, and what it used lately. */
export class LinkBudget {
  private readonly bytes: TokenBucket;
  private readonly workMs: TokenBucket;
  private recent = 0;
  private recentAtMs: number;

  constructor(limits: LinkLimits, nowMs: number) {
    this.bytes = new TokenBucket(limits.bytes, nowMs);
    this.workMs = new TokenBucket(limits.workMs, nowMs);
    this.recentAtMs = nowMs;
  }

  spend(bytes: number, workMs: number, nowMs: number): void {
    this.bytes.spend(bytes, nowMs);
    this.workMs.spend(workMs, nowMs);
    this.recent = this.recentMs(nowMs, bytes) + workMs;
    this.recentAtMs = nowMs;
  }

  /** Milliseconds of work, and bytes as such, that were used in the last seconds or wait (`waitingBytes`). */
  recentMs(nowMs: number, waitingBytes = 0): number {
    const elapsedMs = Math.max(0, nowMs - this.recentAtMs);
    return this.recent * 2 ** (-elapsedMs / RECENT_HALF_LIFE_MS) + waitingBytes / RECENT_BYTES_PER_MS;
  }

  /** True when more was used than there was: nothing more may be read until `waitMs` is over. */
  get isOverdrawn(): boolean {
    return this.bytes.isOverdrawn || this.workMs.isOverdrawn;
  }

  /** Milliseconds until reading may begin again after an overdraft; 0 when it may. */
  waitMs(nowMs: number): number {
    return Math.max(this.bytes.waitMs(RESUME_BYTES, nowMs), this.workMs.waitMs(RESUME_WORK_MS, nowMs));
  }
}

/** More peers than this, and those that were met longest ago begin anew. */
export const MAX_BUDGETS = 4_096;

/** The budgets of peers by a key (a host, an address): a peer that dials again finds what it has left. */
export class LinkBudgets {
  private readonly budgets = new Map<string, LinkBudget>();

  constructor(
    private readonly limits: LinkLimits,
    private readonly now: () => number,
  ) {}

  of(key: string): LinkBudget {
    const budget = this.budgets.get(key) ?? new LinkBudget(this.limits, this.now());
    // A map keeps the order in which keys were set: the first is the one met longest ago.
    this.budgets.delete(key);
    this.budgets.set(key, budget);
    for (const oldest of this.budgets.keys()) {
      if (this.budgets.size <= MAX_BUDGETS) break;
      this.budgets.delete(oldest);
    }
    return budget;
  }
}
