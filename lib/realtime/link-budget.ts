/**
 * What one peer's socket may cost: bytes that are read and milliseconds of work, each as a bucket that refills. Pure: the
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

/** Both buckets of one link. */
export class LinkBudget {
  private readonly bytes: TokenBucket;
  private readonly workMs: TokenBucket;

  constructor(limits: LinkLimits, nowMs: number) {
    this.bytes = new TokenBucket(limits.bytes, nowMs);
    this.workMs = new TokenBucket(limits.workMs, nowMs);
  }

  spend(bytes: number, workMs: number, nowMs: number): void {
    this.bytes.spend(bytes, nowMs);
    this.workMs.spend(workMs, nowMs);
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
