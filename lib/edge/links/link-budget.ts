/**
 * What one peer may cost: bytes read and milliseconds of work, each as a token bucket. Pure: the time (ms of a
 * monotonic clock) is an argument.
 */

/** Capacity, and refill per second. */
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

  /** Takes an amount that is already spent; the bucket may become overdrawn. */
  spend(amount: number, nowMs: number): void {
    this.refill(nowMs);
    this.level -= amount;
  }

  /** Takes an amount if available; otherwise takes nothing and returns false. */
  tryTake(amount: number, nowMs: number): boolean {
    this.refill(nowMs);
    if (this.level < amount) return false;
    this.level -= amount;
    return true;
  }

  get isOverdrawn(): boolean {
    return this.level < 0;
  }

  /** Milliseconds until the amount is available; 0 if it is. */
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

/** After an overdraft, reading resumes at this level; otherwise each message would cause a pause. */
const RESUME_BYTES = 64 * 1024;
const RESUME_WORK_MS = 10;

/** Half-life of recent use. */
const RECENT_HALF_LIFE_MS = 1_000;
/** Waiting bytes that count as one millisecond of recent use: expensive messages are large. */
const RECENT_BYTES_PER_MS = 8 * 1024;

/** Both buckets of one peer, and its recent use. */
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

  /** Recent use in milliseconds of work; used and waiting bytes count as work, too. */
  recentMs(nowMs: number, waitingBytes = 0): number {
    const elapsedMs = Math.max(0, nowMs - this.recentAtMs);
    return this.recent * 2 ** (-elapsedMs / RECENT_HALF_LIFE_MS) + waitingBytes / RECENT_BYTES_PER_MS;
  }

  /** True when the peer must not be read until `waitMs` has passed. */
  get isOverdrawn(): boolean {
    return this.bytes.isOverdrawn || this.workMs.isOverdrawn;
  }

  /** Milliseconds until reading may resume after an overdraft; 0 if it may. */
  waitMs(nowMs: number): number {
    return Math.max(this.bytes.waitMs(RESUME_BYTES, nowMs), this.workMs.waitMs(RESUME_WORK_MS, nowMs));
  }
}

/** With more peers than this, the least recently seen ones lose their history. */
export const MAX_BUDGETS = 4_096;

/** Budgets by key (a host, an address): a peer that reconnects keeps its remaining budget. */
export class LinkBudgets {
  private readonly budgets = new Map<string, LinkBudget>();

  constructor(
    private readonly limits: LinkLimits,
    private readonly now: () => number,
  ) {}

  of(key: string): LinkBudget {
    const budget = this.budgets.get(key) ?? new LinkBudget(this.limits, this.now());
    // A map keeps insertion order: the first key is the least recently seen.
    this.budgets.delete(key);
    this.budgets.set(key, budget);
    for (const oldest of this.budgets.keys()) {
      if (this.budgets.size <= MAX_BUDGETS) break;
      this.budgets.delete(oldest);
    }
    return budget;
  }
}
