/** Lets each thing be said once in a while: a peer that does the same for ever leaves one line, not a flood. */
export class OncePer {
  private readonly said = new Map<string, number>();

  /** `max`: keys that are remembered; beyond that the oldest is forgotten. */
  constructor(
    private readonly periodMs: number,
    private readonly max: number,
  ) {}

  /** True for the first time of a key within the period. */
  isDue(key: string, now: number): boolean {
    const at = this.said.get(key);
    // Not before it: the clock may have been put back.
    if (at !== undefined && now >= at && now - at < this.periodMs) return false;
    this.said.delete(key);
    if (this.said.size >= this.max) {
      const [oldest] = this.said.keys();
      if (oldest !== undefined) this.said.delete(oldest);
    }
    this.said.set(key, now);
    return true;
  }
}
