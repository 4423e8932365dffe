/** Limits how often each key is reported: a peer that repeats itself causes one line per period, not a flood. */
export class OncePer {
  private readonly reportedAt = new Map<string, number>();

  /** `max`: how many keys are remembered; beyond that the oldest is dropped. */
  constructor(
    private readonly periodMs: number,
    private readonly max: number,
  ) {}

  /** True for the first time of a key within the period. */
  isDue(key: string, now: number): boolean {
    const at = this.reportedAt.get(key);
    // `now` may be earlier: the clock may have been set back.
    if (at !== undefined && now >= at && now - at < this.periodMs) return false;
    this.reportedAt.delete(key);
    if (this.reportedAt.size >= this.max) {
      const [oldest] = this.reportedAt.keys();
      if (oldest !== undefined) this.reportedAt.delete(oldest);
    }
    this.reportedAt.set(key, now);
    return true;
  }
}
